#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What packages say twice is the same in both places: the version, what is built with, and
the names of files. argv: the source's folder, the version."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

COMPILER = {"gcc"}  # build-essential, which every Debian package may take for granted


def makefile_list(text, name):
    return set(re.search(rf"^{name} :=((?:.*\\\n)*.*)", text, re.M)[1].split()) - {"\\"}


def build_depends(control):
    field = re.search(r"^Build-Depends:((?:.*\n )*.*)", control, re.M)[1]
    return {re.match(r"[\w.+-]+", part.strip())[0] for part in field.split(",") if part.strip()}


def in_documents(source):
    """What whosees-doc has of the source."""
    for line in (source / "debian/whosees-doc.install").read_text().splitlines():
        for path in source.glob(line.split()[0]):
            yield from (file for file in (path, *path.rglob("*")) if file.is_file())


def dead_links(source):
    """Of documents of the package to what is not in it."""
    there = {path.resolve() for path in in_documents(source)}
    for page in sorted(path for path in there if path.suffix == ".md"):
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            target = (page.parent / link).resolve()
            if ":" not in link and target not in there and \
                    not any(target in path.parents for path in there):
                yield f"{page.relative_to(source.resolve())}: {link}"


def main():
    source, version, tap = pathlib.Path(sys.argv[1]), sys.argv[2], Tap()
    debian, makefile = source / "debian", (source / "Makefile").read_text()

    changelog = (debian / "changelog").read_text()
    tap.case("the newest entry of debian/changelog is of this version",
             re.match(r"whosees \((\S+)\)", changelog)[1] == version, changelog[:80])

    spec = (source / "packaging/whosees.spec").read_text()
    tap.case("and so is packaging/whosees.spec",
             re.search(r"^Version: *(\S+)", spec, re.M)[1] == version)

    wanted = makefile_list(makefile, "BUILD_PACKAGES") - COMPILER
    there = build_depends((debian / "control").read_text())
    tap.case("Build-Depends names all that make builds with",
             len(wanted) > 10 and wanted <= there, f"missing: {sorted(wanted - there)}")

    units = {path.name.removeprefix("whosees.") for path in debian.glob("whosees.whosees-*")}
    own = {path.name for path in (source / "contrib/systemd").iterdir()}
    tap.case("each unit of contrib/systemd is in the tool's package, and is the same file",
             units == own and all((debian / f"whosees.{unit}").samefile(
                 source / "contrib/systemd" / unit) for unit in units), f"{units} {own}")

    dead = list(dead_links(source))
    tap.case("no document of whosees-doc links to what is not in it", not dead, "\n".join(dead))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
