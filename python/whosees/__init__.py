# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which address spaces of a machine can see a kernel address, which cannot, and why.

    import whosees

    with whosees.open("vmcore") as machine:
        matrix = machine.probe(["vfs_read", 0xf8000000])
        for space, sees in zip(matrix.spaces, matrix.seen[:, 1]):
            if not sees:
                print(space.pid, space.comm)
        for finding in machine.audit().findings:
            print(finding.rule.id, finding.space.pid, finding.text)

A target is all that the command `whosees` takes: a dump's path, "live", "qemu:SOCKET",
"sim:SCENARIO"; or memory that the program has already: over(). All that is returned is
copied out of the library and outlives the machine. One machine is used by one thread at a
time: another waits.
"""

from typing import TYPE_CHECKING

from .audit import Audit, Finding, Judgement, Rule
from .errors import (Error, LimitError, MalformedError, MissingError, NotFoundError,
                     SystemRefusal, UnreadableError, UnsupportedError, UsageError)
from .machine import Cpu, Machine, open, over  # pylint: disable=redefined-builtin
from .values import (Access, Absent, End, Layout, Module, Region, Space, Step, Symbol, Task, Walk)

if TYPE_CHECKING:
    from .probe import Matrix
else:
    def __getattr__(name: str) -> object:
        """Matrix alone wants numpy."""
        if name != "Matrix":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import probe  # pylint: disable=import-outside-toplevel
        return probe.Matrix

__all__ = ["Absent", "Access", "Audit", "Cpu", "End", "Error", "Finding", "Judgement", "Layout",
           "LimitError", "Machine", "MalformedError", "Matrix", "MissingError", "Module",
           "NotFoundError", "Region", "Rule", "Space", "Step", "Symbol", "SystemRefusal",
           "Task", "UnreadableError", "UnsupportedError", "UsageError", "Walk", "open", "over"]
