"""A kernel that Debian has as a source package, built with options of our own: the checks that
no kernel of a package has switched on."""

import functools

from . import module_build, packages, util
from .util import HERE, LabError, cache_dir, need, run, say

# What a module's build and a guest take from the tree: all but what the compiler left.
LEFT_OVER = "*.o", "*.a", "*.cmd"
NEEDS = "apt-get install make gcc bc flex bison libelf-dev libssl-dev"


class Kernel:
    """The same as packages.Kernel has, of a section with `source` and `options`."""

    def __init__(self, section, refresh=False):
        self.flavour, self.conf, self.arch = section.name, section, section["arch"]
        apt = packages.Apt(section["suite"], [self.arch], refresh)
        source = apt.fetch(section["source"], self.arch)
        options = HERE / section["options"]
        name = util.content_name(source.stem, [options], [section["cc"], section["karch"]])
        self.tree = cache_dir() / "trees" / name
        if not self.tree.exists():
            build(section, source, options, self.tree)
        self.headers, self.config = self.tree, self.tree / ".config"
        self.release = (self.tree / "include/config/kernel.release").read_text().strip()
        self.vmlinuz = self.tree / "arch/x86/boot/bzImage"

    @functools.cached_property
    def busybox(self):
        return packages.busybox(self.conf["suite"], self.arch)

    def module(self, name):
        return packages.module_in(self.tree, name)


def make(section, tree, *words):
    return run([need("make", "make"), "-s", "-j2", "-C", tree, f"ARCH={section['karch']}",
                *module_build.compiler(section["cc"]), "KBUILD_BUILD_TIMESTAMP=@0", *words],
               hint=NEEDS)


def unpack(source, tree):
    """The archive that the package is, without the folder that it has."""
    package = packages.unpack([source], cache_dir() / "trees" / source.stem)
    archive = packages.one_file(package, "linux-source-*.tar.xz")
    run([need("tar", "tar"), "-xf", archive, "-C", tree, "--strip-components=1"],
        hint=f"if {archive} is damaged, remove {package} and run again")


def configure(section, options, tree):
    """Nothing but what a guest needs, and the options; one that the source does not know, or whose
    needs are not met, is an error."""
    make(section, tree, "tinyconfig")
    wanted = [line for line in options.read_text().splitlines() if line.startswith("CONFIG_")]
    with open(tree / ".config", "a") as config:
        config.write("\n".join(wanted) + "\n")
    make(section, tree, "olddefconfig")
    missing = set(wanted) - set((tree / ".config").read_text().splitlines())
    if missing:
        raise LabError(f"{options.name}: not to be had: {' '.join(sorted(missing))}")


def build(section, source, options, final):
    say(f"build {source.stem} with {options.name} (ten minutes of a processor)")
    with util.whole_dir(final) as tree:
        unpack(source, tree)
        configure(section, options, tree)
        make(section, tree, "bzImage", "modules")
        for pattern in LEFT_OVER:
            for file in tree.rglob(pattern):
                file.unlink()


def kernel_of(section, refresh):
    """The kernel of a section of kernels.conf: out of a package, or built from source."""
    return Kernel(section, refresh) if "source" in section else \
        packages.current_kernel(section, refresh)
