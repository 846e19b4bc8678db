# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the other files use of cffi; the library itself is typed by its header."""

from collections.abc import Callable
from typing import Any, TypeVar
from typing_extensions import TypeAlias  # in typing from Python 3.10 on

F = TypeVar("F", bound=Callable[..., object])

class ffi:
    CData: TypeAlias = Any
    NULL: Any
    @staticmethod
    def new(kind: str, init: object = ...) -> Any: ...
    @staticmethod
    def string(chars: Any) -> bytes: ...
    @staticmethod
    def buffer(pointer: Any, size: int) -> Any: ...
    @staticmethod
    def from_buffer(*kind_and_buffer: Any) -> Any: ...
    @staticmethod
    def memmove(to: Any, source: Any, size: int) -> None: ...
    @staticmethod
    def offsetof(kind: str, field: str) -> int: ...
    @staticmethod
    def sizeof(kind: str) -> int: ...
    @staticmethod
    def addressof(value: Any) -> Any: ...
    @staticmethod
    def new_handle(value: object) -> Any: ...
    @staticmethod
    def from_handle(handle: Any) -> Any: ...
    @staticmethod
    def def_extern(name: str, error: object = ...,
                   onerror: Callable[..., None] | None = ...) -> Callable[[F], F]: ...

lib: Any
