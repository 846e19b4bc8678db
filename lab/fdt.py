"""Device trees as QEMU makes them for its machines, with a few values changed (Devicetree
Specification, chapter 5, "Flattened Devicetree (DTB) Format")."""

import pathlib
import struct
import subprocess
import tempfile

from .util import LabError, need

BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")


def of_machine(conf, memory, cpus, arguments):
    """What QEMU gives a kernel that it boots with these arguments."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        argv = [need(conf["qemu"], conf["qemu"]), "-display", "none", "-machine",
                f"{conf['machine']},dumpdtb={tree}", "-cpu", conf["cpu"], "-m",
                str(memory), "-smp", str(cpus), *map(str, arguments)]
        made = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if made.returncode or not tree.exists():
            raise LabError(f"{' '.join(argv)} made no device tree\n{made.stderr}")
        return tree.read_bytes()


def properties(tree):
    """(node, property, where its value is) of each."""
    header, nodes = HEADER.unpack_from(tree), []
    at, strings = header[2], header[3]

    def text(start):
        return tree[start:tree.index(b"\0", start)].decode()

    while True:
        token, = struct.unpack_from(">I", tree, at)
        at += 4
        if token == BEGIN_NODE:
            nodes.append(text(at))
            at += len(nodes[-1]) + 4 & ~3
        elif token == END_NODE:
            nodes.pop()
        elif token == PROPERTY:
            length, name = struct.unpack_from(">II", tree, at)
            at += 8
            yield nodes[-1], text(strings + name), slice(at, at + length)
            at += length + 3 & ~3
        elif token != NOP:
            return


def changed(tree, values):
    """The tree with other values in the place of those that it has, (node, property) ->
    numbers of the same width; without the room behind it."""
    header, tree = list(HEADER.unpack_from(tree)), bytearray(tree)
    missing = dict(values)
    for node, name, where in list(properties(bytes(tree))):
        numbers = missing.pop((node.partition("@")[0], name), None)
        if numbers is not None:
            width = (where.stop - where.start) // len(numbers)
            tree[where] = b"".join(number.to_bytes(width, "big") for number in numbers)
    if missing:
        raise LabError(f"QEMU's device tree has no {', '.join(map(str, missing))}")
    header[1] = max(header[2] + header[9], header[3] + header[8])
    HEADER.pack_into(tree, 0, *header)
    return bytes(tree[:header[1]])
