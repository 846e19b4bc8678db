# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that was opened: who is there, and what each of them sees."""

from __future__ import annotations

import contextlib
import operator
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Union

from ._core import ffi, lib
from .audit import Audit, audit_of
from .errors import SystemRefusal, fail
from .values import (Absent, Layout, Module, Space, Symbol, Task, Walk, module_of, space_of,
                     symbol_of, task_of, text_of, walk_of)

if TYPE_CHECKING:
    from .probe import Matrix

Progress = Callable[[str, float], None]
Read = Callable[[int, int], "bytes | None"]
Path = Union[str, os.PathLike[str]]
T = TypeVar("T")


class Cpu(NamedTuple):
    """A processor, and those of its registers that the target kept."""
    number: int
    registers: dict[str, int]
    root: int | None


class Within(threading.local):
    """Whether this thread is in a function that the library called."""
    yes = False


class Called:
    """What the library calls back into. What that raises first is kept until the call that is
    on its way is over, and nothing is called again before."""

    def __init__(self, read: Read | None, progress: Progress | None):
        self.read, self.progress, self.within = read, progress, Within()
        self.raised: BaseException | None = None  # in this call
        self.broken: BaseException | None = None  # what read() raised: it holds for good

    def run(self, function: Callable[..., T], *args: object) -> T:
        """What it raises, or a signal on the way, comes to _keep()."""
        self.within.yes = True
        result = function(*args)
        self.within.yes = False
        return result

    def ready(self) -> None:
        """The library has no answer over memory of which some could not be looked at."""
        if self.broken is not None:
            raise SystemRefusal("read() raised an exception: this machine has no answers any "
                                "more, and can be closed only") from self.broken


def _keep(_: object, raised: BaseException, traceback: TracebackType) -> None:
    local = traceback.tb_frame.f_locals
    called = ffi.from_handle(local["arg"])
    called.within.yes = False
    called.raised = called.raised or raised
    if "pa" in local:
        called.broken = called.broken or raised


@ffi.def_extern(name="whosees_read", error=lib.WS_FAILED, onerror=_keep)
def _read(arg: ffi.CData, pa: int, buf: ffi.CData, size: int) -> Any:
    called = ffi.from_handle(arg)
    if called.broken is not None:
        return lib.WS_FAILED
    data = called.run(called.read, pa, size)
    if data is None:
        return lib.WS_ABSENT
    with memoryview(data) as view:
        if view.nbytes != size:
            raise ValueError(f"read({pa:#x}, {size}) gave {view.nbytes} bytes")
        ffi.memmove(buf, view, size)
    return lib.WS_READ


@ffi.def_extern(name="whosees_progress", onerror=_keep)
def _progress(arg: ffi.CData, what: ffi.CData, done: float) -> None:
    called = ffi.from_handle(arg)
    if called.raised is None:
        called.run(called.progress, text_of(what), done)


def c_bytes(value: Path) -> bytes:
    """What C takes for the whole of it."""
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError(f"{value!r} has a NUL in it")
    return encoded


class Strings:
    """C strings that live as long as this does; None is NULL."""

    def __init__(self) -> None:
        self.kept: list[ffi.CData] = []

    def __call__(self, value: Path | None) -> ffi.CData:
        if value is None:
            return ffi.NULL
        self.kept.append(ffi.new("char[]", c_bytes(value)))
        return self.kept[-1]


class Machine:
    """What open() and over() return. It is closed by `with`, or by close()."""

    def __init__(self, opener: Callable[..., Any], called: Called, *, regime: str | None,
                 system_map: Path | None, vmlinux: Path | None):
        self._lock = threading.RLock()
        self._called, self._handle = called, ffi.new_handle(called)
        self._context = lib.ws_context_create()
        self._target = self._system = ffi.NULL
        if self._context == ffi.NULL:
            raise MemoryError
        if called.progress:
            lib.ws_context_set_progress(self._context, lib.whosees_progress, self._handle)
        try:
            self._open(opener, regime, system_map, vmlinux)
        except BaseException:
            self.close()
            raise

    def _open(self, opener: Callable[..., Any], regime: str | None, system_map: Path | None,
              vmlinux: Path | None) -> None:
        target, system = ffi.new("struct ws_target **"), ffi.new("struct ws_system **")
        c = Strings()
        self._check(opener(self._context, self._handle, target))
        self._target = target[0]
        options = ffi.new("struct ws_system_options *", {
            "system_map": c(system_map), "vmlinux": c(vmlinux), "regime": c(regime)})
        lib.ws_error_clear(self._context)
        self._check(lib.ws_system_open(self._target, options, system))
        self._system = system[0]

    def _check(self, status: int) -> None:
        """Raises what the library, or what it called, has to say."""
        raised, self._called.raised = self._called.raised, None
        if raised and not isinstance(raised, Exception):  # an interrupt, or the program's end
            raise raised
        if status != lib.WS_OK:
            fail(self._context, status, raised)
        self._called.ready()
        if raised:
            raise raised

    def _outside(self) -> None:
        if self._called.within.yes:
            raise RuntimeError("a machine cannot be used by what it calls: read(), progress()")

    @contextlib.contextmanager
    def _use(self) -> Iterator[ffi.CData]:
        """The system, for calls that no other thread and no earlier failure has a part in."""
        self._outside()
        with self._lock:
            if self._system == ffi.NULL:
                raise ValueError("the machine was closed")
            self._called.ready()
            lib.ws_error_clear(self._context)
            yield self._system
            self._check(lib.WS_OK)

    def _all(self, call: Callable[..., ffi.CData],
             convert: Callable[[ffi.CData], T]) -> tuple[T, ...]:
        with self._use() as system:
            n = ffi.new("size_t *")
            rows = call(system, n)
            return tuple(convert(rows[i]) for i in range(n[0]))

    def __enter__(self) -> Machine:
        with self._use():
            return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_system"):
            self.close()

    def close(self) -> None:
        """Once more does nothing. A machine that was stopped runs on."""
        self._outside()
        with self._lock:
            lib.ws_system_close(self._system)
            lib.ws_target_close(self._target)
            lib.ws_context_destroy(self._context)
            self._system = self._target = self._context = ffi.NULL

    # ---- who is there ------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """What it was opened as: "elf", "kdump", "live" ..."""
        with self._use():
            return text_of(lib.ws_target_kind(self._target))

    @property
    def format(self) -> str:
        """The paging format: "i386-pae", "x86_64" ..."""
        with self._use() as system:
            return text_of(lib.ws_format_name(lib.ws_system_paging(system).format))

    @property
    def layout(self) -> Layout:
        with self._use() as system:
            c = lib.ws_system_layout(system)
            return Layout(c.page_offset, c.image_first, c.image_last, c.reference,
                          bool(c.consensus), bool(c.pti), c.word)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the target, and what is not certain, in sentences."""
        with self._use() as system:
            found: list[str] = []
            while (note := lib.ws_system_note(system, len(found))) != ffi.NULL:
                found.append(text_of(note))
            return tuple(found)

    @property
    def spaces(self) -> tuple[Space, ...]:
        """All address spaces: init_mm's, by pid, and those of no known owner."""
        with self._use() as system:
            n = ffi.new("size_t *")
            rows = lib.ws_system_spaces(system, n)
            return tuple(space_of(i, rows[i]) for i in range(n[0]))

    @property
    def tasks(self) -> tuple[Task, ...]:
        return self._all(lib.ws_system_tasks, task_of)

    @property
    def modules(self) -> tuple[Module, ...]:
        with self._use() as system:
            rows, n = ffi.new("const struct ws_module **"), ffi.new("size_t *")
            self._check(lib.ws_system_modules(system, rows, n))
            return tuple(module_of(rows[0][i]) for i in range(n[0]))

    @property
    def cpus(self) -> tuple[Cpu, ...]:
        with self._use() as system:
            found: list[Cpu] = []
            while (cpu := lib.ws_target_cpu(self._target, len(found))) != ffi.NULL:
                root = ffi.new("uint64_t *")
                known = lib.ws_system_cpu_root(system, cpu, root)
                found.append(Cpu(len(found), self._registers(cpu), root[0] if known else None))
            return tuple(found)

    @staticmethod
    def _registers(cpu: ffi.CData) -> dict[str, int]:
        group, value, i = ffi.new("enum ws_register_group *"), ffi.new("uint64_t *"), 0
        found: dict[str, int] = {}
        while (name := lib.ws_cpu_register_at(cpu, i, group)) != ffi.NULL:
            if lib.ws_cpu_register(cpu, name, value):
                found[text_of(name)] = value[0]
            i += 1
        return found

    # ---- names and memory --------------------------------------------------------------

    def symbol(self, name: str) -> Symbol:
        """Of "symbol" or "module:symbol"."""
        with self._use() as system:
            found = ffi.new("struct ws_symbol *")
            self._check(lib.ws_symbol_find(system, c_bytes(name), found))
            return symbol_of(found)

    def symbol_at(self, address: int) -> Symbol:
        """The one at or next below an address."""
        with self._use() as system:
            found = ffi.new("struct ws_symbol *")
            self._check(lib.ws_symbol_at(system, address, found))
            return symbol_of(found)

    def _bytes(self, read: Callable[..., int], whose: ffi.CData, address: int,
               size: int) -> bytes | Absent:
        data = bytearray(size)
        evidence = read(whose, address, ffi.from_buffer(data), size)
        if evidence == lib.WS_READ:
            return bytes(data)
        if evidence == lib.WS_FAILED:
            self._check(lib.ws_target_looked(self._target, lib.WS_OK))
            raise SystemRefusal(f"{size} bytes at {address:#x} could not be looked at")
        return Absent(evidence)

    def read(self, address: int, size: int) -> bytes | Absent:
        """Kernel memory, as init_mm sees it."""
        with self._use() as system:
            return self._bytes(lib.ws_system_read, system, address, size)

    def read_physical(self, address: int, size: int) -> bytes | Absent:
        with self._use():
            return self._bytes(lib.ws_target_read, self._target, address, size)

    # ---- what they see -----------------------------------------------------------------

    def _address(self, what: int | str) -> int:
        if isinstance(what, str):
            return self.symbol(what).address
        address = operator.index(what)
        if not 0 <= address < 1 << 64:
            raise OverflowError(f"{address:#x} is no address of 64 bits")
        return address

    @staticmethod
    def _space(system: ffi.CData, space: Space) -> ffi.CData:
        n = ffi.new("size_t *")
        rows = lib.ws_system_spaces(system, n)
        if space.index >= n[0] or rows[space.index].root != space.root:
            raise ValueError(f"{space} is no space of this machine")
        return rows[space.index]

    def walk(self, space: Space, what: int | str) -> Walk:
        """An address, or a symbol's, through one space's tables."""
        address = self._address(what)
        with self._use() as system:
            eye, trail = ffi.new("struct ws_eye *"), ffi.new("struct ws_trail *")
            lib.ws_space_eye(system, ffi.addressof(self._space(system, space)), eye)
            lib.ws_eye_walk(lib.ws_system_paging(system), eye, address, trail)
            self._check(lib.ws_target_looked(self._target, lib.WS_OK))
            return walk_of(trail)

    def probe(self, what: Iterable[int | str], spaces: Sequence[Space] | None = None) -> Matrix:
        """How the walks of addresses (or symbols) end in each space; `spaces`: all that count,
        if it is None. Needs numpy."""
        import numpy as np  # pylint: disable=import-outside-toplevel

        from .probe import matrix_of  # pylint: disable=import-outside-toplevel
        chosen = tuple(s for s in self.spaces if s.counts) if spaces is None else tuple(spaces)
        addresses = np.array([self._address(w) for w in what], np.uint64)
        with self._use() as system:
            rows = ffi.new("struct ws_space[]", max(len(chosen), 1))
            for i, space in enumerate(chosen):
                rows[i] = self._space(system, space)
            matrix = ffi.new("struct ws_matrix *")
            try:
                self._check(lib.ws_probe(system, rows, len(chosen),
                                         ffi.from_buffer("uint64_t[]", addresses),
                                         len(addresses), matrix))
                return matrix_of(chosen, addresses, matrix)
            finally:
                lib.ws_matrix_release(matrix)

    def audit(self) -> Audit:
        """Runs every rule over every space."""
        with self._use() as system:
            audit = ffi.new("struct ws_audit **")
            self._check(lib.ws_audit_run(system, audit))
            try:
                return audit_of(self.spaces, audit[0])
            finally:
                lib.ws_audit_destroy(audit[0])

    def capture(self, path: Path) -> None:
        """Writes a small dump that holds only what the answers rest on."""
        with self._use() as system:
            self._check(lib.ws_capture(system, c_bytes(path)))


def _options(c: Strings, kind: str | None, format: str | None,  # pylint: disable=redefined-builtin
             pieces: str | None, memory: int, stop: bool, timeout: int) -> ffi.CData:
    return ffi.new("struct ws_target_options *", {
        "kind": c(kind), "format": c(format), "pieces": c(pieces), "memory": memory,
        "stop": stop, "timeout": timeout})


def open(target: Path, *, kind: str | None = None,  # pylint: disable=redefined-builtin
         format: str | None = None, pieces: str | None = None, memory: int = 0,
         stop: bool = False, timeout: int = 0, regime: str | None = None,
         system_map: Path | None = None, vmlinux: Path | None = None,
         progress: Progress | None = None) -> Machine:
    """Opens what the command `whosees` takes for TARGET; the arguments are its options of the
    same name (`kind`: --type). `memory` in bytes and `timeout` in seconds; 0: the usual."""
    c, named = Strings(), os.fspath(target)
    options = _options(c, kind, format, pieces, memory, stop, timeout)

    def opener(context: ffi.CData, _: object, to: ffi.CData) -> Any:
        return lib.ws_target_open(context, c(named), options, to)

    return Machine(opener, Called(None, progress), regime=regime, system_map=system_map,
                   vmlinux=vmlinux)


def over(read: Read, extents: Iterable[tuple[int, int]], *, name: str = "memory",
         vmcoreinfo: str | None = None, moving: bool = False, format: str | None = None,  # pylint: disable=redefined-builtin
         memory: int = 0, regime: str | None = None,
         system_map: Path | None = None, vmlinux: Path | None = None,
         progress: Progress | None = None) -> Machine:
    """Opens memory that the program has: read(address, size) returns bytes of physical memory,
    or None where one is not to be had. What it raises is the cause of the Error that the call ends
    with (an interrupt is raised itself), and of all later ones: such a machine has no answers any
    more. `extents`: (address, size) of where there is memory. `moving`: it changes meanwhile.
    `name` stands in for a path."""
    c, named = Strings(), os.fspath(name)
    options = _options(c, None, format, None, memory, False, 0)
    where = ffi.new("struct ws_extent[]", [{"pa": pa, "len": size} for pa, size in extents])

    def opener(context: ffi.CData, handle: ffi.CData, to: ffi.CData) -> Any:
        given = ffi.new("struct ws_given_memory *", {
            "extents": where, "nextents": len(where), "read": lib.whosees_read, "arg": handle,
            "vmcoreinfo": c(vmcoreinfo), "moving": moving})
        return lib.ws_target_open_given(context, c(named), given, options, to)

    return Machine(opener, Called(read, progress), regime=regime, system_map=system_map,
                   vmlinux=vmlinux)
