#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The documents as one site: every document is in it, and no link leads nowhere.

    site.py      run, as TAP
"""

import html.parser
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE, Tap  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.loaded = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = [value for name, value in attrs if name in ("href", "src") and value]
        self.found += found
        self.loaded += found if tag != "a" else []


def broken(site):
    for page in site.rglob("*.html"):
        for link in Links(page.read_text()).found:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path or page.name == "404.html":
                continue
            if not (page.parent / urllib.parse.unquote(parts.path)).exists():
                yield f"{page.relative_to(site)}: {link}"


def elsewhere(site):
    """What a page loads that is not of the site; it may link to whom it likes."""
    for page in site.rglob("*.html"):
        for link in Links(page.read_text()).loaded:
            if urllib.parse.urlsplit(link).netloc:
                yield f"{page.relative_to(site)}: {link}"


def main():
    tap = Tap()
    if not shutil.which("mkdocs"):
        tap.skip("the site", "mkdocs is not installed")
        return tap.end()
    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder) / "site"
        done = subprocess.run(["mkdocs", "build", "--strict", "--quiet", "--site-dir", site],
                              cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        tap.case("it is built without a warning", done.returncode == 0, done.stdout + done.stderr)
        documents = {path.relative_to(ROOT / "docs").with_suffix(".html")
                     for path in (ROOT / "docs").rglob("*.md")}
        pages = {path.relative_to(site) for path in site.rglob("*.html")}
        missing = {d for d in documents if d not in pages and
                   not (d.name == "README.html" and d.with_name("index.html") in pages)}
        tap.case("every document is a page", documents and not missing, missing)
        listed = (ROOT / "mkdocs.yml").read_text()
        unlisted = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")
                    if str(path.relative_to(ROOT / "docs")) not in listed]
        tap.case("and in the contents", not unlisted, unlisted)
        tap.case("no link leads nowhere", not list(broken(site)), "\n".join(broken(site)))
        tap.case("no page loads anything from elsewhere", not list(elsewhere(site)),
                 "\n".join(elsewhere(site)))
        builders = [str(path) for suffix in ("py", "build", "in") for path in
                    site.rglob(f"*.{suffix}")]
        tap.case("what builds the documents is not in it", not builders, builders)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
