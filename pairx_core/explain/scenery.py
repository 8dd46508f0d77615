"""Evidence that is not on the animal: relevance on the background, and lines that end there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pairx_core.errors import ExplanationError
from pairx_core.explain.explanation import PairExplanation
from pairx_core.frames import PhotoFrame

Side = Literal["query", "candidate"]
BoolArray = npt.NDArray[np.bool_]

# Measured on 223 pairs of the bundled sample (demo model, 20 lines), right and wrong candidates: of the 446 photos, the
# worst has 54 % of the relevance outside (boxes are two thirds background, and cells at the outline count in part) and
# 35 % of its lines. With a checkered disc beside the animal on both photos, the medians are 64 % and 93 %. None of the
# sample's photos reaches one of these limits; 38 of 40 with the disc do.
MOST_RELEVANCE = 0.6  # share of the relevance; more lies outside the animal: scenery
MOST_LINES = 0.5  # share of the lines; as many or more end outside the animal: scenery


@dataclass(frozen=True, slots=True)
class SideScenery:
    """How much of an explanation's evidence lies outside the animal on one photo."""

    relevance_outside: float  # share of the layer relevance, 0 to 1; cells count by their area outside
    lines_outside: int  # how many lines end outside: no animal within half a cell, across or down
    line_count: int

    @property
    def is_likely(self) -> bool:
        """Whether the evidence on this photo looks like scenery."""
        lines = self.line_count > 0 and self.lines_outside >= MOST_LINES * self.line_count
        return lines or self.relevance_outside > MOST_RELEVANCE

    def __str__(self) -> str:
        end = "ends" if self.lines_outside == 1 else "end"
        return (
            f"{self.lines_outside} of {self.line_count} lines {end} outside the animal, "
            f"and {100 * self.relevance_outside:.0f} % of the relevance lies there"
        )


@dataclass(frozen=True, slots=True)
class Scenery:
    """How much of an explanation's evidence lies outside the animal on both photos."""

    query: SideScenery | None  # None: it is not known where the animal is
    candidate: SideScenery | None

    @property
    def sides(self) -> tuple[Side, ...]:
        """The photos on which the evidence looks like scenery; empty where none does, or nothing is known."""
        found: dict[Side, SideScenery | None] = {"query": self.query, "candidate": self.candidate}
        return tuple(side for side, evidence in found.items() if evidence is not None and evidence.is_likely)

    @property
    def warning(self) -> str | None:
        """What to tell the reviewer; None where nothing looks like scenery."""
        if not self.sides:
            return None
        found = "; ".join(f"on the {side}, {getattr(self, side)}" for side in self.sides)
        return f"The model may have compared the scenery: {found}. Judge by the animal's own marks."


def scenery(
    explanation: PairExplanation, query_mask: BoolArray | None, candidate_mask: BoolArray | None
) -> Scenery:
    """Measure how much of an explanation's evidence lies outside the animal.

    Args:
        explanation: of the pair.
        query_mask: (H, W), pixels of the upright cropped query photo that are the animal; None: not known.
        candidate_mask: (H, W), the same of the candidate.

    Raises:
        ExplanationError: a mask is not of its photo's size.
    """
    made, matches, count = explanation, explanation.matches, explanation.line_count
    query_ends, candidate_ends = matches.query_xy[:count], matches.candidate_xy[:count]
    return Scenery(
        _side("query", query_mask, made.query_frame, made.query_relevance, query_ends),
        _side("candidate", candidate_mask, made.candidate_frame, made.candidate_relevance, candidate_ends),
    )


def _side(
    side: Side,
    mask: BoolArray | None,
    frame: PhotoFrame,
    relevance: npt.NDArray[np.float64],
    ends: npt.NDArray[np.float32],
) -> SideScenery | None:
    """One photo's share; its ends are (N, 2) x, y photo pixels."""
    if mask is None:
        return None
    if mask.shape != frame.photo_size[::-1]:
        raise ExplanationError(
            f"The mask of the {side} is {mask.shape[1]} × {mask.shape[0]} pixels, but its photo is "
            f"{frame.photo_size[0]} × {frame.photo_size[1]}. Open the mask anew."
        )
    rows, columns = relevance.shape
    cell = (mask.shape[1] / columns, mask.shape[0] / rows)
    near = sum(_is_near(mask, x, y, cell) for x, y in ends.tolist())
    return SideScenery(_share_outside(mask, relevance), len(ends) - near, len(ends))


def _share_outside(mask: BoolArray, relevance: npt.NDArray[np.float64]) -> float:
    total = relevance.sum()
    if not total > 0:
        return 0.0  # no evidence at all is no scenery
    rows, columns = relevance.shape
    inside = _overlaps(rows, mask.shape[0]) @ mask.astype(np.float32) @ _overlaps(columns, mask.shape[1]).T
    return float(np.clip((relevance * (1 - inside)).sum() / total, 0, 1))


def _overlaps(cells: int, pixels: int) -> npt.NDArray[np.float32]:
    """(cells, pixels): the share of each cell's length that each pixel takes, on one axis."""
    edges = np.arange(cells + 1)[:, None] * (pixels / cells)
    starts = np.arange(pixels)[None]
    lengths = np.minimum(edges[1:], starts + 1) - np.maximum(edges[:-1], starts)
    return np.asarray(np.clip(lengths, 0, None) * (cells / pixels), np.float32)


def _is_near(mask: BoolArray, x: float, y: float, cell: tuple[float, float]) -> bool:
    """Whether a window of a cell's (width, height), in photo pixels, around a point shows any of the animal."""
    columns, rows = (
        slice(max(0, math.floor(at - side / 2)), math.ceil(at + side / 2))
        for at, side in zip((x, y), cell, strict=True)
    )
    return bool(mask[rows, columns].any())
