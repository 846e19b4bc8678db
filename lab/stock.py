"""Kernels just as they are: of a Debian package without its headers, or any bzImage. Such
a kernel boots with programs that stand on nothing (guest/zoo.c, guest/herd.c), says by
/proc who is there, is dumped, and says it once more."""

import bz2
import contextlib
import gzip
import itertools
import lzma
import pathlib
import re
import struct
import subprocess
import tarfile
import zlib

from . import guest, initramfs, packages, util
from .util import HERE, LabError, cache_dir, need, run

MODULES = "qemu_fw_cfg loop fat msdos dummy".split()
PROGRAMS = ("zoo.c", "herd.c")
FLAGS = ("-O1 -Wall -Wextra -ffreestanding -fno-stack-protector -fno-pie -nostdlib "
         "-static -Wl,--build-id=none").split()
COMPILE = {"amd64": ["gcc"],
           "i386": ["gcc", "-m32", "-isystem", "/usr/include/x86_64-linux-gnu"],
           "armhf": ["arm-linux-gnueabihf-gcc", "-marm"],
           "arm64": ["aarch64-linux-gnu-gcc"], "riscv64": ["riscv64-linux-gnu-gcc"]}
QEMU = {"amd64": "qemu-system-x86_64", "i386": "qemu-system-i386",
        "armhf": "qemu-system-arm", "arm64": "qemu-system-aarch64",
        "riscv64": "qemu-system-riscv64"}
MACHINE = {"amd64": "pc", "i386": "pc", "armhf": "virt,highmem=off", "arm64": "virt",
           "riscv64": "virt"}
RUNS = {"amd64": "i386", "arm64": "armhf"}  # 32-bit programs, of which architecture
NO_VMCOREINFO = "armhf", "riscv64"  # no driver for its device, or QEMU has none
# Without cmpxchg16b: QEMU 7.2's TCG can give the interrupt that comes right behind one half
# of RAX for EFLAGS, and TF, NT or VM kill the guest in kmem_cache_alloc() as it boots.
CPU = {"amd64": "max,la57=off,cx16=off", "i386": "max", "armhf": "cortex-a15",
       "arm64": "max,pauth-impdef=on", "riscv64": "rv64"}
TRIED = 4  # images of one kind that a mirror may lack, before that is the answer
# What of a package is kept: the rest is hundreds of MiB.
KEPT = ("*/vmlinu[xz]*", *(f"*/{name}.ko*" for name in MODULES))

# Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"
HEADER, VERSION, KERNEL_VERSION, SETUP_SECTS = 0x202, 0x206, 0x20e, 0x1f1
XLOADFLAGS, PAYLOAD = 0x236, 0x248
XLF_KERNEL_64 = 1
# arch/arm/boot/compressed/head.S; Documentation/arch/arm64/booting.rst, and riscv's
MAGIC = {(0x24, b"\x18\x28\x6f\x01"): "armhf", (0x38, b"ARM\x64"): "arm64",
         (0x38, b"RSC\x05"): "riscv64"}
UNPACKERS = {b"\x1f\x8b": lambda: zlib.decompressobj(31), b"BZh": bz2.BZ2Decompressor,
             b"\xfd7zXZ": lzma.LZMADecompressor, b"\x5d\0\0": lzma.LZMADecompressor}


# ---- what a kernel file is ------------------------------------------------------------

def unpacked_head(data):
    """The first bytes of the ELF file that a kernel unpacks itself to, or None: there are
    more ways to pack it than Python's library knows."""
    for magic, unpacker in UNPACKERS.items():
        if data.startswith(magic):
            with contextlib.suppress(OSError, zlib.error, lzma.LZMAError):
                return unpacker().decompress(data, 64)
    return None


def arch_of(image):
    """Of a zImage, an Image or a bzImage. Of the last, before protocol 2.12 the header does
    not say which of i386 and amd64 it is: then the ELF file inside does, which is marked
    since 2.08."""
    def number(form, at):
        return struct.unpack_from(form, image, at)[0]

    for (at, magic), arch in MAGIC.items():
        if image[at:at + 4] == magic:
            return arch
    if number("4s", HEADER) != b"HdrS":
        raise LabError("this is no kernel that the lab boots: no bzImage (it has no HdrS at "
                       "0x202), no zImage and no Image")
    protocol = number("<H", VERSION)
    if protocol >= 0x20c and number("<H", XLOADFLAGS) & XLF_KERNEL_64:
        return "amd64"
    if protocol >= 0x208:
        start = (number("B", SETUP_SECTS) or 4) * 512 + 512 + number("<I", PAYLOAD)
        head = unpacked_head(image[start:start + number("<I", PAYLOAD + 4)])
        if head and head.startswith(b"\x7fELF"):
            return "amd64" if head[4] == 2 else "i386"
    return "i386"


def version_of(image, arch, path):
    """The words with which a kernel names itself: release, builder, date. Where the header
    has none, the file's name has to do."""
    if MACHINE[arch] != "pc":
        return path.name.partition("-")[2] or path.name
    at = struct.unpack_from("<H", image, KERNEL_VERSION)[0] + 0x200
    return image[at:image.index(b"\0", at)].decode(errors="replace")


class File:
    """A kernel that lies in a file."""

    def __init__(self, path, arch=None):
        self.vmlinuz = pathlib.Path(path).resolve()
        image = self.vmlinuz.read_bytes()
        self.arch = arch or arch_of(image)
        self.version = version_of(image, self.arch, self.vmlinuz)
        self.release, self.modules = self.version.split()[0], []


# ---- of a package ---------------------------------------------------------------------

def unpack_kept(files, final):
    """What KEPT names of some packages, unpacked once."""
    if not final.exists():
        util.say(f"unpack {final.name}")
        with util.whole_dir(final) as tree:
            for file in files:
                with subprocess.Popen([need("dpkg-deb", "dpkg"), "--fsys-tarfile", file],
                                      stdout=subprocess.PIPE) as packed, \
                        tarfile.open(fileobj=packed.stdout, mode="r|") as archive:
                    keep(archive, tree)
    return final


def keep(archive, tree):
    """Files that KEPT names, each in the folder that it has in the package."""
    for member in archive:
        name = pathlib.PurePosixPath(member.name)
        if member.isfile() and any(name.match(pattern) for pattern in KEPT):
            path = tree / name.relative_to(".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.extractfile(member).read())


def named(apt, name, arch):
    """Names of the image packages behind a name, by each of its versions."""
    for record in apt.versions(name, arch):
        deeper = [n for n in packages.depended(record, r"linux-image-\d") if n != name]
        yield from named(apt, deeper[0], arch) if deeper else [name]


def images(apt, name, arch):
    """The same and their older siblings, the likeliest first. An index may name what its
    mirror has not got yet, or has no more: then the one before has to do."""
    found = list(named(apt, name, arch))
    return dict.fromkeys([*found, *(n for image in found for n in siblings(apt, image))])


def siblings(apt, image):
    """The older ones of an image's kind, the newest first."""
    def numbers(name):
        return [int(n) for n in re.findall(r"\d+", name)]

    alike = re.compile(re.sub(r"\d+", r"\\d+", re.escape(image)))
    found = [n for n in apt.names("linux-image-")
             if alike.fullmatch(n) and numbers(n) < numbers(image)]
    return sorted(found, key=numbers, reverse=True)


class Package:
    """A kernel of a suite, by the name of its image's package or metapackage."""

    def __init__(self, apt, arch, name):
        self.arch = arch
        tree, failure = None, None
        for image in itertools.islice(images(apt, name, arch), TRIED):
            try:
                tree = self.tree_of(apt, image)
                break
            except LabError as error:
                failure = failure or error
        if not tree:
            raise failure
        self.release = image.removeprefix("linux-image-")
        self.version = f"{self.release} {apt.show(image, arch)['Version']}"
        self.vmlinuz = next(p for p in sorted(tree.rglob("vmlinu[xz]*")) if p.is_file())
        self.modules = [found for wanted in MODULES
                        for found in sorted(tree.rglob(f"{wanted}.ko*"))[:1]]

    def tree_of(self, apt, image):
        """Where what is kept of an image lies; a newer one is a mere name for others."""
        version = apt.show(image, self.arch)["Version"]
        tree = cache_dir() / "kernels" / f"{image}_{version}_{self.arch}"
        if not tree.exists():
            there = set(apt.debs.iterdir())
            parts = apt.depends(image, self.arch, r"linux-(binary|modules)-\d")
            files = [apt.fetch(part, self.arch) for part in [image, *parts]]
            unpack_kept(files, tree)
            for file in set(files) - there:
                file.unlink()  # nobody else wants it, and it is large
        return tree


# ---- the guest ------------------------------------------------------------------------

def build_program(source, arch):
    """One of the guest's programs for an architecture; cached by what goes in."""
    command = [*COMPILE[arch], *FLAGS]
    files = [HERE / "guest" / source, *sorted(HERE.glob("guest/bare*.h"))]
    final = cache_dir() / "built" / util.content_name(source, files, command)
    with packages.cache_lock():
        if not final.exists():
            compile_into(final, [*command, files[0]])
    return (final / "program").read_bytes()


def compile_into(final, command):
    with util.whole_dir(final) as scratch:
        run([*command, "-o", scratch / "program"],
            hint="apt-get install gcc linux-libc-dev")


def herds(arch):
    """The herd, and what a 64-bit kernel runs as well: where it lies, for whom it is."""
    return {"/bin/herd": arch} | ({"/bin/herd32": RUNS[arch]} if arch in RUNS else {})


def packed(files):
    """A root file system of these, path -> bytes, packed: kernels of every age know
    gzip's way. All may be run."""
    cpio = initramfs.Cpio()
    for path, data in files.items():
        cpio.file(path, data, 0o755)
    for folder in ("proc", "sys", "dev"):
        cpio.folder(folder)
    return gzip.compress(cpio.bytes(), 1, mtime=0)


def root_of(kernel, modules):
    """The guest's root file system."""
    herd = {path.lstrip("/"): build_program("herd.c", arch)
            for path, arch in herds(kernel.arch).items()}
    return packed({"init": build_program("zoo.c", kernel.arch), **herd,
                   **{f"modules/{index:02}.ko": packages.uncompressed(path)
                      for index, path in enumerate(modules)}})


class Row(dict):
    """What guest.Guest asks a scenario for, of a plain dict."""

    def getint(self, key):
        return int(self[key])


def firmware_of(suite, package, file):
    """A machine's firmware, as a package has it."""
    with packages.cache_lock():
        deb = packages.Apt(suite, ["amd64"]).fetch(package, "amd64")
        return packages.unpack([deb], cache_dir() / "trees" / deb.stem) / file


def scenario(kernel, modules="yes", memory=256, cpus=1, cpu="", cmdline="", qemu="",
             timeout=600, firmware=""):
    note = "" if kernel.arch in NO_VMCOREINFO else "-device vmcoreinfo"
    if firmware:
        qemu = f"{qemu} -bios {firmware_of(*firmware.split())}"
    return Row(modules=modules, memory=str(memory), cpus=str(cpus),
               cpu=cpu or CPU[kernel.arch],
               cmdline=cmdline, qemu=f"{note} {qemu}".strip(), timeout=str(timeout))


class Machine:
    """What guest.Guest asks of a kernel."""

    def __init__(self, kernel):
        self.vmlinuz, self.arch = kernel.vmlinuz, kernel.arch
        self.conf = {"qemu": QEMU[kernel.arch], "machine": MACHINE[kernel.arch],
                     "cpu": CPU[kernel.arch]}


def boot(kernel, wanted, work, forms=("elf",), initrd=None, until=None):
    """Boot, dump into `work`, and return the guest's lines (census.read), or None where it
    is not the lab's: then it is time when its console says `until`, or falls silent."""
    root = work / "initramfs.gz"
    modules = kernel.modules if wanted["modules"] == "yes" else []
    root.write_bytes(pathlib.Path(initrd).read_bytes() if initrd else
                     root_of(kernel, modules))
    with guest.Guest(Machine(kernel), wanted, root, work) as machine:
        if initrd:
            machine.wait_for_console(until)
            said = None
        else:
            said = list(machine.lines("@frozen"))
        machine.stop()
        for cpu in range(wanted.getint("cpus")):
            (work / f"info-registers.cpu{cpu}.txt").write_text(
                machine.monitor("info registers", cpu))
        for form in forms:
            machine.dump(work / ("dump.elf" if form == "elf" else "dump.kdump"), form)
        if said is not None:
            machine.release()
            said += machine.lines("@end")
    return said
