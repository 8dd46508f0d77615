"""Where each place of one animal is on the other photo, by the lines: and how alike the two are there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.evidence import Evidence, Floats

_LINES = 40  # the first so many lines say where the animal lies
_TRIPLES = 300
_NEAR = 0.08  # of the picture's side: a line nearer than this to where it should end agrees
_FEWEST = 6
_AREA = (0.25, 4.0)  # how much smaller or larger the animal may be on the other photo
_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """An affine map from the query to the candidate, both as shares of their picture's sides."""

    matrix: Floats  # (3, 2): [x, y, 1] @ matrix
    inliers: float  # share of the lines' weight that agrees with it, 0 to 1

    def __call__(self, xy: Floats) -> Floats:
        """Places (N, 2) of the query on the candidate, (N, 2)."""
        sent: Floats = _homogeneous(xy) @ self.matrix
        return sent


def align(query: Floats, candidate: Floats, weight: Floats, *, seed: int = 0) -> Alignment | None:
    """The affine map that most of the lines' weight agrees with (RANSAC, Fischler and Bolles 1981, then least squares).

    An animal that turned or bent is not affine; within a tenth of a picture's side it mostly is.

    Args:
        query: where the lines end on the query, (N, 2), as shares of the picture's sides, most important first.
        candidate: likewise on the candidate.
        weight: of each line, (N,).
        seed: of the triples of lines that are tried.

    Returns:
        None for fewer than six lines, or where no triple gives a map that keeps the animal's size within reason.
    """
    query, candidate, weight = query[:_LINES], candidate[:_LINES], np.clip(weight[:_LINES], 0, None)
    if len(query) < _FEWEST or not weight.any():
        return None
    matrix = _best_of_triples(query, candidate, weight, np.random.default_rng(seed))
    if matrix is None:
        return None
    for _ in range(_ROUNDS):
        near = _apart(matrix, query, candidate) < _NEAR
        if near.sum() < _FEWEST:
            break
        scale = np.sqrt(weight[near])[:, None]
        fitted = np.linalg.lstsq(_homogeneous(query[near]) * scale, candidate[near] * scale, rcond=None)
        if not _AREA[0] < np.linalg.det(fitted[0][:2]) < _AREA[1]:
            break
        matrix = np.asarray(fitted[0], np.float64)
    near = _apart(matrix, query, candidate) < _NEAR
    return Alignment(matrix, float(weight[near].sum() / weight.sum()))


def aligned_distance(evidence: Evidence, alignment: Alignment) -> float:
    """Mean distance between both animals' features at the same place of the body.

    The query's cells are sent to the candidate by the alignment; there the candidate's features are read off. Each
    cell counts by how relevant both photos find it, the root of the product of the two maps.

    Args:
        evidence: with maps and features of both photos.
        alignment: of its lines.

    Returns:
        Euclidean, in the units of the layer's features; NaN where no relevant cell lies on both photos, or the
        evidence has no features.
    """
    maps = evidence.query_map, evidence.candidate_map
    features = evidence.query_features, evidence.candidate_features
    if maps[0] is None or maps[1] is None or features[0] is None or features[1] is None:
        return math.nan
    rows, columns = features[0].shape[1:]
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    here = (cells + 0.5) / (columns, rows)
    there = alignment(here)
    inside = ((there > 0) & (there < 1)).all(axis=1)
    relevance = _read(maps[0][None], here)[:, 0] * _read(maps[1][None], there)[:, 0]
    weight = np.sqrt(np.clip(relevance, 0, None)) * inside
    if not weight.sum() > 0:
        return math.nan
    apart = np.linalg.norm(_read(features[0], here) - _read(features[1], there), axis=1)
    return float((apart * weight).sum() / weight.sum())


def _best_of_triples(
    query: Floats, candidate: Floats, weight: Floats, random: np.random.Generator
) -> Floats | None:
    """The map (3, 2) through three of the lines that most weight agrees with."""
    triples = np.stack([random.choice(len(query), 3, replace=False) for _ in range(_TRIPLES)])
    corners = _homogeneous(query)[triples]  # (T, 3, 3)
    usable = np.abs(np.linalg.det(corners)) > 1e-6
    if not usable.any():
        return None
    matrices = np.linalg.solve(corners[usable], candidate[triples[usable]])  # (T, 3, 2)
    area = np.linalg.det(matrices[:, :2])
    matrices = matrices[(area > _AREA[0]) & (area < _AREA[1])]
    if not len(matrices):
        return None
    apart = np.linalg.norm(_homogeneous(query) @ matrices - candidate, axis=2)
    return np.asarray(matrices[int(((apart < _NEAR) @ weight).argmax())], np.float64)


def _apart(matrix: Floats, query: Floats, candidate: Floats) -> Floats:
    return np.asarray(np.linalg.norm(_homogeneous(query) @ matrix - candidate, axis=1), np.float64)


def _homogeneous(xy: Floats) -> Floats:
    return np.concatenate([xy, np.ones((len(xy), 1))], axis=1)


def _read(maps: npt.NDArray[np.floating], xy: Floats) -> Floats:
    """Values (N, C) of maps (C, h, w) at places (N, 2) as shares of their sides, between cells by interpolation."""
    _, rows, columns = maps.shape
    x = np.clip(xy[:, 0] * columns - 0.5, 0, columns - 1)
    y = np.clip(xy[:, 1] * rows - 0.5, 0, rows - 1)
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    a, b = x - left, y - top
    upper = maps[:, top, left] * (1 - a) + maps[:, top, right] * a
    lower = maps[:, bottom, left] * (1 - a) + maps[:, bottom, right] * a
    return np.asarray((upper * (1 - b) + lower * b).T, np.float64)
