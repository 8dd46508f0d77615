"""Which cell of one photo matches which cell of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from pairx_core.explain.options import ChannelReduction, Distance

Floats = npt.NDArray[np.float64]
NEIGHBOURS = 8  # of a match, on either photo
_ALIKE = 0.08  # of the picture's side, plus half the distance to the neighbour: how far moves may differ


@dataclass(frozen=True, slots=True, eq=False)
class MutualMatches:
    """Pairs of cells that are each other's nearest neighbour, in the query's order."""

    query: npt.NDArray[np.int64]  # (N,) flat cell numbers, row * columns + column, ascending
    candidate: npt.NDArray[np.int64]  # (N,)
    distance: Floats  # (N,)
    query_shift: Floats  # (N, 2) from the cell's centre, (x, y) in cells; zeros unless refined
    candidate_shift: Floats  # (N, 2)


@dataclass(frozen=True, slots=True, eq=False)
class NearestCells:
    """How far the cells of two photos lie from each other, and which one is nearest to each."""

    distances: Tensor  # (h * w, h' * w') float64, query by candidate
    of_query: Tensor  # (h * w,) flat number of the candidate's cell that is nearest
    of_candidate: Tensor  # (h' * w',) of the query's cell

    @property
    def mutual(self) -> Tensor:
        """Which of the query's cells are the nearest of their nearest, (h * w,) bool."""
        cells = torch.arange(len(self.of_query), device=self.of_query.device)
        return self.of_candidate[self.of_query] == cells


def reduce_channels(relevance: Tensor, reduction: ChannelReduction) -> Floats:
    """Layer relevance (1, C, h, w) as one number a cell, (h, w): |sum over C| or sum over C of |.|."""
    cells = relevance[0].sum(0).abs() if reduction == "abs_of_sum" else relevance[0].abs().sum(0)
    return cells.cpu().double().numpy()


def nearest_cells(query: Tensor, candidate: Tensor, distance: Distance = "euclidean") -> NearestCells:
    """Each cell's nearest cell on the other photo; of equally near ones the first.

    A cell's descriptor is its raw feature vector. Distances are computed in float64: Euclidean, or 1 - cosine.

    Args:
        query: feature map (1, C, h, w).
        candidate: feature map (1, C, h', w').
        distance: which of the two.
    """
    distances = _distances(_descriptors(query), _descriptors(candidate), distance)
    return NearestCells(distances, distances.argmin(1), distances.argmin(0))


def mutual_matches(
    query: Tensor, candidate: Tensor, distance: Distance = "euclidean", *, refine: bool = False
) -> MutualMatches:
    """Pairs of cells that are each other's nearest neighbour.

    Args:
        query: feature map (1, C, h, w).
        candidate: feature map (1, C, h', w').
        distance: how :func:`nearest_cells` measures it.
        refine: find where between the cells the distance is least: the vertex of the parabola through a cell and
            its two neighbours, along each axis, at most half a cell away.
    """
    near = nearest_cells(query, candidate, distance)
    distances = near.distances
    first = near.mutual.nonzero().flatten()
    second = near.of_query[first]
    shifts = [np.zeros((len(first), 2))] * 2
    if refine:
        shifts = [
            _vertices(distances[:, second].T, first, query.shape[2:]),
            _vertices(distances[first], second, candidate.shape[2:]),
        ]
    return MutualMatches(
        first.cpu().numpy(),
        second.cpu().numpy(),
        distances[first, second].cpu().numpy(),
        shifts[0],
        shifts[1],
    )


def hypercolumns(stages: Sequence[Tensor], grid: torch.Size) -> Tensor:
    """Cells described by several stages at once (Hariharan et al. 2015), (1, sum of C, h, w).

    Fine stages know edges, late ones know which part of the body it is. Each stage is brought to the grid (averaged
    where it is finer, interpolated where it is coarser), and each cell's vector to length 1, so that all count alike.

    Args:
        stages: feature maps (1, C, h', w').
        grid: (h, w) of the cells to describe.
    """
    return torch.cat([F.normalize(_on_grid(stage, grid), dim=1) for stage in stages], dim=1)


def local_agreement(query: Floats, candidate: Floats, neighbours: int = NEIGHBOURS) -> Floats:
    """How many of each match's nearest neighbours moved as it did, (N,), 0 to 1.

    After the motion statistics of Bian et al. (2017, GMS): a match is likely right where others beside it, on
    either photo, point to places beside its own.

    Args:
        query: (N, 2) places as shares of the picture's sides.
        candidate: (N, 2) likewise.
        neighbours: how many on each photo are asked.
    """
    if len(query) < 2:
        return np.zeros(len(query))
    moved = candidate - query
    return (_agreeing(query, moved, neighbours) + _agreeing(candidate, moved, neighbours)) / 2


def column_row(cells: npt.NDArray[np.int64], columns: int) -> npt.NDArray[np.int64]:
    """Flat cell numbers (N,) as (N, 2) of (column, row)."""
    return np.stack([cells % columns, cells // columns], axis=1)


def _descriptors(features: Tensor) -> Tensor:
    """(1, C, h, w) as (h * w, C), float64."""
    cells = features[0].flatten(1).T
    return (cells.cpu() if cells.device.type == "mps" else cells).double().contiguous()  # mps has no float64


def _distances(first: Tensor, second: Tensor, distance: Distance) -> Tensor:
    if distance == "cosine":
        return 1.0 - F.normalize(first, dim=1) @ F.normalize(second, dim=1).T
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")


def _vertices(distances: Tensor, cells: Tensor, grid: torch.Size) -> Floats:
    """Where around each cell its distance is least, (N, 2) as (x, y) in cells; distances (N, h * w)."""
    maps = distances.reshape(-1, *grid)
    numbers = torch.arange(len(cells), device=cells.device)
    rows, columns = cells // grid[1], cells % grid[1]
    middle = maps[numbers, rows, columns]
    across = _vertex(_at(maps, numbers, rows, columns - 1), middle, _at(maps, numbers, rows, columns + 1))
    along = _vertex(_at(maps, numbers, rows - 1, columns), middle, _at(maps, numbers, rows + 1, columns))
    return torch.stack([across, along], 1).cpu().numpy()


def _at(maps: Tensor, numbers: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Entries of maps (N, h, w); not a number outside."""
    inside = (rows >= 0) & (rows < maps.shape[1]) & (columns >= 0) & (columns < maps.shape[2])
    values = maps[numbers, rows.clamp(0, maps.shape[1] - 1), columns.clamp(0, maps.shape[2] - 1)]
    return torch.where(inside, values, torch.nan)


def _vertex(before: Tensor, middle: Tensor, after: Tensor) -> Tensor:
    """The vertex of the parabola through points at -1, 0 and 1; 0 where it has none or a neighbour is missing."""
    curvature = before - 2 * middle + after
    vertex = (0.5 * (before - after) / curvature).clamp(-0.5, 0.5)
    return torch.where(curvature > 0, vertex, 0.0).nan_to_num(0.0)


def _on_grid(stage: Tensor, grid: torch.Size) -> Tensor:
    if stage.shape[2] >= grid[0] and stage.shape[3] >= grid[1]:
        return F.interpolate(stage, tuple(grid), mode="area")
    return F.interpolate(stage, tuple(grid), mode="bilinear", align_corners=False)


def _agreeing(points: Floats, moved: Floats, neighbours: int) -> Floats:
    """Share of each match's nearest neighbours on one photo, points (N, 2), that moved (N, 2) alike."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, : min(neighbours, len(points) - 1)]
    differ = np.linalg.norm(moved[nearest] - moved[:, None], axis=2)
    allowed = _ALIKE + 0.5 * np.take_along_axis(apart, nearest, axis=1)
    agree: Floats = (differ < allowed).mean(axis=1)
    return agree
