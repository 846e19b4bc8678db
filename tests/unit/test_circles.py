#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No two files know each other. A .c file and the header of its name are one file here.
No circle of #include, however long, is allowed; and no two files of the library call each
other. argv: the source's folder, the build's folder, and nm."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tap import Tap  # noqa: E402
from test_includes import PUBLIC, files, includes, resolve  # noqa: E402


def reachable(graph, start):
    seen, left = set(), [start]
    while left:
        for other in graph.get(left.pop(), ()):
            if other not in seen:
                seen.add(other)
                left.append(other)
    return seen


def circles(graph):
    """Each set of nodes that all reach each other, as sorted lists of more than one."""
    reach = {node: reachable(graph, node) for node in graph}
    found = {tuple(sorted({node} | {other for other in reach[node]
                                    if node in reach.get(other, ())})) for node in graph}
    return sorted(list(circle) for circle in found if len(circle) > 1)


def pairs(graph):
    """"a b" for each two that have arrows both ways."""
    return {" ".join(sorted((node, other))) for node in graph for other in graph[node]
            if node in graph.get(other, ())}


def include_graph(source):
    graph = {}
    for path in files(source, ".c", ".h"):
        known = graph.setdefault(path.rsplit(".", 1)[0], set())
        for quoted, name in includes((source / path).read_text()):
            found = resolve(source, path, name) if quoted and name else None
            if found and found != PUBLIC:
                known.add(found.rsplit(".", 1)[0])
    for stem, known in graph.items():
        known.discard(stem)
    return graph


def symbols(nm, file):
    """(defined, used): the names that other objects may use, and those of others."""
    out = subprocess.run([*nm, "-P", "-g", file], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return ({row[0] for row in rows if row[1] not in "Uw"},
            {row[0] for row in rows if row[1] in "Uw"})


def call_graph(nm, objects):
    """objects: {name: file}."""
    both = {name: symbols(nm, file) for name, file in objects.items()}
    where = {symbol: name for name, (defined, _) in both.items() for symbol in defined}
    return {name: {where[symbol] for symbol in used if symbol in where} - {name}
            for name, (_, used) in both.items()}


def objects_of_library(source, build):
    """The library's objects by the source's path in src/, "linux/tasks"."""
    found = {}
    for folder in sorted((build / "src").glob("*.p")):
        for file in sorted(folder.glob("*.c.o")):
            stem = file.name[:-len(".c.o")]
            parts = stem.split("_", 1)
            path = "/".join(parts) if len(parts) > 1 and \
                (source / "src" / parts[0]).is_dir() else stem
            found.setdefault(path, file)
    return found


def check_itself(tap):
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    tap.case("circles are told from ways", circles(graph) == [["a", "b", "c"], ["d", "e"]]
             and pairs(graph) == {"d e"}, f"{circles(graph)} {pairs(graph)}")


def main():
    source, build, nm = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    tap = Tap()
    check_itself(tap)
    wrong = circles(include_graph(source))
    tap.case("no circle of #include", not wrong, "\n".join(map(", ".join, wrong)))
    objects = objects_of_library(source, build)
    found = pairs(call_graph(nm, objects))
    tap.case(f"no two of the library's {len(objects)} files call each other",
             objects and not found, "\n".join(sorted(found)))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
