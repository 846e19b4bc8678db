# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a machine is made of, copied out of the library."""

from __future__ import annotations

import enum
from typing import NamedTuple

from ._core import ffi, lib


def text(chars: ffi.CData) -> str | None:
    """None for NULL."""
    return None if chars == ffi.NULL else text_of(chars)


def text_of(chars: ffi.CData) -> str:
    """Of what is never NULL."""
    return ffi.string(chars).decode(errors="replace")


class End(enum.IntEnum):
    """How a walk ends. ABSENT and FAILED are unknown: nobody read what the machine has there."""
    PAGE = lib.WS_END_PAGE
    HOLE = lib.WS_END_HOLE
    MALFORMED = lib.WS_END_MALFORMED
    ABSENT = lib.WS_END_ABSENT
    NONCANONICAL = lib.WS_END_NONCANONICAL
    FAILED = lib.WS_END_FAILED

    @property
    def is_known(self) -> bool:
        return self not in (End.ABSENT, End.FAILED)


class Access(enum.IntFlag):
    """What the tables grant the kernel, and user mode."""
    KERNEL_READ = lib.WS_KERNEL_READ
    KERNEL_WRITE = lib.WS_KERNEL_WRITE
    KERNEL_EXECUTE = lib.WS_KERNEL_EXECUTE
    USER_READ = lib.WS_USER_READ
    USER_WRITE = lib.WS_USER_WRITE
    USER_EXECUTE = lib.WS_USER_EXECUTE


class Absent(enum.Enum):
    """Why there are no bytes: read() and read_physical() return one of these instead."""
    NOT_MAPPED = lib.WS_NOT_MAPPED  # the page tables were read, and map nothing there
    ABSENT = lib.WS_ABSENT          # the target lacks them: nobody can know


class Space(NamedTuple):
    """An address space; `index` is its place in Machine.spaces, which findings name."""
    index: int  # type: ignore[assignment]  # over tuple's own, which nobody asks
    root: int
    kind: str
    pid: int
    comm: str
    mm: int
    owners: tuple[int, ...]
    threads: int
    counts: bool


class Task(NamedTuple):
    """A process (all its threads), or a kernel thread, whose `space` is None."""
    pid: int
    comm: str
    kernel_thread: bool
    mm: int
    active_mm: int
    space: int | None
    active_space: int | None
    threads: int
    parent: int | None


class Region(NamedTuple):
    """Bytes of a module's memory."""
    address: int
    size: int


class Module(NamedTuple):
    """A loaded module; `struct` is the address of its struct module."""
    name: str
    struct: int
    regions: tuple[Region, ...]


class Symbol(NamedTuple):
    """A name in the kernel (module None) or in a module; `type` as nm prints it."""
    name: str
    address: int
    type: str | None
    module: str | None


class Step(NamedTuple):
    """An entry on the way: `entry` is None where its table was not read."""
    level: str
    table: int
    index: int  # type: ignore[assignment]  # over tuple's own, which nobody asks
    entry: int | None


class Walk(NamedTuple):
    """One address through the tables; `physical` and `page_size` are None but for a page."""
    address: int
    root: int
    end: End
    physical: int | None
    page_size: int | None
    access: Access
    steps: tuple[Step, ...]


class Layout(NamedTuple):
    """Where the kernel has what, as found in memory."""
    page_offset: int
    image_first: int
    image_last: int
    reference: int
    consensus: bool
    pti: bool
    word: int


def space_of(index: int, c: ffi.CData) -> Space:
    return Space(index, c.root, text_of(lib.ws_space_kind_name(c.kind)), c.pid, text_of(c.comm),
                 c.mm, tuple(c.owners[i] for i in range(c.ntasks if c.owners != ffi.NULL else 0)),
                 c.nthreads, bool(c.counts))


def task_of(c: ffi.CData) -> Task:
    def or_none(value: int, none: int) -> int | None:
        return None if value == none else value

    return Task(c.pid, text_of(c.comm), bool(c.kernel_thread), c.mm, c.active_mm,
                or_none(c.space, lib.WS_NO_SPACE), or_none(c.active_space, lib.WS_NO_SPACE),
                c.nthreads, or_none(c.ppid, lib.WS_NO_PID))


def module_of(c: ffi.CData) -> Module:
    return Module(text_of(c.name), c.module,
                  tuple(Region(c.region[i].va, c.region[i].len) for i in range(c.nregions)))


def symbol_of(c: ffi.CData) -> Symbol:
    return Symbol(text_of(c.name), c.va, None if c.type == b"\0" else c.type.decode(),
                  None if c.module == ffi.NULL else text(c.module.name))


def walk_of(trail: ffi.CData) -> Walk:
    end = End(trail.end)
    steps = tuple(
        Step(text_of(lib.ws_level_entry_name(trail.format, level)), trail.step[level].table,
             trail.step[level].index,
             trail.step[level].entry if end.is_known or level + 1 < trail.nsteps else None)
        for level in range(trail.nsteps))
    page = end is End.PAGE
    return Walk(trail.va, trail.root, end, trail.pa if page else None,
                1 << trail.page_shift if page else None, Access(trail.access if page else 0), steps)
