"""The guest's root file system: a cpio archive (newc, the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst) of a few files."""

import re

from . import packages, util
from .util import HERE, cache_dir, run, say

APPLETS = "sh mount insmod rmmod cat grep cut seq".split()
# of a scenario, that the guest is reported
SETTINGS = "first processes hide gate14 symbols plant act freezer".split()
BARE_FLAGS = ("-O1 -Wall -Wextra -ffreestanding -fno-stack-protector -fno-pie -nostdlib "
              "-static -Wl,--build-id=none").split()
S_IFIFO, S_IFDIR, S_IFREG, S_IFLNK = 0o010000, 0o040000, 0o100000, 0o120000


class Cpio:
    """Entries of a newc archive, in the order they are added."""

    def __init__(self):
        self.parts, self.inode, self.known = [], 0, set()

    def entry(self, path, mode, data=b""):
        name = path.encode() + b"\0"
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        for part in (head, data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def folder(self, path):
        if path and path not in self.known:
            self.folder(path.rpartition("/")[0])
            self.known.add(path)
            self.entry(path, S_IFDIR | 0o755)

    def file(self, path, data, mode=0o644):
        self.folder(path.rpartition("/")[0])
        self.entry(path, S_IFREG | mode, data)

    def link(self, path, target):
        self.folder(path.rpartition("/")[0])
        self.entry(path, S_IFLNK | 0o777, target.encode())

    def bytes(self):
        self.entry("TRAILER!!!", 0)
        return b"".join(self.parts)


def build_program(name, compiler, include=()):
    """Compile guest/NAME.c, with headers that are not beside it; cached by what goes in."""
    source, headers = HERE / f"guest/{name}.c", sorted(HERE.glob("guest/bare*.h"))
    command = [*compiler.split(), *BARE_FLAGS]
    final = cache_dir() / "built" / util.content_name(name, [source, *headers, *include],
                                                      command)
    if not final.exists():
        say(f"compile {source.name} by {compiler}")
        with util.whole_dir(final) as scratch:
            run([*command, *(f"-I{file.parent}" for file in include),
                 "-o", scratch / name, source],
                hint="apt-get install gcc linux-libc-dev")
    return final / name


def build_herd(kernel):
    return build_program("herd", kernel.conf["cc"])


def module_closure(kernel, names):
    """Module files for `names`, each after those that it depends on."""
    order = {}

    def add(name):
        if name in order:
            return
        data = packages.uncompressed(kernel.module(name))
        depends = re.search(rb"\0depends=([^\0]*)\0", data)
        for needed in depends[1].decode().split(",") if depends and depends[1] else ():
            add(needed)
        order[name] = data

    for name in names:
        add(name)
    return order


def build(kernel, lab_module, scenario, init=HERE / "guest/init", more=None, own=()):
    """Bytes of the initramfs for one scenario; what another `init` needs beside the usual:
    `more`, path -> file, and settings of its `own`."""
    modules = module_closure(kernel, scenario["modules"].split())
    cpio = Cpio()
    cpio.file("init", init.read_bytes(), 0o755)
    cpio.file("bin/busybox", kernel.busybox.read_bytes(), 0o755)
    for applet in APPLETS:
        cpio.link(f"bin/{applet}", "busybox")
    cpio.file("bin/herd", build_herd(kernel).read_bytes(), 0o755)
    for name, data in modules.items():
        cpio.file(f"modules/{name}.ko", data)
    cpio.file("modules/whosees_lab.ko", lab_module.read_bytes())
    for path, file in (more or {}).items():
        cpio.file(path, file.read_bytes(), 0o755)
    for folder in ("proc", "sys", "dev"):
        cpio.folder(folder)
    for fifo in ["go", "done"] + ["wake"] * (scenario["act"] == "wake"):
        cpio.entry(fifo, S_IFIFO | 0o600)
    settings = {key: scenario[key] for key in [*SETTINGS, *own]}
    settings["plant"] = " ".join(f'"{command.strip()}"' for command in
                                 scenario["plant"].split(";") if command.strip())
    settings["modules"] = " ".join(modules)
    cpio.file("lab.conf", "".join(f"{key}='{value}'\n"
                                  for key, value in settings.items()).encode())
    return cpio.bytes()
