# SPDX-License-Identifier: LGPL-2.1-or-later
"""Spaces by addresses: how each walk ended, as numpy arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._core import ffi
from .values import End, Space

OUTCOME = np.dtype({"names": ["pa", "end", "level", "page_shift", "access"],
                    "formats": ["u8", "u1", "u1", "u1", "u1"],
                    "offsets": [ffi.offsetof("struct ws_outcome", name) for name in
                                ("pa", "end", "level", "page_shift", "access")],
                    "itemsize": ffi.sizeof("struct ws_outcome")})


class Matrix(NamedTuple):
    """`cell[s, a]` is an index into `outcomes` (fields pa, end, level, page_shift, access):
    millions of cells share a handful of outcomes."""
    spaces: tuple[Space, ...]
    addresses: npt.NDArray[np.uint64]
    cell: npt.NDArray[np.uint32]  # (spaces, addresses)
    outcomes: npt.NDArray[np.void]  # of OUTCOME

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Whether the space maps the address; (spaces, addresses). False where it is unknown."""
        ends: npt.NDArray[np.bool_] = self.outcomes["end"] == End.PAGE
        return ends[self.cell]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether that was read: False where the target lacks a table on the way."""
        unknown: npt.NDArray[np.bool_] = np.isin(self.outcomes["end"], [End.ABSENT, End.FAILED])
        return ~unknown[self.cell]

    @property
    def walks(self) -> npt.NDArray[np.void]:
        """The outcome of each cell; (spaces, addresses) of OUTCOME."""
        walks: npt.NDArray[np.void] = self.outcomes[self.cell]
        return walks


def matrix_of(spaces: tuple[Space, ...], addresses: npt.NDArray[np.uint64],
              c: ffi.CData) -> Matrix:
    def copied(pointer: ffi.CData, n: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        if not n:
            return np.empty(0, dtype)
        return np.frombuffer(ffi.buffer(pointer, n * dtype.itemsize), dtype).copy()

    cell = copied(c.cell, c.nspaces * c.naddresses, np.dtype(np.uint32))
    return Matrix(spaces, addresses, cell.reshape(c.nspaces, c.naddresses),
                  copied(c.outcome, c.noutcomes, OUTCOME))
