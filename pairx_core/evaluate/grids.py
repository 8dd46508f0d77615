"""Evidence on a common grid, so that maps of all kinds and lines can be compared."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.evidence import Evidence, Floats

Side = Literal["query", "candidate"]
SIDES: tuple[Side, Side] = ("query", "candidate")
GRID = 20  # cells a side


def importance(evidence: Evidence, side: Side, photo_size: tuple[int, int], grid: int = GRID) -> Floats:
    """How much each part of a photo counts by a method, (grid, grid), summing to 1; zeros where nothing does.

    The method's map where it has one, otherwise its lines: each end gives its line's weight to its cell.

    Args:
        evidence: of the pair.
        side: which photo.
        photo_size: its (width, height) in pixels.
        grid: cells a side.
    """
    map_: Floats | None = getattr(evidence, f"{side}_map")
    cells = _of_lines(evidence, side, photo_size, grid) if map_ is None else resampled(map_, grid)
    total = float(cells.sum())
    return cells / total if total > 0 else np.zeros((grid, grid))


def resampled(map_: Floats, grid: int = GRID) -> Floats:
    """A map (h, w) as sums over (grid, grid) equal parts of the picture; every part gets its exact share."""
    rows, columns = shares(map_.shape[0], grid), shares(map_.shape[1], grid)
    result: Floats = rows @ map_ @ columns.T
    return result


def shares(parts: int, grid: int) -> Floats:
    """(grid, parts): which share of each of ``parts`` equal lengths lies in each of ``grid`` equal lengths."""
    edges = np.arange(grid + 1)[:, None] * (parts / grid)
    starts = np.arange(parts)[None]
    inside = np.minimum(edges[1:], starts + 1) - np.maximum(edges[:-1], starts)
    return np.asarray(np.clip(inside, 0.0, None), np.float64)


def cell_at(
    xy: npt.NDArray[np.float32], photo_size: tuple[int, int], shape: tuple[int, int]
) -> npt.NDArray[np.intp]:
    """Flat numbers (N,) of the cells of a map (rows, columns) in which points (N, 2) of a photo lie."""
    rows, columns = shape
    column = np.clip((xy[:, 0] / photo_size[0] * columns).astype(np.intp), 0, columns - 1)
    row = np.clip((xy[:, 1] / photo_size[1] * rows).astype(np.intp), 0, rows - 1)
    return row * columns + column


def rank_correlation(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Spearman's rank correlation of two arrays of one size, ties at their mean rank; 0 where one is constant."""
    ranks = [_ranks(np.ravel(values)) for values in (one, other)]
    centred = [values - values.mean() for values in ranks]
    scale = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    return float(centred[0] @ centred[1]) / scale if scale > 0 else 0.0


def _ranks(values: npt.NDArray[np.float64]) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles: Floats = np.cumsum(counts) - (counts - 1) / 2
    return middles[places]


def _of_lines(evidence: Evidence, side: Side, photo_size: tuple[int, int], grid: int) -> Floats:
    ends = getattr(evidence, f"{side}_xy")
    weight = np.clip(evidence.weight, 0.0, None)
    if not weight.any():
        weight = np.ones_like(weight)
    cells: Floats = np.zeros(grid * grid)
    np.add.at(cells, cell_at(ends, photo_size, (grid, grid)), weight)
    return cells.reshape(grid, grid)
