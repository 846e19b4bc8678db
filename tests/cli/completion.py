#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same completions in three shells: each is asked what it offers for a command line,
in a folder with a dump, a dump whose name has a blank, and a list.

    completion.py TOOL TARGET COMPLETION...      run, as TAP; where a shell is not installed,
                                                 its cases are skipped
"""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import NO_TERMINALS, PATIENCE, Tap, has_terminals  # noqa: E402

# What is typed, what must be offered, and what must not.
CASES = [
    ("whosees wh", ["what-if"], ["walk"]),
    ("whosees help wo", ["words"], []),
    ("whosees probe --all", ["--all", "--all-spaces", "--all-modules"], ["--json"]),
    ("whosees what-if dump.elf --tlb ", ["sdm", "tcg", "none"], ["117"]),
    ("whosees spaces --format i386", ["i386", "i386-nopse", "i386-pae"], ["x86_64"]),
    ("whosees spaces -t l", ["lime"], ["elf"]),
    ("whosees audit du", ["dump.elf"], ["my list"]),
    ("whosees audit sim:naughty", ["naughty-bug"], ["several-cpus"]),
    ("whosees sim sev", ["several-cpus"], ["dump.elf"]),
    ("whosees walk dump.elf vfs_read --pid 11", ["111", "117"], ["1", "124"]),
    ("whosees walk dump.elf vfs_read -p wai", ["waiter"], ["117"]),
    ("whosees audit dump.elf --pid 1,11", ["117"], ["124"]),
    ("whosees audit 'a dump' --pid 11", ["117"], ["124"]),
    ("whosees audit a\\ dump --pid 11", ["117"], ["124"]),
    ("whosees audit missing.elf --pid 11", [], ["117"]),
    ("whosees probe -t elf dump.elf lo", ["loop"], ["whosees_lab"]),
    ("whosees probe dump.elf loop who", ["whosees_lab"], ["loop"]),
    ("whosees map dump.elf --perm ", ["r", "w", "x", "u", "wx"], ["loop"]),
    ("whosees map --perm wx dump.elf lo", ["loop"], ["whosees_lab"]),
    ("whosees map dump.elf lo", ["loop"], ["whosees_lab"]),
    ("whosees spaces dump.elf ", [], ["loop", "dump.elf"]),
    ("whosees diff dump.elf a", ["a dump"], ["loop"]),
    ("whosees check-module my.k", ["my.ko"], ["dump.elf"]),
    ("whosees report dump.elf -o my", ["my list", "my.ko"], []),
    ("whosees spaces dump.elf -o pi", ["pid"], ["comm", "my.ko"]),
    ("whosees spaces dump.elf --columns=pid,com", ["comm"], ["root"]),
    ("whosees spaces dump.elf --columns +ow", ["owners"], ["root"]),
    ("whosees audit dump.elf --pid 1,116,11", ["117"], ["124x"]),
]


def ask_bash(script, line, folder, env):
    """bash splits a line at blanks, and at : and = too."""
    words = re.findall(r"(?:'[^']*'|\\.|[^\s:=\\'])+|[:=]", line)
    if line.endswith(" "):
        words.append("")
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    return subprocess.run(
        ["bash", "-c", f". {script}; COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}; "
         '_whosees; printf "%s\\n" "${COMPREPLY[@]}"'], cwd=folder, env=env, text=True,
        capture_output=True, timeout=PATIENCE, check=False).stdout.splitlines()


def ask_fish(script, line, folder, env):
    reported = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C $argv[1]", line],
        cwd=folder, env=env, text=True, capture_output=True, timeout=PATIENCE, check=False)
    return [offer.split("\t")[0] for offer in reported.stdout.splitlines()]


# Writes all that is added to the list down, and passes it on.
ZSH = r"""
PS1='ready> ' PS2= ; unsetopt beep; stty -echo
fpath=({folder} $fpath)
autoload -Uz compinit; compinit -u -D
compadd () {{
  if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits; builtin compadd -A hits "$@"
  [[ $#hits -eq 0 ]] || print -rl -- $hits >>$OFFERED
  builtin compadd "$@"
}}
bindkey '^I' complete-word
zle -N done-here; done-here () {{ print -r -- DONE >>$OFFERED; zle send-break }}
bindkey '^X' done-here
"""


class Zsh:
    """An interactive zsh on a terminal of its own, to which Tab can be sent."""

    def __init__(self, script, folder, env):
        functions = os.path.join(folder, ".functions")
        os.mkdir(functions)
        shutil.copy(script, os.path.join(functions, "_whosees"))
        self.offered = os.path.join(functions, "offered")
        setup = os.path.join(functions, "setup")
        pathlib.Path(setup).write_text(ZSH.format(folder=functions), encoding="utf-8")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"],
                       dict(env, OFFERED=self.offered, TERM="dumb"))
        self.type(f". {setup}; print DONE >>$OFFERED\n")
        self.wait()

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait(self):
        """What was offered until DONE was written."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.05)[0]:
                os.read(self.terminal, 65536)
            if os.path.exists(self.offered):
                text = pathlib.Path(self.offered).read_text(encoding="utf-8")
                if text.endswith("DONE\n"):
                    os.unlink(self.offered)
                    return text.splitlines()[:-1]
        return ["zsh did not answer"]

    def ask(self, line):
        self.type(line + "\t\x18")
        return self.wait()

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def same(offered, wanted, unwanted, before):
    """A shell may offer the whole word, a list's pid with what is before it, a file with
    what it is read from, sim: with the scenario."""
    offered = {offer.strip().replace("\\ ", " ") for offer in offered}
    cuts = ("sim:", "+", before, f"--columns={before}")
    offered |= {offer.removeprefix(cut) for offer in list(offered) for cut in cuts}
    return set(wanted) <= offered and not set(unwanted) & offered


def check(tap, shell, ask):
    for line, wanted, unwanted in CASES:
        offered = ask(line)
        word = line.rsplit(" ", 1)[1]
        before = word.rsplit("=", 1)[-1]
        before = before[:before.rfind(",") + 1]
        tap.case(f"{shell}: {line}", same(offered, wanted, unwanted, before),
                 f"wanted {wanted}, not {unwanted}\noffered {offered}")


def main(tool, target, *scripts):
    tap = Tap()
    script = {"bash": scripts[0], "zsh": scripts[1], "fish": scripts[2]}
    script = {shell: os.path.abspath(path) for shell, path in script.items()}
    for shell in script:
        why = None if shutil.which(shell) else "it is not installed"
        if shell == "zsh" and not has_terminals():
            why = NO_TERMINALS
        if why:
            tap.skip(shell, why)
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name in ("dump.elf", "a dump"):
                os.symlink(os.path.abspath(target), os.path.join(folder, name))
            for name in ("my list", "my.ko"):
                pathlib.Path(folder, name).touch()
            env = dict(os.environ, HOME=folder, LC_ALL="C.UTF-8", PATH=os.pathsep.join(
                [os.path.dirname(os.path.abspath(tool)), os.environ["PATH"]]))
            if shell == "zsh":
                zsh = Zsh(script[shell], folder, env)
                check(tap, shell, zsh.ask)
                zsh.end()
            else:
                ask = ask_bash if shell == "bash" else ask_fish
                check(tap, shell, lambda line, ask=ask, shell=shell, folder=folder, env=env:
                      ask(script[shell], line, folder, env))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
