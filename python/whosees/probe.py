# SPDX-License-Identifier: LGPL-2.1-or-later
"""Spaces by addresses: how each walk ended, as numpy arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
    addresses: np.ndarray  # of uint64
    cell: np.ndarray       # of uint32, (spaces, addresses)
    outcomes: np.ndarray   # of OUTCOME

    @property
    def seen(self) -> np.ndarray:
        """Whether the space maps the address; (spaces, addresses). False where it is unknown."""
        return (self.outcomes["end"] == End.PAGE)[self.cell]

    @property
    def known(self) -> np.ndarray:
        """Whether that was read: False where the target lacks a table on the way."""
        return ~np.isin(self.outcomes["end"], [End.ABSENT, End.FAILED])[self.cell]

    @property
    def walks(self) -> np.ndarray:
        """The outcome of each cell; (spaces, addresses) of OUTCOME."""
        return self.outcomes[self.cell]


def matrix_of(spaces: tuple[Space, ...], addresses: np.ndarray, c: ffi.CData) -> Matrix:
    def copied(pointer: ffi.CData, n: int, dtype: np.dtype) -> np.ndarray:
        if not n:
            return np.empty(0, dtype)
        return np.frombuffer(ffi.buffer(pointer, n * dtype.itemsize), dtype).copy()

    cell = copied(c.cell, c.nspaces * c.naddresses, np.dtype(np.uint32))
    return Matrix(spaces, addresses, cell.reshape(c.nspaces, c.naddresses),
                  copied(c.outcome, c.noutcomes, OUTCOME))
