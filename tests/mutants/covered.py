# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which tests run a line of src/, by gcov: the others cannot notice a change of it."""

import collections
import json
import pathlib
import subprocess

# Of a file's functions (from, to) and lines of code, which tests run: None is a test of which it
# is not known, for it leaves no counts behind.
File = collections.namedtuple("File", "functions lines")


def clear(build):
    for path in build.rglob("*.gcda"):
        path.unlink()


def counted(build):
    """What gcov reads of each object that was run since: one document each."""
    files = [path.relative_to(build) for path in build.rglob("*.gcda")]
    if not files:
        return
    with subprocess.Popen(["gcov", "--json-format", "--stdout", *files], cwd=build, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as gcov:
        yield from map(json.loads, filter(str.strip, gcov.stdout))


class Coverage:
    def __init__(self):
        self.files = collections.defaultdict(lambda: File(set(), collections.defaultdict(set)))
        self.known = set()  # names of tests
        self.unknown = set()  # of those what they run is not

    def add(self, build, tree, name):
        """What a test that has just run in `build` has run."""
        some = False
        for document in counted(build):
            for found in document["files"]:
                path = (build / found["file"]).resolve()
                if path.suffix == ".c" and tree / "src" in path.parents:
                    some |= self.add_file(str(path.relative_to(tree)), found, name)
        self.known.add(name)
        if not some:
            self.unknown.add(name)

    def add_file(self, path, found, name):
        file = self.files[path]
        for function in found["functions"]:
            file.functions.add((function["start_line"], function["end_line"]))
        some = False
        for line in found["lines"]:
            tests = file.lines[line["line_number"]]
            if line["count"]:
                tests.add(name)
                some = True
        return some

    def runners(self, path, line):
        """Names of the tests that run it; of what is in no function, those that run the file."""
        file = self.files[path]
        around = [(end - start, start) for start, end in file.functions if start <= line <= end]
        if not around:
            return set().union(self.unknown, *file.lines.values())
        before = [at for at in file.lines if min(around)[1] <= at <= line]
        return self.unknown | (file.lines[max(before)] if before else set())

    def save(self, path):
        path.write_text(json.dumps({
            "known": sorted(self.known), "unknown": sorted(self.unknown),
            "files": {name: {"functions": sorted(file.functions),
                             "lines": {at: sorted(tests) for at, tests in file.lines.items()}}
                      for name, file in self.files.items()}}), encoding="utf-8")

    @classmethod
    def load(cls, path):
        kept, coverage = json.loads(path.read_text(encoding="utf-8")), cls()
        coverage.known.update(kept["known"])
        coverage.unknown.update(kept["unknown"])
        for name, found in kept["files"].items():
            coverage.files[name].functions.update(map(tuple, found["functions"]))
            for at, tests in found["lines"].items():
                coverage.files[name].lines[int(at)].update(tests)
        return coverage
