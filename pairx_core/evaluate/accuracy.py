"""How often the model is right on photos whose individual is known, and how often its lines are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pairx_core.catalogue import Photo
from pairx_core.errors import CatalogueError
from pairx_core.evaluate.truth import read_truth, right_lines, truth_path
from pairx_core.explain.explainer import PairExplainer
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.index import CandidateIndex

Progress = Callable[[int, int], None]  # called with (done, total)


@dataclass(frozen=True, slots=True)
class RetrievalAccuracy:
    """Leave-one-out accuracy over queries that have a right answer among the photos allowed."""

    queries: int
    rank_1: int  # queries whose first candidate is the same individual
    top_5: int  # queries with the same individual among the first five
    without_answer: int  # known photos whose individual has no other photo that the filters allow


@dataclass(frozen=True, slots=True)
class LineAccuracy:
    """Lines that join the same point of the body, over some pairs."""

    pairs: int
    lines: int
    right: int

    @property
    def share(self) -> float:
        """Share of right lines, 0 to 1; not a number where there are none."""
        return self.right / self.lines if self.lines else float("nan")


def retrieval_accuracy(index: CandidateIndex, filters: CandidateFilters | None = None) -> RetrievalAccuracy:
    """Rank-1 and top-5: each known photo in turn is the query, all other known photos are the gallery.

    Photos of unknown identity are neither queries nor candidates, since no answer with them can be judged.

    Raises:
        CatalogueError: no known photo has a right answer.
    """
    right_at = [
        place for photo in index.photos if photo.is_known for place in [_right_at(index, photo, filters)]
    ]
    places = [place for place in right_at if place is not None]
    if not places:
        raise CatalogueError("No individual of this catalogue has two photos: accuracy cannot be measured.")
    return RetrievalAccuracy(
        queries=len(places),
        rank_1=sum(place == 1 for place in places),
        top_5=sum(place <= 5 for place in places),
        without_answer=len(right_at) - len(places),
    )


def line_accuracy(
    index: CandidateIndex,
    explainer: PairExplainer,
    truth: Path,
    *,
    filters: CandidateFilters | None = None,
    k_lines: int = 20,
    progress: Progress | None = None,
) -> tuple[LineAccuracy, LineAccuracy]:
    """Score the lines of each known query's best right candidate and best wrong candidate against the truth.

    Args:
        index: the photos, ranked for each known query.
        explainer: explains each pair.
        truth: the folder with the truth files.
        filters: which photos may be proposed; None: all.
        k_lines: how many lines of each pair are scored.
        progress: called with (pairs done, pairs in all).

    Returns:
        The accuracy over true pairs, and over wrong candidates.

    Raises:
        CatalogueError: no photo has a truth file.
    """
    pairs = _pairs(index, truth, filters)
    if not pairs:
        raise CatalogueError(f"{truth}: no truth files for the photos of this catalogue.")
    scores: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for done, (query, candidate) in enumerate(pairs, start=1):
        explanation = explainer.explain(query, candidate, k_lines=k_lines, k_colors=0)
        lines = right_lines(explanation, read_truth(query, truth), read_truth(candidate, truth))
        scores[query.identity == candidate.identity].append(lines)
        if progress is not None:
            progress(done, len(pairs))
    return _summed(scores[True]), _summed(scores[False])


def _right_at(index: CandidateIndex, query: Photo, filters: CandidateFilters | None) -> int | None:
    """The rank of the first right candidate among known photos; None where there is none."""
    known = [item.photo for item in index.candidates(query, len(index), filters) if item.photo.is_known]
    ranks = (rank for rank, photo in enumerate(known, start=1) if photo.identity == query.identity)
    return next(ranks, None)


def _pairs(index: CandidateIndex, truth: Path, filters: CandidateFilters | None) -> list[tuple[Photo, Photo]]:
    """Each known query with its best-ranked right and its best-ranked wrong candidate."""
    pairs: list[tuple[Photo, Photo]] = []
    for query in index.photos:
        if not query.is_known or not truth_path(query, truth).is_file():
            continue
        known = [item.photo for item in index.candidates(query, len(index), filters) if item.photo.is_known]
        right = next((photo for photo in known if photo.identity == query.identity), None)
        wrong = next((photo for photo in known if photo.identity != query.identity), None)
        pairs += [(query, photo) for photo in (right, wrong) if photo is not None]
    return pairs


def _summed(scores: Sequence[np.ndarray]) -> LineAccuracy:
    return LineAccuracy(len(scores), sum(map(len, scores)), int(sum(score.sum() for score in scores)))
