#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/packages on machines that are made of a few fake programs: what it installs, what
it goes on without, and what it says. argv: the source tree."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import Tap  # noqa: E402

PLAIN = "sh cat grep sed tail cut mktemp rm sleep touch dirname env".split()
# apt-get as far as it matters: the first word that is no option decides.
APT_GET = """\
for word; do case $word in update|install) break ;; esac; done
echo "$word $*" >>"$CALLS"
echo "Get:1 something"
if [ "$word" = update ]; then echo "E: The repository 'elsewhere' is gone."; exit {update}; fi
{before_install}
echo "E: the last words of apt-get"
exit {install}
"""


def machine(folder, installed=(), root=True, **apt):
    """A PATH with plain programs and, where `apt` says how it ends, Debian's."""
    programs = {"id": f"echo {0 if root else 1000}"}
    if apt:
        programs["dpkg"] = 'echo "$@" >>"$CALLS.dpkg"'
        programs["apt-get"] = APT_GET.format(**{"before_install": "", **apt})
        # dpkg-query -W -f=FORMAT NAME
        programs["dpkg-query"] = (f'case " {" ".join(installed)} " in *" $3 "*) '
                                  "echo installed ;; *) echo not-installed ;; esac")
    bin_dir = folder / "bin"
    bin_dir.mkdir(parents=True)
    for name in PLAIN:
        (bin_dir / name).symlink_to(shutil.which(name))
    for name, text in programs.items():
        (bin_dir / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_dir / name).chmod(0o755)
    return bin_dir


def run(source, folder, *packages, **kind):
    """Status, what was said, the calls of apt-get, and whether meson is to look again."""
    bin_dir = machine(folder, **kind)
    tools, calls = folder / "tree/tools", folder / "calls"
    tools.mkdir(parents=True)
    shutil.copy(source / "tools/packages", tools)
    done = subprocess.run([tools / "packages", *packages], check=False, text=True,
                          capture_output=True,
                          env={"PATH": str(bin_dir), "CALLS": str(calls)})
    called = calls.read_text().splitlines() if calls.exists() else []
    return (done.returncode, done.stdout + done.stderr,
            [line.split()[0] for line in called],
            called[-1].split() if called else [], (folder / "tree/meson.build").exists())


def check(tap, source, place):
    status, said, calls, _, again = run(source, place / "all", "gcc", "meson",
                                        installed=["gcc", "meson"], update=0, install=0)
    tap.case("nothing is missing: nothing is done or said",
             (status, said, calls, again) == (0, "", [], False), said)

    status, said, calls, last, again = run(source, place / "one", "gcc", "meson",
                                           installed=["gcc"], update=0, install=0)
    tap.case("what is missing is installed, and no more",
             status == 0 and calls == ["update", "install"] and "meson" in last and
             "gcc" not in last and again, f"{said}{last}")
    tap.case("after what was left half-done is finished",
             (place / "one/calls.dpkg").read_text() == "--configure -a\n")

    status, said, calls, _, again = run(source, place / "foreign", "meson",
                                        update=100, install=0)
    tap.case("a source that does not answer does not stop what the others have",
             status == 0 and calls == ["update", "install"] and again, said)
    tap.case("and it is named", "'elsewhere' is gone" in said, said)

    status, said, _, _, again = run(source, place / "gone", "meson",
                                    update=100, install=100)
    tap.case("what nobody has is an error with apt's own words",
             status == 1 and "could not install: meson" in said and
             "the last words of apt-get" in said and not again, said)

    status, said, _, _, _ = run(source, place / "slow", "meson", update=0, install=0,
                                before_install="echo Unpacking a large thing; sleep 7")
    tap.case("a long installation is not silent",
             status == 0 and "  Unpacking a large thing" in said, said)

    status, said, calls, _, _ = run(source, place / "user", "meson", root=False,
                                    update=0, install=0)
    tap.case("without root the command to give is said",
             (status, calls) == (1, []) and "apt-get install meson" in said, said)

    status, said, _, _, again = run(source, place / "other", "meson")
    tap.case("a machine without apt is reported what to have and how meson is called",
             status == 0 and not again and "libkdumpfile" in said and
             "meson setup build" in said and "meson test -C build" in said, said)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as place:
        check(tap, pathlib.Path(sys.argv[1]), pathlib.Path(place))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
