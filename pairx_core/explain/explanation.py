"""PairExplanation: what PAIR-X says about one pair, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue.photo import Photo
from pairx_core.explain.options import ExplanationOptions, Rules
from pairx_core.frames import PhotoFrame


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Mutual nearest-neighbour cells of two feature maps, most relevant first (N of them)."""

    query_cells: npt.NDArray[np.int64]  # (N, 2) column, row in the query's feature map
    candidate_cells: npt.NDArray[np.int64]  # (N, 2) column, row in the candidate's feature map
    query_xy: npt.NDArray[np.float32]  # (N, 2) x, y pixels in the upright cropped query photo
    candidate_xy: npt.NDArray[np.float32]  # (N, 2) x, y pixels in the upright cropped candidate photo
    relevance: npt.NDArray[
        np.float64
    ]  # (N,) product of the cells' layer relevance (and agreement, if asked for), descending
    distance: npt.NDArray[np.float64]  # (N,) of the two raw feature vectors: Euclidean, or 1 - cosine

    def __len__(self) -> int:
        return len(self.relevance)


@dataclass(frozen=True, slots=True, eq=False)
class PairExplanation:
    """Which parts of the query the model matched with which parts of the candidate, and how much it mattered.

    Slow to make, cheap to draw: every drawing is made from these arrays alone.
    """

    similarity: float  # cosine of the two embeddings, -1 to 1; a ranking, not a verdict
    layer: str  # dotted module path of the layer whose cells are matched
    matches: Matches  # all mutual matches; the lines are the first k_lines of them
    query_relevance: npt.NDArray[np.float64]  # (h, w) layer relevance, channels reduced, not negative
    candidate_relevance: npt.NDArray[np.float64]  # (h, w)
    query_color_maps: npt.NDArray[np.float32]  # (k, H, W) input pixels; map i belongs to match i
    candidate_color_maps: npt.NDArray[np.float32]  # (k, H, W)
    query_frame: PhotoFrame  # photo and input sizes of the query
    candidate_frame: PhotoFrame
    k_lines: int  # how many lines were asked for
    k_colors: int  # how many color maps were asked for
    options: ExplanationOptions  # how it was made; the default is the published method
    rules: Rules  # how relevance was propagated
    model: str  # the model's name
    model_fingerprint: str  # identifies weights and preprocessing
    preprocessing: str  # in words
    version: str  # version of pairx_core that made it
    query_photo: Photo | None = None  # None: explained from tensors
    candidate_photo: Photo | None = None

    @property
    def line_count(self) -> int:
        """Number of lines there are to draw: k_lines, or fewer where there are fewer matches."""
        return min(self.k_lines, len(self.matches))

    @property
    def departures(self) -> tuple[str, ...]:
        """In words, in what this explanation departs from the published method; empty for the default.

        What makes it inexact begins with "inexact".
        """
        return departures(self.rules, self.options)

    def save(self, path: str | Path) -> None:
        """Write the explanation to one ``.npz`` file (no pickle), whole or not at all.

        Raises:
            ExplanationError: the file cannot be written.
        """
        from pairx_core.explain.storage import save_explanation

        save_explanation(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> PairExplanation:
        """Read an explanation that ``save`` wrote.

        Raises:
            ExplanationError: the file is missing, damaged or of another kind.
        """
        from pairx_core.explain.storage import load_explanation

        return load_explanation(Path(path))


def departures(rules: Rules, options: ExplanationOptions) -> tuple[str, ...]:
    """In words, in what explanations made so depart from the published method."""
    beyond = ("relevance propagated by AttnLRP",) if rules == "AttnLRP" else ()
    return beyond + options.departures()
