"""The steps of PAIR-X on one pair, as plain arrays: feature maps, relevance, nearest cells, matches.

An explanation keeps what came out; this keeps what it came from as well, for a screen that shows how. Making it needs
torch (``stepping``), looking at it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from pairx_core.explain.explanation import Matches, PairExplanation
from pairx_core.frames import PhotoFrame

Side = Literal["query", "candidate"]
Cell = tuple[int, int]  # (column, row)
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMaps:
    """What the model gave at the layer, and what the search for matches found in it."""

    query: npt.NDArray[np.float32]  # (C, h, w)
    candidate: npt.NDArray[np.float32]  # (C, h', w')
    query_nearest: npt.NDArray[np.int64]  # (h * w,) flat number of each cell's nearest on the candidate
    candidate_nearest: npt.NDArray[np.int64]  # (h' * w',) the same on the query
    distances: npt.NDArray[np.float32]  # (h * w, h' * w') between all cells' descriptors

    @property
    def channels(self) -> int:
        """How many numbers describe a cell."""
        return len(self.query)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return _bytes_of_arrays(self)


@dataclass(frozen=True, slots=True)
class CellLook:
    """One cell, and where the search for its match leads."""

    side: Side
    cell: Cell
    relevance: float  # of the layer's, reduced over channels
    relevance_rank: int  # 1: no cell of the photo has more
    strength: float | None  # length of its feature vector; None: the feature maps are not known
    nearest: Cell | None  # on the other photo; None: not known
    back: Cell | None  # that cell's own nearest on this photo; None: not known
    distance: float | None  # to the nearest
    match: int | None  # which match it belongs to, 0 is the most relevant; None: to none


@dataclass(frozen=True, slots=True, eq=False)
class PairSteps:
    """An explanation with what it came from."""

    explanation: PairExplanation
    maps: FeatureMaps | None  # None: not known, as in a field pack, which has explanations alone

    @property
    def nbytes(self) -> int:
        """Memory held by all arrays, in bytes."""
        of_explanation = _bytes_of_arrays(self.explanation) + _bytes_of_arrays(self.explanation.matches)
        return of_explanation + (0 if self.maps is None else self.maps.nbytes)

    def relevance(self, side: Side) -> npt.NDArray[np.float64]:
        """How much each cell of a photo mattered for the similarity, (h, w)."""
        made = self.explanation
        return made.query_relevance if side == "query" else made.candidate_relevance

    def frame(self, side: Side) -> PhotoFrame:
        """The sizes of a photo and of the model's input."""
        return self.explanation.query_frame if side == "query" else self.explanation.candidate_frame

    def grid(self, side: Side) -> tuple[int, int]:
        """(columns, rows) of a photo's cells."""
        rows, columns = self.relevance(side).shape
        return columns, rows

    def cell_size(self, side: Side) -> tuple[float, float]:
        """(width, height) of a cell, in pixels of the cropped photo."""
        (width, height), (columns, rows) = self.frame(side).photo_size, self.grid(side)
        return width / columns, height / rows

    def matched_cells(self, side: Side) -> npt.NDArray[np.int64]:
        """The cells (N, 2) of all matches on a photo, the most relevant match first."""
        matches = self.explanation.matches
        return matches.query_cells if side == "query" else matches.candidate_cells

    def features(self, side: Side) -> npt.NDArray[np.float32] | None:
        """A photo's feature map (C, h, w); None: not known."""
        if self.maps is None:
            return None
        return self.maps.query if side == "query" else self.maps.candidate

    def strength(self, side: Side) -> Floats | None:
        """The length of each cell's feature vector, (h, w); None: not known."""
        features = self.features(side)
        return None if features is None else np.linalg.norm(features, axis=0)

    def telling_channels(self, count: int) -> tuple[int, ...]:
        """The channels that differ most from cell to cell, over both photos; the first one most."""
        if self.maps is None:
            return ()
        channels = self.maps.channels
        both = np.concatenate(
            [self.maps.query.reshape(channels, -1), self.maps.candidate.reshape(channels, -1)], axis=1
        )
        order = np.argsort(-both.var(axis=1, dtype=np.float64), kind="stable")
        return tuple(int(channel) for channel in order[:count])

    def distances_from(self, side: Side, cell: Cell) -> Floats | None:
        """How far all cells of the other photo are from a cell, (h, w); None: not known."""
        if self.maps is None:
            return None
        number, (columns, rows) = self._number(side, cell), self.grid(other(side))
        far = self.maps.distances[number] if side == "query" else self.maps.distances[:, number]
        return far.reshape(rows, columns)

    def look(self, side: Side, cell: Cell) -> CellLook:
        """What is known of a cell (column, row), counted from 0."""
        relevance, strength = self.relevance(side), self.strength(side)
        own = float(relevance[cell[1], cell[0]])
        match = self._match_at(side, cell)
        nearest, back, distance = self._there_and_back(side, cell, match)
        return CellLook(
            side=side,
            cell=cell,
            relevance=own,
            relevance_rank=int((relevance > own).sum()) + 1,
            strength=None if strength is None else float(strength[cell[1], cell[0]]),
            nearest=nearest,
            back=back,
            distance=distance,
            match=match,
        )

    def _there_and_back(
        self, side: Side, cell: Cell, match: int | None
    ) -> tuple[Cell | None, Cell | None, float | None]:
        """The nearest cell on the other photo, that one's nearest on this photo, and how far the first is."""
        if self.maps is None:
            if match is None:
                return None, None, None
            column, row = self.matched_cells(other(side))[match].tolist()
            return (column, row), cell, float(self.explanation.matches.distance[match])
        there, here = self.maps.query_nearest, self.maps.candidate_nearest
        if side == "candidate":
            there, here = here, there
        nearest = int(there[self._number(side, cell)])
        from_here = self.distances_from(side, cell)
        distance = None if from_here is None else float(from_here.ravel()[nearest])
        return self._cell(other(side), nearest), self._cell(side, int(here[nearest])), distance

    def _match_at(self, side: Side, cell: Cell) -> int | None:
        found = np.flatnonzero((self.matched_cells(side) == cell).all(axis=1))
        return int(found[0]) if len(found) else None

    def _number(self, side: Side, cell: Cell) -> int:
        return cell[1] * self.grid(side)[0] + cell[0]

    def _cell(self, side: Side, number: int) -> Cell:
        columns = self.grid(side)[0]
        return number % columns, number // columns


def other(side: Side) -> Side:
    """The other photo of the pair."""
    return "candidate" if side == "query" else "query"


def share_within(color_map: Floats, cell: Cell, grid: tuple[int, int]) -> float:
    """How much of what a cell looked at lies within the cell itself, 0 to 1.

    Args:
        color_map: (H, W), input pixels, not negative.
        cell: (column, row).
        grid: (columns, rows).
    """
    total = float(color_map.sum(dtype=np.float64))
    if total <= 0:
        return 0.0
    height, width = color_map.shape
    left, right = (round((cell[0] + step) * width / grid[0]) for step in (0, 1))
    top, bottom = (round((cell[1] + step) * height / grid[1]) for step in (0, 1))
    return float(color_map[top:bottom, left:right].sum(dtype=np.float64)) / total


def _bytes_of_arrays(held: FeatureMaps | PairExplanation | Matches) -> int:
    values = (getattr(held, one.name) for one in fields(held))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
