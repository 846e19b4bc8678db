# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C source of the extension whosees._core, made of the library's header by cffi: so no
struct and no call is written down twice, and the C compiler checks them all.

    generate.py WHOSEES_H OUTPUT CC...
"""

import pathlib
import re
import subprocess
import sys

import cffi

INCLUDE = re.compile(r"^#\s*(include|pragma|if|ifdef|ifndef|endif|else)\b.*$", re.M)
INLINE = re.compile(r"^static inline .*?^}$", re.M | re.S)
CONSTANT = re.compile(r"^#define (WS_\w+) +(?:\d|UINT)", re.M)

# What Python hands to the library to be called.
CALLED = """
extern "Python" enum ws_evidence whosees_read(void *arg, uint64_t pa, void *buf, size_t len);
extern "Python" void whosees_progress(void *arg, const char *what, double done);
"""


def declarations(header, compiler):
    """What cffi can parse: nothing of other headers, no attributes, no bodies."""
    guard = header[header.index("/* ---- 1."):header.rindex("#pragma")]
    done = subprocess.run([*compiler, "-E", "-P", "-D__attribute__(x)=", "-xc", "-"],
                          input=INCLUDE.sub("", guard), capture_output=True, text=True,
                          check=True)
    constants = "".join(f"#define {name} ...\n" for name in CONSTANT.findall(guard))
    return constants + INLINE.sub("", done.stdout) + CALLED


def main(header, output, *compiler):
    ffi = cffi.FFI()
    ffi.cdef(declarations(pathlib.Path(header).read_text(), compiler))
    ffi.set_source("whosees._core", "#include <whosees.h>")
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
