"""One method on one known pair: everything that is measured, as one row."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo, open_mask
from pairx_core.errors import CatalogueError
from pairx_core.evaluate.evidence import Evidence, Floats, Method, View, view_of_photo
from pairx_core.evaluate.faithfulness import Deleting
from pairx_core.evaluate.grids import GRID, SIDES, importance, resampled
from pairx_core.evaluate.pairs import KnownPair
from pairx_core.evaluate.plausibility import plausibility
from pairx_core.evaluate.steadiness import dependence_on_other, steadiness
from pairx_core.evaluate.truth import BodyMap, lines_right, read_truth, truth_path
from pairx_core.models.embedding_model import EmbeddingModel

_VIEWS_KEPT = 32  # of the last photos: a picture as taken may have tens of megabytes
_MASKS_KEPT = 256
_PAIRS_KEPT = 16  # being measured side by side


@dataclass(frozen=True, slots=True)
class PairRow:
    """What was measured of one pair by one method. Numbers that cannot be taken are missing from ``measures``."""

    query_id: str
    candidate_id: str
    query_identity: str
    candidate_identity: str
    similarity: float  # cosine by the model in question, -1 to 1
    bin: int  # of the similarity
    method: str  # its name; a control's has the control behind an @
    measures: dict[str, float]
    lines: str = (
        ""  # "1" for each of the first k lines that is right, "0" for each wrong one; empty: no truth
    )
    seconds: float = 0.0  # for the explanation alone, 0: not known; all that differs from run to run

    @property
    def same(self) -> bool:
        """Whether both photos show the same individual."""
        return self.query_identity == self.candidate_identity

    @property
    def key(self) -> tuple[str, str, str]:
        """What no other row of the evaluation has."""
        return self.query_id, self.candidate_id, self.method

    def to_json(self, *, timed: bool = True) -> str:
        """One line of JSON, in ASCII: it may be torn anywhere, and no character in a name ends a line.

        Args:
            timed: with the seconds.
        """
        return json.dumps(
            {key: value for key, value in asdict(self).items() if timed or key != "seconds"}, sort_keys=True
        )

    @classmethod
    def from_json(cls, line: str) -> PairRow:
        """A row from its line.

        Raises:
            ValueError: it is damaged.
        """
        try:
            found: dict[str, Any] = json.loads(line)
            return cls(**found)
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class WhatToMeasure:
    """What is measured of a pair beside its lines and their plausibility."""

    faithfulness: bool = False  # deletion and insertion
    steadiness: bool = False  # small changes, and another candidate


class Measurer:
    """Measures pairs of one catalogue under one model."""

    def __init__(
        self, model: EmbeddingModel, truth: Path | None, *, k_lines: int = 20, seed: int = 0
    ) -> None:
        """Take the model in question.

        Args:
            model: whose similarity the explanations are about.
            truth: folder of truth files; None: there are none.
            k_lines: how many lines are scored.
            seed: of the random order for deletion.
        """
        self.model = model
        self._truth = truth
        self._k_lines = k_lines
        self._seed = seed
        self._view = lru_cache(_VIEWS_KEPT)(lambda photo: view_of_photo(photo, model))
        self._inside = lru_cache(_MASKS_KEPT)(_inside_cells)
        self._body = lru_cache(16)(self._read_body)
        self._deleting = lru_cache(_PAIRS_KEPT)(self._new_deleting)

    def views(self, pair: KnownPair) -> tuple[View, View]:
        """Both photos, ready for a method.

        Raises:
            PhotoError: one cannot be read.
        """
        return self._view(pair.query), self._view(pair.candidate)

    def row(
        self,
        pair: KnownPair,
        name: str,
        method: Method,
        what: WhatToMeasure,
        *,
        other: Photo | None = None,
        instead: KnownPair | None = None,
    ) -> PairRow:
        """Explain a pair and measure the explanation.

        Args:
            pair: the pair.
            name: the method's, for the row.
            method: what explains.
            what: what to measure beside.
            other: another candidate, for the dependence on it.
            instead: a control: this pair's explanation is measured as if it were of ``pair``.

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: the pair cannot be explained.
        """
        views = self.views(pair)
        started = time.perf_counter()
        evidence = method.evidence(*(views if instead is None else self.views(instead)))
        seconds = time.perf_counter() - started
        if instead is not None:
            evidence = _moved(evidence, self.views(instead), views)
        measures = self._plausibility(evidence, views) if method.draws_lines else {}
        measures |= self._on_animal(evidence, pair, views)
        if what.faithfulness:
            measures |= self._faithfulness(evidence, pair, views)
        if what.steadiness and instead is None:
            measures |= self._steadiness(method, evidence, views, other)
        return PairRow(
            pair.query.id,
            pair.candidate.id,
            str(pair.query.identity),
            str(pair.candidate.identity),
            pair.similarity,
            pair.bin,
            name,
            {key: value for key, value in measures.items() if math.isfinite(value)},
            self._lines(evidence, pair),
            seconds,
        )

    def _plausibility(self, evidence: Evidence, views: tuple[View, View]) -> dict[str, float]:
        sizes = views[0].image.size, views[1].image.size
        found = plausibility(evidence, sizes, views[0].frame.input_size)
        return asdict(found) | {
            "inverted_residual": found.inverted_residual,
            "matches": float(len(evidence.weight)),
        }

    def _on_animal(self, evidence: Evidence, pair: KnownPair, views: tuple[View, View]) -> dict[str, float]:
        shares = [
            float((importance(evidence, side, view.image.size) * inside).sum())
            for side, photo, view in zip(SIDES, (pair.query, pair.candidate), views, strict=True)
            if (inside := self._inside(photo)) is not None
        ]
        return {"on_animal": float(np.mean(shares))} if shares else {}

    def _faithfulness(
        self, evidence: Evidence, pair: KnownPair, views: tuple[View, View]
    ) -> dict[str, float]:
        maps = [importance(evidence, side, view.image.size) for side, view in zip(SIDES, views, strict=True)]
        found = self._deleting(pair).faithfulness(*maps)
        if found is None:
            return {}
        return {
            "deletion": found.deletion,
            "insertion": found.insertion,
            "deletion_random": found.random,
            "deletion_gain": found.gain,
        }

    def _steadiness(
        self, method: Method, evidence: Evidence, views: tuple[View, View], other: Photo | None
    ) -> dict[str, float]:
        found = steadiness(method, self.model, *views, evidence, self._k_lines)
        measures = {"steady_maps": found.maps, "steady_lines": found.lines}
        if other is not None:
            apart = method.evidence(views[0], self._view(other))
            measures["dependence"] = dependence_on_other(evidence, apart, views[0])
        return measures

    def _lines(self, evidence: Evidence, pair: KnownPair) -> str:
        query, candidate = self._body(pair.query), self._body(pair.candidate)
        if query is None or candidate is None or not evidence.has_lines:
            return ""
        ends = evidence.query_xy[: self._k_lines], evidence.candidate_xy[: self._k_lines]
        return "".join("1" if right else "0" for right in lines_right(*ends, query, candidate))

    def _read_body(self, photo: Photo) -> BodyMap | None:
        if self._truth is None or not truth_path(photo, self._truth).is_file():
            return None
        return read_truth(photo, self._truth)

    def _new_deleting(self, pair: KnownPair) -> Deleting:
        digest = hashlib.sha256(f"{pair.query.id}\n{pair.candidate.id}\n{self._seed}".encode()).digest()
        return Deleting(self.model, *self.views(pair), grid=GRID, seed=int.from_bytes(digest[:4], "big"))


def truth_beside(source: Path) -> Path | None:
    """The folder ``truth`` beside a catalogue, where there is one."""
    folder = (source if source.is_dir() else source.parent) / "truth"
    return folder if folder.is_dir() else None


def check_truth(photos: tuple[Photo, ...], folder: Path) -> None:
    """Refuse a folder without a single truth file for a catalogue's photos.

    Raises:
        CatalogueError: it has none.
    """
    if not any(truth_path(photo, folder).is_file() for photo in photos):
        raise CatalogueError(f"{folder}: no truth files for the photos of this catalogue.")


def _inside_cells(photo: Photo) -> Floats | None:
    """How much of each cell is the animal, (GRID, GRID), 0 to 1; None where the photo has no mask."""
    mask: npt.NDArray[np.bool_] | None = open_mask(photo)
    if mask is None:
        return None
    return resampled(mask.astype(np.float64)) / (mask.size / GRID**2)


def _moved(evidence: Evidence, of: tuple[View, View], to: tuple[View, View]) -> Evidence:
    """The same evidence on pictures of other sizes."""
    scales = [
        np.array(new.image.size, np.float32) / np.array(old.image.size)
        for old, new in zip(of, to, strict=True)
    ]
    return replace(
        evidence,
        query_xy=(evidence.query_xy * scales[0]).astype(np.float32),
        candidate_xy=(evidence.candidate_xy * scales[1]).astype(np.float32),
    )
