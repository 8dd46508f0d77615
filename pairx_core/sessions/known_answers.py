"""Known-answer pairs: pairs of the catalogue whose truth is known, to see how reliable reviewers are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from pairx_core.catalogue import Photo
from pairx_core.sessions.definition import SessionPair

if TYPE_CHECKING:  # what else is here needs no torch
    from pairx_core.retrieval import Candidate, CandidateFilters, CandidateIndex, GivenCandidates

_TOGETHER = 16  # queries that are asked for at once
_LOOKED_AT = 50  # candidates of a query


def known_answers(
    index: CandidateIndex | GivenCandidates,
    count: int,
    *,
    seed: int = 0,
    filters: CandidateFilters | None = None,
) -> tuple[SessionPair, ...]:
    """Pairs of identified photos, one in two of the same individual; fewer where there are not so many.

    Each has a query of its own, drawn by lot, and is as hard as the model finds it: for a pair of two individuals
    the candidate is the most similar photo of another one, for a pair of one individual a photo drawn among those
    that the filters let pass. The default filters leave out the same day and site, which anybody could match.

    Args:
        index: the catalogue's photos.
        count: how many pairs.
        seed: of the lots.
        filters: which candidates may be taken.
    """
    from pairx_core.retrieval import CandidateFilters

    lots = random.Random(seed)
    queries = [photo for photo in index.photos if photo.is_known]
    lots.shuffle(queries)
    wanted = {True: (count + 1) // 2, False: count // 2}
    found: list[SessionPair] = []
    for truth, share in wanted.items():
        taken = {pair.query_id for pair in found}
        rest = [query for query in queries if query.id not in taken]
        found += islice(_pairs(index, rest, truth, filters or CandidateFilters(), lots), share)
    return tuple(found)


def _pairs(
    index: CandidateIndex | GivenCandidates,
    queries: list[Photo],
    truth: bool,
    filters: CandidateFilters,
    lots: random.Random,
) -> Iterator[SessionPair]:
    for start in range(0, len(queries), _TOGETHER):
        some = queries[start : start + _TOGETHER]
        for query, candidates in zip(some, index.candidates_of(some, _LOOKED_AT, filters), strict=True):
            known = (one for one in candidates if one.photo.is_known)
            fitting = [one for one in known if (one.photo.identity == query.identity) is truth]
            if fitting:
                yield _pair(query, lots.choice(fitting) if truth else fitting[0], truth)


def _pair(query: Photo, candidate: Candidate, truth: bool) -> SessionPair:
    return SessionPair(query.id, candidate.photo.id, candidate.rank, candidate.similarity, truth)
