# SPDX-License-Identifier: LGPL-2.1-or-later
"""whosees over the memory of a drgn program: a vmcore, or the running kernel.

    $ drgn -c vmcore
    >>> import whosees_drgn
    >>> with whosees_drgn.machine(prog) as machine:
    ...     machine.audit().findings
"""

import drgn
import whosees


def system_ram(prog):
    """(address, size) of each "System RAM" of iomem_resource; it needs the kernel's types."""
    pending, found = [prog["iomem_resource"].child], []
    while pending:
        resource = pending.pop()
        while resource:
            if resource.name and resource.name.string_() == b"System RAM":
                first = resource.start.value_()
                found.append((first, resource.end.value_() - first + 1))
            elif resource.child:
                pending.append(resource.child)
            resource = resource.sibling
    return found


def vmcoreinfo(prog):
    """The text, or None where this program has none."""
    try:
        return prog["VMCOREINFO"].string_().decode()
    except (KeyError, LookupError, AttributeError):
        return None


def machine(prog, extents=None):
    """The machine of that program. `extents`, (address, size) of physical memory, are found in
    the kernel's resources if they are not given."""
    def read(address, size):
        try:
            return prog.read(address, size, physical=True)
        except drgn.FaultError:
            return None

    return whosees.over(read, extents or system_ram(prog), name="drgn's program",
                        vmcoreinfo=vmcoreinfo(prog),
                        moving=bool(prog.flags & drgn.ProgramFlags.IS_LIVE))
