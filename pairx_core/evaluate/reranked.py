"""Candidates in the order of similarity and plausibility together, as a table that the app opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pairx_core.catalogue import Photo
from pairx_core.errors import CatalogueError, ExplanationError, PhotoError
from pairx_core.evaluate.measuring import Measurer, WhatToMeasure
from pairx_core.evaluate.methods import make_method
from pairx_core.evaluate.pairs import KnownPair
from pairx_core.evaluate.trust import METHOD, K, TrustStudy
from pairx_core.retrieval.candidate import Candidate
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.index import CandidateIndex

Progress = Callable[[int, int], None]  # called with (queries done, queries in all)
_COLUMNS = ("query_id", "candidate_id", "score", "similarity", "plausibility", "rank_by_similarity")


@dataclass(frozen=True, slots=True)
class RerankedCandidate:
    """A candidate in its new place."""

    query_id: str
    candidate: Candidate  # as the model ranks it
    plausibility: float  # log odds by the explanation alone
    score: float  # log odds by both; only differences within a query mean something


def reranked(
    index: CandidateIndex,
    study: TrustStudy,
    layer: str,
    queries: Sequence[Photo],
    filters: CandidateFilters | None = None,
    progress: Progress | None = None,
) -> tuple[list[RerankedCandidate], list[str]]:
    """The first five candidates of each query, by similarity and plausibility together.

    Args:
        index: ranks by similarity.
        study: what the catalogue's known pairs teach; its re-ranking must help.
        layer: whose cells are matched; the study's.
        queries: whose candidates to order.
        filters: which photos may be proposed.
        progress: called with (queries done, queries in all).

    Returns:
        The candidates, query by query, best first; and, in words, what could not be explained: such a candidate counts
        as the least plausible one.

    Raises:
        CatalogueError: the re-ranking does not measurably help.
    """
    if not study.reranking.helps or study.reranking.logistic is None:
        raise CatalogueError(f"Re-ranking was not done: {reranking_in_words(study)}")
    measurer, method = Measurer(index.model, None), make_method(METHOD, index.model, layer)
    found: list[RerankedCandidate] = []
    failures: list[str] = []
    for number, query in enumerate(queries):
        if progress is not None:
            progress(number, len(queries))
        candidates = index.candidates(query, K, filters)
        plausibility = []
        for one in candidates:
            pair = KnownPair(query, one.photo, one.similarity)
            try:
                measures = measurer.row(pair, METHOD, method, WhatToMeasure()).measures
            except (ExplanationError, PhotoError) as error:
                failures.append(f"{query.id}, {one.photo.id}: {error}")
                measures = {}
            plausibility.append(study.plausibility_of(measures))
        found += _in_order(study, query, candidates, plausibility)
    return found, failures


def reranking_in_words(study: TrustStudy) -> str:
    """What re-ranking did for known queries whose individual the fit had not seen."""
    one = study.reranking
    change = one.rank_1_difference
    verdict = "it helps" if one.helps else "it does not measurably help"
    return (
        f"{verdict}. With the similarity alone the right individual comes first for {one.rank_1_before:.1%} of "
        f"{one.queries} known queries, with the explanations' plausibility for {one.rank_1_after:.1%} (difference "
        f"{100 * change.low:+.1f} to {100 * change.high:+.1f} points, 95 %, cross-validated by individual)."
    )


def as_table(candidates: Sequence[RerankedCandidate]) -> str:
    """The candidates as the CSV that ``read_candidates`` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in candidates:
        numbers = (one.score, one.candidate.similarity, one.plausibility)
        writer.writerow(
            [one.query_id, one.candidate.photo.id, *(f"{x:.6f}" for x in numbers), one.candidate.rank]
        )
    return text.getvalue()


def _in_order(
    study: TrustStudy, query: Photo, candidates: Sequence[Candidate], plausibility: Sequence[float]
) -> list[RerankedCandidate]:
    logistic = study.reranking.logistic
    if not candidates or logistic is None:
        return []
    features = np.array(
        [[one.similarity, value] for one, value in zip(candidates, plausibility, strict=True)]
    )
    scores = logistic.log_odds(features)
    order = study.reranking.order(features[:, 0], features[:, 1])
    return [RerankedCandidate(query.id, candidates[at], plausibility[at], float(scores[at])) for at in order]
