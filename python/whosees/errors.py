# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the library refuses, as exceptions: one class a status, with all words of it."""

from __future__ import annotations

from typing import NoReturn

from ._core import ffi, lib


class Error(Exception):
    """A call failed. str() has what was asked for and what stood in its way, a line each."""


class UsageError(Error, ValueError):
    """An argument makes no sense."""


class UnreadableError(Error, OSError):
    """The target cannot be opened or read."""


class MalformedError(Error):
    """The target contradicts its own format."""


class UnsupportedError(Error):
    """It is of a kind that this build does not know."""


class NotFoundError(Error, LookupError):
    """There is no such space, task, module or symbol."""


class LimitError(Error):
    """A bound on work was reached."""


class SystemRefusal(Error, OSError):
    """Memory, the disk or the operating system refused."""


class MissingError(Error, LookupError):
    """It was not found, but the target lacks memory in which it may be."""


CLASSES = {lib.WS_ERR_USAGE: UsageError, lib.WS_ERR_UNREADABLE: UnreadableError,
           lib.WS_ERR_MALFORMED: MalformedError, lib.WS_ERR_UNSUPPORTED: UnsupportedError,
           lib.WS_ERR_NOT_FOUND: NotFoundError, lib.WS_ERR_LIMIT: LimitError,
           lib.WS_ERR_SYSTEM: SystemRefusal, lib.WS_ERR_UNKNOWN: MissingError}


def words(context: ffi.CData) -> str:
    """All reasons behind the last failure, what was asked for first."""
    lines, depth = [], 0
    while (text := lib.ws_error(context, depth)) != ffi.NULL:
        lines.append(ffi.string(text).decode(errors="replace"))
        depth += 1
    return "\n".join(lines)


def fail(context: ffi.CData, status: int, cause: BaseException | None = None) -> NoReturn:
    raise CLASSES[status](words(context)) from cause
