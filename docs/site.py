# SPDX-License-Identifier: LGPL-2.1-or-later
"""What mkdocs cannot know: the README is the first page, and a link to a file of the source tree
that is no document becomes the file's name."""

import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"(!?)\[([^]]*)\]\(([^)#\s]+)(#[^)]*)?\)")
HOME = "index.md"
SHOWN = (".md", ".json", ".png", ".svg")  # of what lies among the documents


def on_files(files, config):
    """The README, under the name of a first page; its picture lies among the documents. What
    builds the documents is none."""
    for file in list(files):
        if file.abs_src_path.startswith(config["docs_dir"]) and not file.src_path.endswith(SHOWN):
            files.remove(file)
    files.append(File(HOME, str(ROOT), config["site_dir"], config["use_directory_urls"]))
    return files


def on_page_read_source(page, config):
    """mkdocs would look for index.md: the text is the README's."""
    return (ROOT / "README.md").read_text() if page.file.src_path == HOME else None


def on_page_markdown(markdown, page, config, files):
    here = "" if page.file.src_path == HOME else posixpath.dirname("docs/" + page.file.src_path)

    def link(match):
        image, text, path, anchor = match[1], match[2], match[3], match[4] or ""
        if "://" in path or path.startswith("mailto:"):
            return match[0]
        whole = posixpath.normpath(posixpath.join(here, path))
        inside = whole.removeprefix("docs/")
        if whole == "README.md":
            inside = HOME
        elif not whole.startswith("docs/") or not files.get_file_from_path(inside):
            return f"{text} (`{whole}`)" if text.strip("`") != whole else text
        start = posixpath.dirname(page.file.src_path)
        return f"{image}[{text}]({posixpath.relpath(inside, start or '.')}{anchor})"

    return LINK.sub(link, markdown)
