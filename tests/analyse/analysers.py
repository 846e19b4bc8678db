# SPDX-License-Identifier: LGPL-2.1-or-later
"""The analysers: how each is run over the files of a build, or the module's for a kernel, and what
it finds."""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
from lab import capture, module_build, packages, rebuilt  # noqa: E402

FOLDERS = ("src", "tools", "machine")
# One for each architecture's file of module/.
KERNELS = ("amd64-6.12", "armmp-6.12", "arm64-6.12", "riscv64-6.12")
# Seconds of the processor that one file may take: what takes longer never ends.
PATIENCE = 120

Finding = collections.namedtuple("Finding", "analyser check file line text")
LINE = re.compile(r"(\S+?):(\d+):(?:\d+:)? (?:fatal )?(?:warning|error): (.*?)(?: \[(\S+)\])?$")


def findings(analyser, said, folder):
    """What it said, of files of this tree: each once, however many files include a header."""
    for line in said.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        path = pathlib.Path(os.path.normpath(folder / match[1]))
        if path.is_relative_to(ROOT):
            yield Finding(analyser, match[4] or analyser, str(path.relative_to(ROOT)),
                          int(match[2]), match[3])


# ---- what is compiled -------------------------------------------------------------------------

Unit = collections.namedtuple("Unit", "file words")  # the compiler's, without the compiler


def words_of(command):
    """What decides how a file is read: not where its object and its dependencies go."""
    words = shlex.split(command)
    words = words[1 + [os.path.basename(word) for word in words].index("gcc"):]
    for option in "-MQ", "-MF", "-o":
        del words[words.index(option):words.index(option) + 2]
    return [word for word in words if word not in ("-MD", "-fdiagnostics-color=always")]


def units(build):
    """The files of FOLDERS, each as the first target that has it compiles it."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(os.path.normpath(build / entry["file"]))
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
        if name.split("/")[0] in FOLDERS and name not in found:
            found[name] = Unit(name, words_of(entry["command"]))
    return list(found.values())


def bound():
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    os.nice(10)


def run(words, folder):
    """What it says; with what became of it, where it says nothing and failed."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False,
                          preexec_fn=bound)
    return done.stdout + done.stderr, done.returncode


def each(build, analyser, words):
    """Runs words(unit) for every unit, as many at once as there are processors."""
    every = units(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda unit: run(words(unit), build), every))
    found = set()
    for unit, (text, status) in zip(every, said):
        here = set(findings(analyser, text, build))
        if status and not here:
            last = (text.strip().splitlines() or [f"status {status}"])[-1]
            here = {Finding(analyser, "unfinished", unit.file, 0, last)}
        found |= here
    return len(every), found


# ---- each of them -----------------------------------------------------------------------------

def gcc(build):
    return each(build, "gcc", lambda unit: ["gcc", *unit.words, "-o", os.devnull])


def clang(build):
    return each(build, "clang", lambda unit: ["clang", *unit.words, "-fsyntax-only"])


def fanalyzer(build):
    """uthash's own hash function has so many ways through it that a file takes hours. What gcc
    says without -fanalyzer is said without optimization, too, and there by guess."""
    nfiles, found = each(build, "fanalyzer", lambda unit: [
        "gcc", *unit.words, "-O0", "-fanalyzer", "-DHASH_FUNCTION=HASH_SAX", "-o", os.devnull])
    return nfiles, {finding for finding in found if not finding.check.startswith("-W") or
                    finding.check.startswith("-Wanalyzer")}


def clang_tidy(build):
    """By .clang-tidy."""
    return each(build, "clang-tidy", lambda unit: [
        "clang-tidy", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
        str(ROOT / unit.file), "--", *unit.words[:-1]])


def cppcheck(build):
    return each(build, "cppcheck", lambda unit: [
        "cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability",
        "--library=gnu", "-DLIBBPF_OPTS(type, name, ...)=struct type name",
        "--include=/usr/include/uthash.h", "--suppress=*:/usr/include/*",
        "--template={file}:{line}:{column}: warning: {message} [{id}]", *[word for word in unit.words if word[:2] in ("-I", "-D")],
        str(ROOT / unit.file)])


def sparse(_):
    """Over the module, by the kernel's own C=2."""
    sections = capture.read_conf("kernels.conf")
    files, found = set(), set()
    for name in KERNELS:
        with packages.cache_lock():
            kernel = rebuilt.kernel_of(sections[name], refresh=False)
            said, checked = module_build.check(kernel, HERE / "sparse")
        files.update(checked)
        found.update(findings("sparse", said, ROOT))
    return len(files), found


def mypy(_):
    """Over the Python package, whose users' own types rest on its."""
    package = ROOT / "python"
    said, status = run(["mypy", "--strict", "--no-error-summary", "--show-error-codes",
                        f"--cache-dir={os.devnull}", "-p", "whosees"], package)
    found = set(findings("mypy", said, package))
    if status and not found:
        found = {Finding("mypy", "unfinished", "python", 0, said.strip())}
    return len(list(package.glob("whosees/*.py"))), found


ANALYSERS = {"gcc": gcc, "clang": clang, "fanalyzer": fanalyzer, "clang-tidy": clang_tidy,
             "cppcheck": cppcheck, "sparse": sparse, "mypy": mypy}
