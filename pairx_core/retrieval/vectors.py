"""The unit vectors of photos, wherever they lie, read block by block."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

BLOCK = 4096  # rows at a time: some tens of megabytes, whatever the number of photos


class PhotoVectors:
    """Unit vectors (N, D) of N photos, most often a part of a larger array on the disk."""

    def __init__(self, vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.int64] | None = None) -> None:
        """Take vectors of length 1.

        Args:
            vectors: (M, D), float32 or float16, in memory or memory-mapped; never copied as a whole.
            rows: (N,) the row of each photo; None: photo n has row n.
        """
        self._vectors = vectors
        self._rows = np.arange(len(vectors), dtype=np.int64) if rows is None else rows
        steps = np.diff(self._rows) != 1
        self._breaks = np.concatenate(
            [[0], np.cumsum(steps)]
        )  # equal at both ends: the rows between follow on

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The row (N,) of each photo in what its vector is a part of."""
        return self._rows

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self._vectors.shape[1])

    @property
    def precision(self) -> str:
        """How each number is kept: float32 or float16."""
        return str(self._vectors.dtype)

    def at(self, places: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """The vectors (K, D) of some photos."""
        if not len(places):
            return np.zeros((0, self.dimensions), np.float32)
        taken = np.asarray(self._vectors[self._rows[places]], np.float32)
        self._let_go(places)
        return taken

    def blocks(
        self, allowed: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], Tensor]]:
        """The photos' places (K,), ascending, and their vectors (K, D) float32, block by block.

        The tensor is good until the next block is asked for. Pages of a mapped file are let go behind.

        Args:
            allowed: (N,) which photos are wanted; None: all. Blocks without any are not read.
        """
        buffer = torch.empty((min(BLOCK, len(self)), self.dimensions), dtype=torch.float32)
        for start in range(0, len(self), BLOCK):
            places = np.arange(start, min(start + BLOCK, len(self)))
            if allowed is not None:
                wanted = np.flatnonzero(allowed[start : start + BLOCK])
                if not len(wanted):
                    continue
                places = places[wanted]
            block = buffer[: len(places)]
            block.copy_(torch.from_numpy(self._taken(places)))
            self._let_go(places)
            yield places, block

    def _taken(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
        """The vectors of ascending places as they are kept: a view where they lie in one piece."""
        first, last = places[0], places[-1]
        follow_on = self._breaks[first] == self._breaks[last] and last - first + 1 == len(places)
        if follow_on:
            return self._vectors[self._rows[first] : self._rows[last] + 1]
        return self._vectors[self._rows[places]]

    def _let_go(self, places: npt.NDArray[np.integer]) -> None:
        """Do not count the pages that were read as the process's own: the system keeps what it has room for.

        Costs a twentieth of a pass, and memory then grows with a block, not with the number of photos.
        """
        mapped = self._vectors.base
        if not isinstance(mapped, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED"):
            return
        rows, each = self._rows[places], self._vectors.strides[0]
        first = int(rows.min()) * each // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(mmap.MADV_DONTNEED, first, min((int(rows.max()) + 1) * each, len(mapped)) - first)
