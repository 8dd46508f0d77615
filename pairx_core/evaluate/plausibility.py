"""How plausible an explanation looks: numbers that may tell right pairs from wrong ones.

The published ones follow Shrack et al. (2025) as far as it is public: the residual of a homography through the matches,
its inversion, and how much of the relevance is matched. ``agreement``,
``aligned`` and ``nearness`` are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.alignment import align, aligned_distance
from pairx_core.evaluate.evidence import Evidence, Floats
from pairx_core.evaluate.grids import cell_at
from pairx_core.explain.matching import local_agreement

TOP_SHARE = 0.05  # of a feature map's cells: the matches that the residual is taken over
_LINES = 20
FEWEST = 5  # matches; a homography goes through any four


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Measures of one explanation. NaN where one cannot be taken."""

    residual: float  # mean distance in input pixels after the best homography, over the most relevant matches
    residual_of_all: float  # the same over all matches
    relevance_coverage: float  # share of both photos' relevance that lies in matched cells, 0 to 1
    match_coverage: float  # matches as a share of the smaller feature map's cells, 0 to 1
    agreement: float  # share of the relevance that is matched and whose neighbours moved alike, 0 to 1
    aligned: float  # minus the features' mean distance once both animals are aligned by the lines
    nearness: float  # minus the mean feature distance of the first 20 lines; 0 is the nearest

    @property
    def inverted_residual(self) -> float:
        """1 / (1 + residual): 1 for a perfect homography; 0 where there are too few matches for one."""
        return 0.0 if math.isnan(self.residual) else 1.0 / (1.0 + self.residual)


def plausibility(
    evidence: Evidence,
    photo_sizes: tuple[tuple[int, int], tuple[int, int]],
    input_size: tuple[int, int],
) -> Plausibility:
    """Measure an explanation that draws lines.

    Args:
        evidence: all its lines, most important first.
        photo_sizes: (width, height) of the query's and the candidate's picture, pixels.
        input_size: (width, height) of the model's input, pixels: the frame in which residuals are taken.
    """
    query, candidate = (
        np.asarray(ends, np.float64) / np.asarray(size)
        for ends, size in zip((evidence.query_xy, evidence.candidate_xy), photo_sizes, strict=True)
    )
    cells = _cells(evidence)
    top = max(FEWEST, math.ceil(TOP_SHARE * cells)) if cells else len(query)  # a coarse layer has few cells
    scale = np.asarray(input_size, np.float64)
    matched = _matched_relevance(evidence, photo_sizes)
    return Plausibility(
        residual=homography_residual(query[:top] * scale, candidate[:top] * scale),
        residual_of_all=homography_residual(query * scale, candidate * scale),
        relevance_coverage=math.nan if matched is None else float(matched.sum()),
        match_coverage=len(query) / cells if cells else math.nan,
        agreement=_agreement(query, candidate, matched),
        aligned=_aligned(evidence, query, candidate),
        nearness=_nearness(evidence.distance),
    )


def homography_residual(query: Floats, candidate: Floats) -> float:
    """Mean distance between candidate points (N, 2) and the query's (N, 2) sent through the best homography.

    Least squares by the direct linear transformation with normalised points (Hartley and Zisserman 2004,
    algorithm 4.2), without RANSAC, as the authors do. NaN for fewer than five matches.
    """
    if len(query) < FEWEST:
        return math.nan
    (first, to_first), (second, to_second) = _normalised(query), _normalised(candidate)
    matrix = np.linalg.svd(_equations(first, second), full_matrices=False)[2][-1].reshape(3, 3)
    sent = _homogeneous(query) @ (np.linalg.inv(to_second) @ matrix @ to_first).T
    depth = np.where(np.abs(sent[:, 2:]) < 1e-12, 1e-12, sent[:, 2:])
    return float(np.linalg.norm(sent[:, :2] / depth - candidate, axis=1).mean())


def _aligned(evidence: Evidence, query: Floats, candidate: Floats) -> float:
    alignment = align(query, candidate, evidence.weight * local_agreement(query, candidate))
    return math.nan if alignment is None else -aligned_distance(evidence, alignment)


def _nearness(distance: Floats | None) -> float:
    return math.nan if distance is None or not len(distance) else -float(distance[:_LINES].mean())


def _agreement(query: Floats, candidate: Floats, matched: Floats | None) -> float:
    weight = np.full(len(query), 1 / max(len(query), 1)) if matched is None else matched
    return float((local_agreement(query, candidate) * weight).sum())


def _matched_relevance(
    evidence: Evidence, photo_sizes: tuple[tuple[int, int], tuple[int, int]]
) -> Floats | None:
    """Each match's share of both maps together, (N,); None where there are no maps."""
    if evidence.query_map is None or evidence.candidate_map is None:
        return None
    total = float(evidence.query_map.sum() + evidence.candidate_map.sum())
    ends = (evidence.query_xy, evidence.query_map), (evidence.candidate_xy, evidence.candidate_map)
    under = [
        map_.ravel()[cell_at(xy, size, map_.shape)]
        for (xy, map_), size in zip(ends, photo_sizes, strict=True)
    ]
    return (under[0] + under[1]) / total if total > 0 else np.zeros(len(under[0]))


def _cells(evidence: Evidence) -> int:
    maps = [map_.size for map_ in (evidence.query_map, evidence.candidate_map) if map_ is not None]
    return min(maps, default=0)


def _normalised(points: Floats) -> tuple[Floats, Floats]:
    """Points about the origin at a mean distance of √2, and the matrix (3, 3) that brought them there."""
    centre = points.mean(axis=0)
    spread = float(np.linalg.norm(points - centre, axis=1).mean())
    scale = math.sqrt(2) / spread if spread > 0 else 1.0
    matrix = np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])
    return (points - centre) * scale, matrix


def _equations(first: Floats, second: Floats) -> Floats:
    """Two rows a match of the linear system whose null vector is the homography, (2 N, 9)."""
    one, none = _homogeneous(first), np.zeros((len(first), 3))
    return np.concatenate(
        [
            np.concatenate([one, none, -second[:, :1] * one], axis=1),
            np.concatenate([none, one, -second[:, 1:] * one], axis=1),
        ]
    )


def _homogeneous(points: npt.NDArray[np.float64]) -> Floats:
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)
