# SPDX-License-Identifier: LGPL-2.1-or-later
"""The memory and the processors of an ELF core in other containers, written from what their
makers have published; nothing of src/ is in it. Each writer takes a Core and gives its bytes
and where in them headers are: {kind of header: [offset, ...]}."""

import collections
import ctypes
import ctypes.util
import itertools
import json
import struct

PAGE = 4096

Note = collections.namedtuple("Note", "name type desc")


def aligned(size, to=4):
    return size + to - 1 & -to


def note_bytes(note):
    name = note.name.encode() + b"\0"
    return (struct.pack("<III", len(name), len(note.desc), note.type) +
            name.ljust(aligned(len(name)), b"\0") +
            note.desc.ljust(aligned(len(note.desc)), b"\0"))


class Core:
    """An ELF core of 64 bit, as QEMU and whosees write it."""

    def __init__(self, data):
        self.data = data
        self.memory, self.notes = [], []
        phoff, = struct.unpack_from("<Q", data, 32)
        phnum, = struct.unpack_from("<H", data, 56)
        self.machine, = struct.unpack_from("<H", data, 18)
        for at in range(phoff, phoff + 56 * phnum, 56):
            kind, _, offset, _, pa, size = struct.unpack_from("<IIQQQQ", data, at)
            if kind == 1 and size:
                self.memory.append((pa, data[offset:offset + size]))
            elif kind == 4:
                self.notes += self._notes(offset, offset + size)

    def _notes(self, at, end):
        while at < end:
            namesz, descsz, kind = struct.unpack_from("<III", self.data, at)
            desc = at + 12 + aligned(namesz)
            name = self.data[at + 12:at + 11 + namesz].decode()
            yield Note(name, kind, self.data[desc:desc + descsz])
            at = desc + aligned(descsz)

    def of(self, name):
        return [note.desc for note in self.notes if note.name == name]


def elf_core(memory, notes, machine):
    """memory: [(pa, bytes)]."""
    notes = b"".join(map(note_bytes, notes))
    out = bytearray(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, machine, 1, 0,
                                64, 0, 0, 64, 56, 1 + len(memory), 64, 0, 0))
    at = aligned(64 + 56 * (1 + len(memory)), 8)
    out += struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), len(notes), 0)
    data = aligned(at + len(notes), PAGE)
    for pa, bytes_ in memory:
        out += struct.pack("<IIQQQQQQ", 1, 0, data, 0, pa, len(bytes_), len(bytes_), 0)
        data += len(bytes_)
    out = out.ljust(at, b"\0") + notes
    out = out.ljust(aligned(len(out), PAGE), b"\0")
    return bytes(out + b"".join(bytes_ for _, bytes_ in memory))


def left_of(core, memory, lacks):
    """The core itself, with no more than that memory and without notes of those names."""
    return elf_core(memory, [note for note in core.notes if note.name not in lacks],
                    core.machine)


# ---- processors --------------------------------------------------------------------------

GENERAL = ("ax bx cx dx si di sp bp r8 r9 r10 r11 r12 r13 r14 r15 ip flags").split()
SEGMENTS = "cs ds es fs gs ss ldt tr gdt idt".split()
Segment = collections.namedtuple("Segment", "selector limit flags base")


def processor(desc):
    """What QEMU's note says, by name (QEMU target/i386/arch_dump.c), and EFER: what a kernel of
    that kind has set."""
    cpu = dict(zip(GENERAL, struct.unpack_from("<18Q", desc, 8)))
    for i, name in enumerate(SEGMENTS):
        selector, limit, flags, _, base = struct.unpack_from("<IIIIQ", desc, 152 + 24 * i)
        cpu[name] = Segment(selector, limit, flags, base)
    for i, name in enumerate(("cr0", None, "cr2", "cr3", "cr4")):
        if name:
            cpu[name], = struct.unpack_from("<Q", desc, 392 + 8 * i)
    long_mode = cpu["gdt"].base >> 32
    cpu["efer"] = 0xD01 if long_mode else 0x800 if cpu["cr4"] & 0x20 else 0
    return cpu


def processors(core):
    return [processor(desc) for desc in core.of("QEMU")]


# ---- VirtualBox --------------------------------------------------------------------------

VBOX_GENERAL = "ax bx cx dx si di r8 r9 r10 r11 r12 r13 r14 r15 ip sp bp flags".split()
VBOX_CPU = 8768  # sizeof(DBGFCORECPU) of 1.5


def vbox_cpu(cpu):
    """include/VBox/vmm/dbgfcorefmt.h, struct DBGFCORECPU."""
    def segment(name):
        s = cpu[name]
        rights = s.flags >> 8 & 0xF0FF
        return struct.pack("<QIIHHI", s.base, s.limit, rights, s.selector, 0, 0)

    def table(name):
        return struct.pack("<QII", cpu[name].base, cpu[name].limit, 0)

    out = struct.pack("<18Q", *(cpu[name] for name in VBOX_GENERAL))
    out += b"".join(map(segment, ("cs", "ds", "es", "fs", "gs", "ss")))
    out += struct.pack("<4Q8Q", cpu["cr0"], cpu["cr2"], cpu["cr3"], cpu["cr4"], *8 * [0])
    out += table("gdt") + table("idt") + segment("ldt") + segment("tr")
    out += struct.pack("<3QQ", 0, 0, 0, cpu["efer"])
    return out.ljust(VBOX_CPU, b"\0")


def vbox_note(name, kind, desc):
    """Its length is without the 0 at the end; name and 0 come to a multiple of 8."""
    return struct.pack("<III", len(name), len(desc), kind) + name.ljust(8, b"\0") + desc


def vbox(core):
    """DBGFCoreWrite.cpp: the machine is the host's; memory is followed by a device's, which is
    not in the file."""
    cpus = processors(core)
    notes = vbox_note(b"VBCORE", 0xB00, struct.pack("<6I", 0xC01AC0DE, 0x00010006, 24,
                                                    0x07000014, 163906, len(cpus)))
    at = 64 + 56 * (2 + len(core.memory))
    places = {"ELF header": [0], "program header": list(range(64, at, 56)),
              "note": [at], "VBCORE note": [at + 20], "VBCPU note": []}
    for cpu in cpus:
        places["note"].append(at + len(notes))
        places["VBCPU note"].append(at + len(notes) + 20)
        notes += vbox_note(b"VBCPU", 0xB01, vbox_cpu(cpu))
    data = aligned(at + len(notes), PAGE)
    out = bytearray(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01", 4, 62, 1, 0, 64, 0, 0,
                                64, 56, 2 + len(core.memory), 64, 0, 0))
    out += struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), 0, 0)
    for pa, bytes_ in core.memory:
        out += struct.pack("<IIQQQQQQ", 1, 0, data, 0, pa, len(bytes_), len(bytes_), 0)
        data += len(bytes_)
    out += struct.pack("<IIQQQQQQ", 1, 0, data, 0, 0xFFF000000000, 0, 16 << 20, 0)
    out = (out + notes).ljust(aligned(at + len(notes), PAGE), b"\0")
    return bytes(out + b"".join(bytes_ for _, bytes_ in core.memory)), places


# ---- Xen ---------------------------------------------------------------------------------

XEN_GENERAL = "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di".split()


def xen_cpu(cpu):
    """xen/include/public/arch-x86/xen-x86_64.h, struct vcpu_guest_context, of an HVM domain."""
    out = bytes(512 + 8) + struct.pack("<15Q", *(cpu[name] for name in XEN_GENERAL))
    out += struct.pack("<IIQHHIQQ", 0, 0, cpu["ip"], cpu["cs"].selector, 0, 0, cpu["flags"],
                       cpu["sp"])
    out += b"".join(struct.pack("<HHI", cpu[name].selector, 0, 0)
                    for name in ("ss", "es", "ds", "fs", "gs"))
    out += bytes(256 * 16 + 16 + 17 * 8 + 16)
    out += struct.pack("<8Q", cpu["cr0"], 0, cpu["cr2"], cpu["cr3"], cpu["cr4"], 0, 0, 0)
    out += bytes(64 + 32)
    return out + struct.pack("<3Q", cpu["fs"].base, cpu["gs"].base, 0)


def xen(core):
    """docs/misc/dump-core-format.txt."""
    cpus = b"".join(map(xen_cpu, processors(core)))
    frames = [pa // PAGE + i for pa, data in core.memory for i in range(len(data) // PAGE)]
    header = struct.pack("<4Q", 0xF00FEBEE, len(processors(core)), len(frames), PAGE)
    note = struct.pack("<III", 4, len(header), 0x2000001) + b"Xen\0" + header
    names = b"\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_pages\0.xen_pfn\0"
    bodies = [(b".shstrtab", 3, names, 0), (b".note.Xen", 7, note, 0),
              (b".xen_prstatus", 1, cpus, 5168),
              (b".xen_pages", 1, b"".join(data for _, data in core.memory), PAGE),
              (b".xen_pfn", 1, struct.pack(f"<{len(frames)}Q", *frames), 8)]
    out = bytearray(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 0,
                                64, 0, 64, 56, 0, 64, 1 + len(bodies), 1))
    headers, data = bytearray(64), bytearray()
    at = 64 + 64 * (1 + len(bodies))
    for name, kind, body, entsize in bodies:
        if name == b".xen_pages":
            data = data.ljust(aligned(at + len(data), PAGE) - at, b"\0")
        headers += struct.pack("<IIQQQQIIQQ", names.index(name), kind, 0, 0, at + len(data),
                               len(body), 0, 0, 1, entsize)
        data += body
    places = {"ELF header": [0], "section header": list(range(128, at, 64)),
              "Xen page list": list(range(at + len(data) - 8 * len(frames), at + len(data), 8))}
    return bytes(out + headers + data), places


# ---- VMware ------------------------------------------------------------------------------

def vmware_tag(name, indices, size, value):
    return (bytes((len(indices) << 6 | size, len(name))) + name.encode() +
            struct.pack(f"<{len(indices)}I", *indices) + value.to_bytes(size, "little"))


def vmware_cpu(number, cpu):
    """The names are those that crash's vmware_vmss.c looks for."""
    for name in GENERAL[:-1]:
        yield vmware_tag(name if name[1:].isdigit() else "r" + name, (number,), 8, cpu[name])
    yield vmware_tag("eflags", (number,), 4, cpu["flags"])
    for i, name in enumerate(("cr0", None, "cr2", "cr3", "cr4")):
        yield vmware_tag("CR64", (number, i), 8, cpu[name] if name else 0)
    idt = cpu["idt"]
    for i, value in enumerate((idt.limit, idt.base & 0xFFFFFFFF, idt.base >> 32)):
        yield vmware_tag("IDTR", (number, i), 4, value)


def vmware_regions(memory):
    tags, page = [vmware_tag("regionsCount", (), 4, len(memory))], 0
    for i, (pa, data) in enumerate(memory):
        tags += [vmware_tag("regionPPN", (i,), 4, pa // PAGE),
                 vmware_tag("regionPageNum", (i,), 4, page),
                 vmware_tag("regionSize", (i,), 4, len(data) // PAGE)]
        page += len(data) // PAGE
    return tags


def vmware_description(core, memory):
    """memory: its bytes, to be in it; None: it is beside."""
    cpus = processors(core)
    cpu = vmware_tag("cpu:numVCPUs", (), 4, len(cpus))
    cpu += b"".join(tag for i, each in enumerate(cpus) for tag in vmware_cpu(i, each))
    regions = vmware_regions(core.memory)
    tags = b"".join(regions)
    begin = 12 + 2 * 80
    out = bytearray(struct.pack("<III", 0xBED2BED2, 8, 2))
    at = begin + len(cpu) + 2
    out += struct.pack("<64sQQ64sQQ", b"cpu", begin, len(cpu), b"memory", at, 0)
    out += cpu + b"\0\0" + tags
    ends = list(itertools.accumulate(map(len, regions), initial=at))
    places = {"VMware header": [0], "VMware group": [12, 92], "VMware tag": [begin, *ends],
              "VMware region": [end - 4 for end in ends[1:]],
              "VMware index": [end - 8 for end in ends[2:]]}
    if memory is not None:
        places["VMware block"] = [len(out) + 16]
        pad = -(len(out) + 8 + 8 + 18) % PAGE
        out += bytes((2 << 6 | 0x3F, 6)) + b"Memory" + struct.pack("<II", 0, 0)
        out += struct.pack("<QQH", len(memory), len(memory), pad) + bytes(pad) + memory
    return bytes(out + b"\0\0"), places


def vmware(core):
    return vmware_description(core, b"".join(data for _, data in core.memory))


# ---- cloud-hypervisor --------------------------------------------------------------------

KVM_GENERAL = "ax bx cx dx si di sp bp r8 r9 r10 r11 r12 r13 r14 r15 ip flags".split()
KVM_SEGMENTS = "cs ds es fs gs ss tr ldt".split()


def kvm_segment(cpu, name):
    """Linux arch/x86/include/uapi/asm/kvm.h, by name and in order."""
    s = cpu[name]
    bits = {"type_": (8, 15), "present": (15, 1), "dpl": (13, 3), "db": (22, 1), "s": (12, 1),
            "l": (21, 1), "g": (23, 1), "avl": (20, 1)}
    return {"base": s.base, "limit": s.limit, "selector": s.selector,
            **{part: s.flags >> shift & mask for part, (shift, mask) in bits.items()},
            "unusable": int(not s.flags), "padding": 0}


def kvm_named(cpu):
    """The structs as cloud-hypervisor wrote them before its version 39."""
    regs = {name if name[1:].isdigit() else "r" + name: cpu[name] for name in KVM_GENERAL}
    sregs = {name: kvm_segment(cpu, name) for name in KVM_SEGMENTS}
    for name in "gdt", "idt":
        sregs[name] = {"base": cpu[name].base, "limit": cpu[name].limit & 0xFFFF,
                       "padding": [0, 0, 0]}
    for name in "cr0", "cr2", "cr3", "cr4":
        sregs[name] = cpu[name]
    return {"regs": regs, "sregs": {**sregs, "cr8": 0, "efer": cpu["efer"],
                                    "apic_base": 0xFEE00900, "interrupt_bitmap": [0] * 4}}


def kvm_bytes(cpu):
    """And since: as bytes."""
    named = kvm_named(cpu)
    sregs = named["sregs"]
    regs = struct.pack("<18Q", *named["regs"].values())
    tail = b"".join(struct.pack("<QIH10B", *sregs[name].values()) for name in KVM_SEGMENTS)
    tail += b"".join(struct.pack("<QH6x", sregs[name]["base"], sregs[name]["limit"])
                     for name in ("gdt", "idt"))
    tail += struct.pack("<7Q32x", *(sregs[name] for name in (
        "cr0", "cr2", "cr3", "cr4", "cr8", "efer", "apic_base")))
    return {"regs": list(regs), "sregs": list(tail)}


def cloud(core, old=False):
    """memory-ranges and state.json (cloud-hypervisor vmm/src/memory_manager.rs, vm-migration/
    src/lib.rs, hypervisor/src/kvm/x86_64/mod.rs)."""
    def data(state):
        text = json.dumps(state, separators=(",", ":"))
        return list(text.encode()) if old else {"state": text}

    def node(state=None, **nodes):
        return {"snapshots": nodes, "snapshot_data": data(state) if state else None}

    ranges = [{"gpa": pa, "length": len(data)} for pa, data in core.memory]
    write = kvm_named if old else kvm_bytes
    cpus = {str(i): node({"Kvm": {"cpuid": [{"function": 0}], "msrs": [], **write(cpu),
                                  "tsc_khz": None}})
            for i, cpu in enumerate(processors(core))}
    tree = node({"clock": None}, **{
        "cpu-manager": node(**cpus), "device-manager": node({"x": "a\"b\\", "y": [1, "]"]}),
        "memory-manager": node({"memory_ranges": {"data": ranges}, "boot_ram": 1})})
    return (b"".join(data for _, data in core.memory),
            json.dumps(tree, separators=(",", ":")).encode())


# ---- QEMU's migration stream -------------------------------------------------------------

# The fields of a processor that matter, in the order of vmstate_x86_cpu (QEMU
# target/i386/machine.c), and how many bytes lie between them.
MIGRATION_GENERAL = "ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15".split()
MIGRATION_SEGMENTS = "es cs ss ds fs gs".split()
SEGMENT_FIELDS = {"vmsd_name": "segment", "version": 1, "fields": [
    {"name": name, "type": f"uint{8 * size}", "size": size}
    for name, size in (("selector", 4), ("base", 8), ("limit", 4), ("flags", 4))]}


def subsection(name, state, inside=None):
    """Of one field, with another subsection in it: the bytes, and what describes them."""
    data, described = inside or (b"", None)
    return b"\x05" + bytes((len(name),)) + name.encode() + struct.pack(">I", 1) + state + data, {
        "vmsd_name": name, "version": 1, "fields": [{"name": "x", "size": len(state)}],
        **({"subsections": [described]} if described else {})}


def migration_cpu(cpu):
    """Its state, and what describes it."""
    fields, state = [], bytearray()

    def field(name, data, count=0, **more):
        fields.append({"name": name, **({"array_len": count} if count else {}), **more,
                       "size": len(data) // (count or 1)})
        state.extend(data)

    def segments(name, names, count=0):
        field(name, b"".join(struct.pack(">IQII", cpu[s].selector, cpu[s].base, cpu[s].limit,
                                         cpu[s].flags) for s in names),
              count, type="struct", struct=SEGMENT_FIELDS)

    field("env.regs", struct.pack(">16Q", *(cpu[name] for name in MIGRATION_GENERAL)), 16)
    field("env.eip", struct.pack(">Q", cpu["ip"]))
    field("env.eflags", struct.pack(">Q", cpu["flags"]))
    field("env.fpregs", bytes(80), 8)
    segments("env.segs", MIGRATION_SEGMENTS, 6)
    for name in "ldt", "tr", "gdt", "idt":
        segments("env." + name, [name])
    for number in 0, 2, 3, 4:
        field(f"env.cr[{number}]", struct.pack(">Q", cpu[f"cr{number}"]))
    field("env.efer", struct.pack(">Q", cpu["efer"]))
    data, described = subsection("cpu/x", struct.pack(">Q", 7))
    return bytes(state) + data, {"name": "cpu", "version": 12, "fields": fields,
                                 "subsections": [described]}


class Stream:
    """QEMU migration/savevm.c."""

    def __init__(self, machine):
        self.out, self.places = bytearray(), collections.defaultdict(list)
        self.devices, self.sections = [], 2
        self.out += struct.pack(">IIBI", 0x5145564D, 3, 7, len(machine)) + machine.encode()
        self.place("migration header", 0)

    def place(self, kind, at):
        self.places[kind].append(at)

    def named(self, name):
        return bytes((len(name),)) + name.encode()

    def section(self, kind, name, instance, state):
        if kind in (1, 4):
            self.sections += 1
        self.place("migration section", len(self.out))
        self.out += struct.pack(">BI", kind, self.sections)
        if name:
            self.out += self.named(name) + struct.pack(">II", instance, 4)
        self.out += state(len(self.out)) + struct.pack(">BI", 0x7E, self.sections)

    def device(self, state, description):
        same = [d for d in self.devices if d["name"] == description["name"]]
        self.section(4, description["name"], len(same), lambda at: state)
        self.devices.append({"instance_id": len(same), **description})

    def end(self):
        layout = json.dumps({"page_size": PAGE, "devices": self.devices}).encode()
        self.place("migration layout", len(self.out) + 1)
        self.out += b"\0\x06" + struct.pack(">I", len(layout)) + layout
        return bytes(self.out), self.places


def migration_pages(stream, memory, at):
    """QEMU migration/ram.c: the block's name once, zero pages without their bytes."""
    out, name = bytearray(), stream.named("pc.ram")
    for pa, data in memory:
        for offset in range(0, len(data), PAGE):
            page = data[offset:offset + PAGE]
            stream.place("migration page", at + len(out))
            flags = (0x08 if any(page) else 0x02) | (0 if name else 0x20)
            out += struct.pack(">Q", pa + offset | flags) + name
            out += page if any(page) else b"\0"
            name = b""
    return bytes(out + struct.pack(">Q", 0x10))


# What a PC shows there is not its memory (QEMU hw/i386/pc.c).
LEGACY = range(0xA0000, 0x100000)


def migration_memory(memory):
    """As a PC of QEMU's has it in its one block, below the hole."""
    return [(pa, data) for pa, data in memory if pa not in LEGACY and pa < 3 << 30]


def migration(core):
    """Of a machine that is stopped."""
    memory = migration_memory(core.memory)
    end = aligned(max(pa + len(data) for pa, data in memory), 8 << 20)
    blocks = struct.pack(">Q", end | 0x04) + Stream.named(None, "pc.ram") + struct.pack(">Q", end)
    stream = Stream("pc-i440fx-7.2")
    stream.section(1, "ram", 0, lambda at: blocks + struct.pack(">Q", 0x10))
    stream.section(3, None, 0, lambda at: migration_pages(stream, memory, at))
    data, described = subsection("timer/x", bytes(3), subsection("timer/x/y", bytes(2)))
    stream.device(bytes(16) + data, {"name": "timer", "version": 2, "subsections": [described],
                                     "fields": [{"name": "t", "array_len": 2, "size": 8}]})
    for desc in core.of("QEMU"):
        stream.device(*migration_cpu(processor(desc)))
    return stream.end()


def libvirt_save(stream, form):
    """libvirt src/qemu/qemu_saveimage.h; form: its number there."""
    domain = b"<domain type='qemu'/>\0"
    header = struct.pack("<16s5I", b"LibvirtQemudSave", 2, len(domain), 1, form, 0)
    return header.ljust(92, b"\0") + domain + stream


# ---- LiME and AVML -----------------------------------------------------------------------

def lime(core):
    """LiME's doc/README.md, version 1."""
    out, places = bytearray(), collections.defaultdict(list)
    for pa, data in core.memory:
        places["LiME header"].append(len(out))
        out += struct.pack("<IIQQQ", 0x4C694D45, 1, pa, pa + len(data) - 1, 0) + data
    return bytes(out), places


CHUNK = 65536
BLOCK = 16 << 20


def crc32c(data, table=[]):
    """RFC 3720."""
    if not table:
        for value in range(256):
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
            table.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def snappy_compress(data):
    library = ctypes.CDLL(ctypes.util.find_library("snappy"))
    size = ctypes.c_size_t(32 + len(data) + len(data) // 6)
    packed = ctypes.create_string_buffer(size.value)
    length = ctypes.c_size_t(len(data))
    if library.snappy_compress(data, length, packed, ctypes.byref(size)):
        raise ValueError("snappy_compress")
    return packed.raw[:size.value]


def snappy_chunk(data):
    """framing_format.txt: packed where that pays, as its writers do."""
    crc = crc32c(data)
    crc = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    packed = snappy_compress(data)
    plain = len(packed) >= len(data) - len(data) // 8
    body = struct.pack("<I", crc) + (data if plain else packed)
    return bytes((plain,)) + len(body).to_bytes(3, "little") + body


def blocks(memory):
    """As avml splits ranges; a block of zeroes it leaves out."""
    for pa, data in memory:
        for at in range(0, len(data), BLOCK):
            block = data[at:at + BLOCK]
            if any(block):
                yield pa + at, block


def avml(core):
    """avml src/image.rs."""
    out, places = bytearray(), collections.defaultdict(list)
    for pa, data in blocks(core.memory):
        places["AVML header"].append(len(out))
        out += struct.pack("<IIQQQ", 0x4C4D5641, 2, pa, pa + len(data) - 1, 0)
        begin = len(out)
        places["snappy chunk"].append(begin)
        out += b"\xff\x06\0\0sNaPpY"
        for at in range(0, len(data), CHUNK):
            places["snappy chunk"].append(len(out))
            out += snappy_chunk(data[at:at + CHUNK])
        places["AVML length"].append(len(out))
        out += struct.pack("<Q", len(out) - begin)
    return bytes(out), places


# ---- /proc/kcore and /proc/vmcore ---------------------------------------------------------

WORD = {3: 4, 40: 4, 62: 8, 183: 8, 243: 8}  # by ELF machine
PRSTATUS = {3: 144, 40: 148, 62: 336, 183: 392, 243: 376}
PRPSINFO = {4: (124, 28), 8: (136, 40)}  # sizes, and where pr_fname is
MINUS_ONE = (1 << 64) - 1
LOWMEM = 0x38000000
Load = collections.namedtuple("Load", "va pa data")


def direct_map(core):
    """va - pa of the direct map, by the lists that are empty: their heads lead to themselves."""
    word, counts = WORD[core.machine], collections.Counter()
    for pa, data in core.memory:
        for i, (value,) in enumerate(struct.iter_unpack("<I" if word == 4 else "<Q", data)):
            if value >> (8 * word - 2) and not (value - pa - word * i) & 0xFFFFF:
                counts[value - pa - word * i] += 1
    return counts.most_common(1)[0][0]


def elf_of(core, word, loads, notes):
    """A core with virtual addresses, of either class; its headers' places."""
    notes = b"".join(map(note_bytes, notes))
    ehdr, phdr, mask = (52, 32, 0xFFFFFFFF) if word == 4 else (64, 56, MINUS_ONE)
    out = bytearray(struct.pack("<16sHHI" + ("QQQ" if word == 8 else "III") + "IHHHHHH",
                                bytes((127, 69, 76, 70, word // 4, 1, 1)), 4, core.machine, 1,
                                0, ehdr, 0, 0, ehdr, phdr, 1 + len(loads), 0, 0, 0))

    def header(kind, offset, va, pa, size):
        fields = ((kind, offset, va & mask, pa & mask, size, size, 7, PAGE) if word == 4 else
                  (kind, 7, offset, va & mask, pa & mask, size, size, PAGE))
        return struct.pack("<8I" if word == 4 else "<II6Q", *fields)

    at = ehdr + phdr * (1 + len(loads))
    places = {"ELF header": [0], "program header": list(range(ehdr, at, phdr)), "note": [at]}
    out += header(4, at, 0, 0, len(notes))
    data = aligned(at + len(notes), PAGE)
    for load in loads:
        out += header(1, data, load.va, load.pa, len(load.data))
        data += len(load.data)
    out = (out + notes).ljust(aligned(at + len(notes), PAGE), b"\0")
    return bytes(out + b"".join(load.data for load in loads)), places


def kcore_notes(core):
    size, name = PRPSINFO[WORD[core.machine]]
    return [Note("CORE", 1, bytes(PRSTATUS[core.machine])),
            Note("CORE", 3, bytes(name) + b"vmlinux".ljust(size - name, b"\0")),
            Note("CORE", 4, bytes(64)),
            *(note for note in core.notes if note.name == "VMCOREINFO")]


def image(core, pa, size):
    """The kernel's image by its own address, read at another moment; x86-64 alone has that."""
    if core.machine != 62:
        return []
    return [Load(0xFFFFFFFF80000000 + pa, pa, bytes(size))]


def kcore(core):
    """Linux fs/proc/kcore.c since 4.11, without the holes of a copy by cp: text, vmalloc,
    and memory with its struct pages between."""
    delta = direct_map(core)
    loads = image(core, core.memory[0][0], 16 * PAGE)
    loads += [Load(-(1 << 40), MINUS_ONE, b"\xAA" * 4 * PAGE)]
    for pa, data in core.memory:
        if WORD[core.machine] == 8 or pa < LOWMEM + core.memory[0][0]:
            loads += [Load(pa + delta, pa, data), Load(-(1 << 41), MINUS_ONE, bytes(PAGE))]
    return elf_of(core, WORD[core.machine], loads, kcore_notes(core))


def lowmem(memory):
    """A 32-bit machine's as one piece from 0 on, which is how /proc/kcore has it."""
    pieces = [(pa, data) for pa, data in memory if pa < LOWMEM]
    whole = bytearray(pieces[-1][0] + len(pieces[-1][1]))
    for pa, data in pieces:
        whole[pa:pa + len(data)] = data
    return [(0, bytes(whole))]


def old_kcore(core):
    """The same of a 32-bit kernel before 4.11 (and 4.19: no VMCOREINFO): the last first."""
    (_, data), = lowmem(core.memory)
    base = 0xC0000000
    loads = [Load(base + aligned(len(data) + (8 << 20), 8 << 20), 0, b"\xAA" * 4 * PAGE),
             Load(base, 0, data)]
    return elf_of(core, 4, loads, kcore_notes(core)[:3])


def vmcore(core, word=8):
    """fs/proc/vmcore.c: all processors' notes in one, the image twice, memory by its physical
    address, and by its virtual one too. A 32-bit kernel's is of 64 bits where kexec-tools made
    the headers so."""
    (pa, data), *_ = sorted(core.memory, key=lambda piece: -len(piece[1]))
    delta = direct_map(core)
    loads = [Load(0xFFFFFFFF80000000 + pa, pa + PAGE, data[PAGE:-PAGE])]
    loads += [Load(at + delta, at, bytes_) for at, bytes_ in core.memory]
    return elf_of(core, word, loads, core.notes)


def vmcore32(core):
    return vmcore(core, 4)


WRITERS = {"lime": lime, "avml": avml, "vbox": vbox, "xen": xen, "vmware": vmware,
           "migration": migration,
           "kcore": kcore, "old kcore": old_kcore, "vmcore": vmcore, "vmcore32": vmcore32}
