"""The color maps of one side of a pair, made as they are needed and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from pairx_core.explain.keeping import Cell, Keeper, WindowedMap
from pairx_core.explain.picture import Picture
from pairx_core.explain.relevance import Relevance
from pairx_core.explain.trace import Trace


class SideColorMaps:
    """The color maps of one side of a pair, as they come."""

    def __init__(
        self,
        trace: Callable[[Picture], Trace],
        keeper: Keeper,
        picture: Picture,
        layer: str,
        cells: npt.NDArray[np.int64],
    ) -> None:
        """Make maps of cells.

        Args:
            trace: the model's trace of a picture, made or kept.
            keeper: where maps are kept.
            picture: this side.
            layer: dotted path of the layer that the cells are of.
            cells: (N, 2) column and row, most relevant match first.
        """
        self._trace = trace
        self._keeper = keeper
        self._picture = picture
        self._layer = layer
        self._cells: list[Cell] = [(int(column), int(row)) for column, row in cells]
        self._input_size = picture.frame.input_size
        self._maps = np.zeros((len(cells), *self._input_size[::-1]), np.float32)
        self._new: dict[Cell, WindowedMap] = {}

    def tasks(self) -> list[Callable[[], WindowedMap]]:
        """What makes the maps, match by match; where they are kept, it only hands them out.

        The forward pass, if one is needed, runs here: with all threads, as any other, for it decides the last digit.
        """
        if all(cell in self._kept for cell in self._cells):
            return [partial(self._kept.__getitem__, cell) for cell in self._cells]
        trace = self._trace(self._picture)  # held while tasks are, whatever the budget
        return [
            partial(self._kept.__getitem__, cell) if cell in self._kept else partial(self._make, cell, trace)
            for cell in self._cells
        ]

    def with_map(self, number: int, map_: WindowedMap) -> npt.NDArray[np.float32]:
        """The maps (number + 1, H, W) of the first matches; they come one after the other."""
        self._maps[number] = map_.full(self._input_size)
        return self._maps[: number + 1]

    def _make(self, cell: Cell, trace: Trace) -> WindowedMap:
        self._new[cell] = _windowed(trace.color_map(self._layer, *cell))
        return self._new[cell]

    def keep(self) -> None:
        """Put what is new on disk."""
        self._keeper.keep_maps(self._picture.key, self._layer, self._new)

    @cached_property
    def _kept(self) -> dict[Cell, WindowedMap]:
        return self._keeper.maps(self._picture.key, self._layer, self._cells)


def _windowed(map_: Relevance) -> WindowedMap:
    return WindowedMap(map_.values[0, 0].float().cpu().numpy(), map_.top, map_.left)
