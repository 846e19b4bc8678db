#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an installation leaves, put into a folder of its own: the tool starts from there
and from wherever it is moved to, the example is built against it by pkg-config, the
library gives what its header declares and no more, and uninstall takes all of it away.
argv: source tree, build, its prefix, the compiler's command."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import archive  # noqa: E402
from tap import Tap  # noqa: E402

FILES = ("bin/whosees", "include/whosees.h", "pkgconfig/whosees.pc",
         "completions/whosees.bash", "site-functions/_whosees",
         "vendor_completions.d/whosees.fish", "man1/whosees.1", "man1/whosees-probe.1",
         "man3/libwhosees.3", "man7/whosees-verdicts.7")
PLAIN = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "DESTDIR")}
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# A declaration begins at the margin; no typedef of a function's type, nothing inline.
DECLARED = re.compile(r"^(?!typedef|static)\w[\w \t*]*?\b(ws_\w+)\(", re.M)


def run(*argv, env=PLAIN, **more):
    done = subprocess.run(list(map(str, argv)), check=False, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, **more)
    return done.returncode, done.stdout


def files_of(folder):
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if not f.is_dir())


def only(folder, pattern):
    found = sorted(folder.rglob(pattern))
    return found[0] if found else None


class Installed:
    """A prefix under a stage, and a real kernel's memory to ask about."""

    def __init__(self, source, prefix):
        self.source, self.prefix = source, prefix
        self.capture = source / "tests/captures/686-small.elf"
        truth = json.loads(self.capture.with_suffix(".json").read_text())
        self.hidden = truth["hidden"]["address"]
        self.waiter = f"{truth['hidden']['pid']} waiter"
        self.shared_object = only(prefix, "libwhosees.so")


def check_tool(tap, made, when):
    status, said = run(made.prefix / "bin/whosees", "probe", made.capture, made.hidden)
    tap.case(f"the installed tool starts{when}, and names the waiter",
             status == 1 and made.waiter in said, said)


def check_scripts(tap, made):
    one = made.prefix / "share/doc/whosees/examples/many/one"
    status, said = run(one, "audit", made.capture,
                       env=dict(PLAIN, WHOSEES=made.prefix / "bin/whosees"))
    tap.case("the installed script for many dumps gives a dump its line", status == 0 and
             said.strip().startswith('{"record":"result"') and len(said.split("\n")) == 3, said)


def check_library(tap, made, when):
    """Not another one, of an installation that the machine has had before."""
    if not made.shared_object:
        return
    status, said = run("ldd", made.prefix / "bin/whosees")
    found = re.search(r"libwhosees\S* => (\S+)", said)
    tap.case(f"with the library beside it{when}", status == 0 and found and
             pathlib.Path(found[1]).resolve() == made.shared_object.resolve(), said)


def check_exports(tap, made):
    header = COMMENT.sub("", (made.prefix / "include/whosees.h").read_text())
    declared = set(DECLARED.findall(header))
    _, said = run("nm", "-D", "--defined-only", made.shared_object)
    exported = {line.split()[-1].split("@")[0] for line in said.splitlines()
                if " A " not in line}  # those are the versions' names
    tap.case("the library exports what its header declares, and no more",
             len(declared) > 50 and exported == declared,
             f"not in the header: {sorted(exported - declared)}\n"
             f"not in the library: {sorted(declared - exported)}")


def check_example(tap, made, compiler, out, linked, *flags, env=PLAIN):
    built, words = run(*compiler, made.source / "examples/who.c", "-o", out, *flags)
    status, said = (run(out, made.capture, made.hidden, env=env) if built == 0
                    else (None, words))
    tap.case(f"the example is built {linked}, and names the waiter",
             status == 1 and f"{made.waiter} cannot see {made.hidden}" in said, said)


def check_examples(tap, made, compiler, out):
    pc_file = only(made.prefix, "whosees.pc")
    flags = run("pkg-config", "--cflags", "--libs",
                f"--define-variable=prefix={made.prefix}", pc_file)[1].split()
    if made.shared_object:  # as README says
        check_example(tap, made, compiler, out, "by pkg-config", *flags,
                      env=PLAIN | {"LD_LIBRARY_PATH": str(made.shared_object.parent)})
    if only(made.prefix, "libwhosees.a"):
        flags = ["-l:libwhosees.a" if flag == "-lwhosees" else flag for flag in flags]
        check_example(tap, made, compiler, out, "with the archive", *flags,
                      *archive.libraries(pc_file))


def main():
    source, build = map(pathlib.Path, sys.argv[1:3])
    inside, compiler = sys.argv[3].lstrip("/"), sys.argv[4:]
    tap = Tap()
    with tempfile.TemporaryDirectory() as place:
        stage = pathlib.Path(place) / "stage"
        status, said = run("meson", "install", "-C", build, "--no-rebuild", "--destdir", stage)
        made = Installed(source, stage / inside)
        there = files_of(stage)
        tap.case("all is installed, under DESTDIR", status == 0 and
                 all(any(f.endswith(name) for f in there) for name in FILES) and
                 all(f.startswith(inside) for f in there), f"{said}{there}")
        check_tool(tap, made, "")
        check_scripts(tap, made)
        check_library(tap, made, "")
        if made.shared_object:
            check_exports(tap, made)
        check_examples(tap, made, compiler, stage / "who")
        (stage / "who").unlink(missing_ok=True)

        moved = pathlib.Path(place) / "moved"
        stage.rename(moved)
        check_tool(tap, Installed(source, moved / inside), " where it was moved to")
        check_library(tap, Installed(source, moved / inside), " there")

        status, said = run(source / "tools/uninstall", build, moved)
        tap.case("uninstall leaves no file", status == 0 and not files_of(moved),
                 f"{said}{files_of(moved)}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
