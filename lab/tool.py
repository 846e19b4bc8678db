"""whosees itself, for a guest: built for its architecture against the packages of its
release, with the libraries that it needs beside it."""

import os
import pathlib
import re

from . import foreign, packages, util
from .util import REPO, LabError, cache_dir, need, run, say

# What meson.build asks for, by the packages of a Debian of any architecture.
WANTED = ("libc6-dev libdeflate-dev liblzo2-dev libsnappy-dev libzstd-dev libkdumpfile-dev "
          "zlib1g-dev liblzma-dev liblz4-dev libelf-dev libdw-dev libjansson-dev "
          "uthash-dev liblua5.4-dev nettle-dev libncurses-dev libbpf-dev").split()
FOLLOWED = r"lib(?!nsl|tirpc|readline)|zlib1g|linux-libc-dev|nettle"  # of what they depend on
# For each architecture: compiler, the triplet of its libraries, meson's word for it.
# i386 is built by this machine's own compiler, which has no libgcc for it.
CROSS = {"i386": ("gcc -m32", "i386-linux-gnu", "x86", "i686"),
         "armhf": ("arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf", "arm", "armv7"),
         "arm64": ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu", "aarch64", "armv8"),
         "riscv64": ("riscv64-linux-gnu-gcc", "riscv64-linux-gnu", "riscv64", "rv64")}

CROSS_FILE = """\
[binaries]
c = [{words}]
ar = 'ar'
strip = 'strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['{emulator}', '-L', '{root}']
[properties]
sys_root = '{root}'
pkg_config_libdir = '{root}/usr/lib/{triplet}/pkgconfig:{root}/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = '{family}'
cpu = '{cpu}'
endian = 'little'
"""


def closure(apt, arch, names):
    """Files of packages and of the libraries that they depend on."""
    files = {}

    def add(name):
        record = apt.show(name, arch)
        if name in files or record.get("Architecture") not in (arch, "all"):
            return  # no package has that name
        files[name] = apt.fetch(name, arch)
        for needed in packages.depended(record, FOLLOWED):
            add(needed)

    for name in names:
        add(name)
    return list(files.values())


def lead_links(tree):
    """Links of packages name files from the root of a system: make it this tree. And where
    all libraries are below /usr, /lib is a link."""
    if not (tree / "lib").exists():
        (tree / "lib").symlink_to("usr/lib")
    for path in tree.rglob("*"):
        if path.is_symlink() and os.readlink(path).startswith("/"):
            target = tree / os.readlink(path).lstrip("/")
            path.unlink()
            path.symlink_to(os.path.relpath(target, path.parent))


def sysroot(suite, arch):
    """A system's headers and libraries, unpacked in the cache."""
    with packages.cache_lock():
        files = closure(packages.Apt(suite, [arch]), arch,
                        [*WANTED, *(["libgcc-12-dev"] if arch == "i386" else [])])
        final = cache_dir() / "trees" / util.content_name(
            f"sysroot-{suite}-{arch}", [], [file.name for file in files])
        if not final.exists():
            say(f"unpack {final.name}")
            with util.whole_dir(final) as tree:
                for file in files:
                    run([need("dpkg-deb", "dpkg"), "-x", file, tree])
                lead_links(tree)
        return final


def cross_file(arch, root):
    compiler, triplet, family, cpu = CROSS[arch]
    words = [*compiler.split(), f"--sysroot={root}"]
    for folder in root.glob("usr/lib/gcc/*/*"):
        words += [f"-B{folder}", f"-L{folder}"]
    for folder in f"{root}/lib/{triplet}", f"{root}/usr/lib/{triplet}":
        words.append(f"-Wl,-rpath-link,{folder}")
    return CROSS_FILE.format(words=", ".join(f"'{word}'" for word in words), root=root,
                             triplet=triplet, family=family, cpu=cpu,
                             emulator=f"qemu-{foreign.PROCESSORS[arch]}")


def cross_build(suite, arch):
    """The build folder of an architecture, up to date, and its system."""
    root, build = sysroot(suite, arch), REPO / ".lab/tool" / arch
    text = cross_file(arch, root)
    where = build.with_suffix(".ini")
    if not (build / "build.ninja").exists() or where.read_text() != text:
        build.parent.mkdir(parents=True, exist_ok=True)
        util.remove(build)
        where.write_text(text)
        run(["meson", "setup", build, REPO, "--cross-file", where,
             "--buildtype=release"])
    say(f"build whosees for {arch}")
    run([need("ninja", "ninja-build"), "-C", build, "tools/whosees"])
    return build, root


def loaded(program, folders):
    """Of a program and the libraries that it names, and these name: name -> file."""
    found, left = {}, [program]
    while left:
        said = run([need("readelf", "binutils"), "-d", left.pop()])
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", said):
            if name in found:
                continue
            path = next((f / name for f in folders if (f / name).exists()), None)
            if not path:
                raise LabError(f"{program} needs {name}, which is in none of "
                               f"{', '.join(map(str, folders))}")
            found[name] = path
            left.append(path)
    return found


def interpreter(program):
    """The loader that a program names."""
    return re.search(r"program interpreter: (.*)\]",
                     run([need("readelf", "binutils"), "-l", program]))[1]


def own_folders(program):
    """Where this machine finds a program's libraries."""
    said = run(["ldd", program])
    return [pathlib.Path(path).parent
            for path in re.findall(r"(/\S+) \(0x", said)]


def files(arch, suite, build):
    """What goes into a guest's root file system, path -> file: `build`'s own program if it
    is for that architecture, else one that is built for it."""
    if arch == packages.host_arch():
        program = build / "tools/whosees"
        folders = own_folders(program)
    else:
        build, root = cross_build(suite, arch)
        program = build / "tools/whosees"
        triplet = CROSS[arch][1]
        folders = [build / "src", root / "lib" / triplet, root / "usr/lib" / triplet,
                   root / "lib", root / "usr/lib"]
    libraries = loaded(program, dict.fromkeys(folders))
    loader = interpreter(program)
    name = loader.rpartition("/")[2]
    found = {f"lib/{n}": path.resolve() for n, path in libraries.items() if n != name}
    found["bin/whosees"] = program
    found[loader.lstrip("/")] = next(
        f / name for f in [*folders, pathlib.Path(loader).parent]
        if (f / name).exists()).resolve()
    return found
