"""The lab module, built for a guest's kernel by the kernel packages' own build system,
which is unpacked in the cache and not installed."""

import shutil

from . import util
from .util import HERE, cache_dir, need, run, say

SOURCE = HERE / "module"


def relocate(headers):
    """Debian's headers name each other by absolute path: make them find each other where
    they were unpacked. They are built in their own directory, so `..` is /usr/src."""
    makefile = headers / "Makefile"
    text = makefile.read_text()
    if "/usr/src/" in text:
        makefile.write_text(text.replace("/usr/src/", "../"))


def build(kernel):
    """Path of whosees_lab.ko for this kernel; cached by source and kernel package."""
    sources = sorted(f for f in SOURCE.iterdir() if f.is_file())
    final = cache_dir() / "built" / util.content_name("module", sources,
                                                      [kernel.tree.name])
    if not final.exists():
        say(f"build the lab module for {kernel.release}")
        relocate(kernel.headers)
        with util.whole_dir(final) as scratch:
            for file in sources:
                shutil.copy(file, scratch)
            run([need("make", "make"), "-C", kernel.headers,
                 f"ARCH={kernel.conf['karch']}", f"CC={kernel.conf['cc'].split()[0]}",
                 "CONFIG_DEBUG_INFO_BTF_MODULES=",  # it would need pahole
                 f"M={scratch}", "modules"],
                hint="apt-get install make gcc libelf1")
    return final / "whosees_lab.ko"
