#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lab knows of QEMU's machines for ARM, AArch64 and RISC-V, without a guest: their
logs of aborts, device trees, the registers that decide a regime, instructions that write
them; and programs that are run by another loader."""

import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import scenario  # noqa: E402
from tap import Tap  # noqa: E402

sys.path.insert(0, str(scenario.SOURCE))
from lab import aborts, fdt, module_build, oracle, sight, translations, util  # noqa: E402

ABORT = "Taking exception 3 [Prefetch Abort] on CPU 0\n...with IFSR 0x5 IFAR 0xbf011cf8\n"
OTHER = "Taking exception 4 [Data Abort] on CPU 0\n...with DFSR 0x805 DFAR 0xc8b53ff4\n"
SVC = "Taking exception 2 [SVC] on CPU 0\n"
FAULT = ("riscv_cpu_do_interrupt: hart:0, async:0, cause:000000000000000c, "
         "epc:0xffffffff01ea9000, tval:0xffffffff01ea9000, desc=exec_page_fault\n")


def read_log(arch, text, pieces):
    log, rest = aborts.AbortLog(arch), b""
    size = -(-len(text) // pieces)
    for i in range(0, len(text), size):
        rest = log.take(rest + text[i:i + size].encode())
    log.take(rest + log.MARK)
    return log.as_data()


def check_logs(tap):
    text = SVC + OTHER + 200 * ABORT + SVC + 3 * OTHER
    found = [read_log("armhf", text, pieces) for pieces in (1, 7, 501)]
    repeated = {"exception": "Prefetch Abort", "address": "0xbf011cf8", "times": 200}
    tap.case("a log of 200 aborts at one address is read as that, wherever it is cut",
             all(one["repeated"] == repeated for one in found), found)
    tap.case("and each exception is counted",
             found[0]["exceptions"] == {"SVC": 2, "Data Abort": 4, "Prefetch Abort": 200},
             found[0])
    found = read_log("riscv64", 5 * FAULT, 3)
    tap.case("RISC-V's is read as well", found["repeated"] == {
        "exception": "exec_page_fault", "address": "0xffffffff01ea9000", "times": 5}, found)
    found = read_log("armhf", 9 * SVC, 1)
    tap.case("what has no address is no abort", found["repeated"] is None, found)


# ---- device trees -----------------------------------------------------------------------

def node(name, *inside):
    text = name.encode() + b"\0"
    return struct.pack(">I", fdt.BEGIN_NODE) + text + b"\0" * (-len(text) % 4) + \
        b"".join(inside) + struct.pack(">I", fdt.END_NODE)


def prop(offset, value):
    return struct.pack(">III", fdt.PROPERTY, len(value), offset) + value + \
        b"\0" * (-len(value) % 4)


def tree(room):
    strings = b"reg\0start\0"
    nodes = node("", struct.pack(">I", fdt.NOP),
                 node("memory@40000000", prop(0, struct.pack(">QQ", 1 << 30, 1 << 29))),
                 node("chosen", prop(4, struct.pack(">I", 7)))) + struct.pack(">I", fdt.END)
    size = fdt.HEADER.size + len(nodes) + len(strings)
    head = fdt.HEADER.pack(0xd00dfeed, size + room, fdt.HEADER.size,
                           fdt.HEADER.size + len(nodes), 0, 17, 16, 0, len(strings),
                           len(nodes))
    return head + nodes + strings + bytes(room)


def check_trees(tap):
    wanted = {("memory", "reg"): [5 << 28, 6 << 20], ("chosen", "start"): [0x54000000]}
    made = fdt.changed(tree(100), wanted)
    values = {(n, p): made[where] for n, p, where in fdt.properties(made)}
    tap.case("a device tree's values are changed in their width, at their place",
             values == {("memory@40000000", "reg"): struct.pack(">QQ", 5 << 28, 6 << 20),
                        ("chosen", "start"): struct.pack(">I", 0x54000000)}, values)
    tap.case("and the room behind it goes", len(made) == len(tree(0)) and
             fdt.HEADER.unpack_from(made)[1] == len(made), len(made))
    try:
        fdt.changed(tree(0), {("chosen", "end"): [1]})
        said = None
    except util.LabError as error:
        said = str(error)
    tap.case("a value that it does not have is not passed over",
             said and "end" in said, said)


# ---- registers --------------------------------------------------------------------------

def check_instructions(tap):
    """As binutils has them."""
    for made, known, text in (
            (oracle.mcr(8, 1, 0, 0, 0), 0xee018f10, "mcr p15, 0, r8, c1, c0, 0"),
            (oracle.mcr(7, 10, 0, 2, 1), 0xee0a7f32, "mcr p15, 0, r7, c10, c2, 1"),
            (oracle.mcrr(3, 4, 1, 2), 0xec443f12, "mcrr p15, 1, r3, r4, c2"),
            (oracle.msr(4, 0, 1, 0, 0), 0xd5181004, "msr sctlr_el1, x4"),
            (oracle.msr(3, 0, 10, 2, 0), 0xd518a203, "msr mair_el1, x3")):
        tap.case(f"the instruction {text}", made == known, hex(made))


def check_regimes(tap):
    def ttbcr(arch, value):
        return {name: r["TTBCR"] for name, r in
                translations.regimes(arch, {"TTBCR": value}).items()}

    tap.case("while TTBR0 is off there is another regime, that of user access",
             ttbcr("armhf", 0xb5403587) == {"kernel": 0xb5403587,
                                            "user access": 0xb5003500})
    for words, value in ("where it is on", 0xb5023500), ("of short descriptors", 0x80):
        tap.case(f"there is none {words}", ttbcr("armhf", value) == {"kernel": value})
    roots = [translations.with_root("armhf", {"TTBCR": 0, "TTBR0": 0x4241006a}, 0x42514000),
             translations.with_root("armhf", {"TTBCR": 1 << 31, "TTBR0": 1 << 48 | 0x40},
                                    0x424df900),
             translations.with_root("arm64", {"TTBR0_EL1": 1 << 48 | 0x43889001},
                                    0x43000000),
             translations.with_root("riscv64", {"satp": 10 << 60 | 1 << 44 | 5},
                                    0x82cf5000)]
    found = [r.get("TTBR0", r.get("TTBR0_EL1", r.get("satp"))) for r in roots]
    tap.case("a root goes where the registers have it, without an ASID",
             found == [0x4251406a, 0x424df900, 0x43000000, 10 << 60 | 0x82cf5], found)


def check_words(tap):
    truth = {"entries": [
        {"pid": 1, "address": "0xbf000123", "shift": 20, "value": "0x4264f811"},
        {"pid": 1, "address": "0xbf000123", "shift": 12, "value": "0x4264b65e"},
        {"pid": 2, "address": "0xbf000123", "shift": 20, "value": "0x0"}]}
    word = sight.word("armhf", truth)
    tap.case("entries lead to a page and the address in it, or nowhere",
             word == {0xbf000123: {1: 0x4264b123, 2: None}}, word)
    tap.case("who is blind is known by that", sight.blind(word, 0xbf000123) == {2})
    frames = [sight.frame("riscv64", 0x20bf90eb), sight.frame("arm64", 0xe8000043b08703),
              sight.frame("riscv64", 0x20bf90ea), sight.frame("armhf", 0x4264b65c)]
    tap.case("a frame is where each architecture's entry has it",
             frames == [0x82fe4000, 0x43b08000, None, None], frames)


# ---- programs by another loader ---------------------------------------------------------

def check_lead(tap):
    with tempfile.TemporaryDirectory() as folder:
        tools = pathlib.Path(folder) / "with blank"
        (tools / "sub").mkdir(parents=True)
        program, script = tools / "sub/tool", tools / "script"
        program.write_bytes(b"\x7fELF and so on")
        script.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        script.chmod(0o755)
        for _ in range(2):  # the second time there is nothing left to do
            module_build.lead(tools, ["/bin/echo", "by", "a loader"])
        said = subprocess.run([program, "x", "y z"], capture_output=True, text=True,
                              check=False).stdout
        tap.case("a program is run by the loader, with its own name and arguments",
                 said == f"by a loader --argv0 {program} {program}.elf x y z\n", said)
        tap.case("a script stays what it is", script.read_text() == "#!/bin/sh\n")


def main():
    tap = Tap()
    for check in (check_logs, check_trees, check_instructions, check_regimes, check_words,
                  check_lead):
        check(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
