"""Pairs of photos whose truth is known, sampled so that right and wrong ones are equally similar."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo
from pairx_core.errors import CatalogueError
from pairx_core.retrieval.filters import CandidateFilters
from pairx_core.retrieval.index import CandidateIndex

BIN_WIDTH = 0.02  # of cosine similarity: pairs of one bin are taken for equally similar
PAIRS_PER_BIN = 60  # of each kind
_TOGETHER = 32  # queries that are asked for at once
MOST_PHOTOS = 3_000  # known ones whose pairs are gone through: of more, some individuals are drawn
MOST_TO_ONE = 4  # pairs of one kind to each of the other, in a bin


@dataclass(frozen=True, slots=True)
class KnownPair:
    """Two photos of known individuals. The query is the one that comes first in the catalogue."""

    query: Photo
    candidate: Photo
    similarity: float  # cosine, -1 to 1

    @property
    def same(self) -> bool:
        """Whether both show the same individual."""
        return self.query.identity == self.candidate.identity

    @property
    def bin(self) -> int:
        """Number of the similarity's bin, ``BIN_WIDTH`` wide; bin 0 begins at 0."""
        return math.floor(self.similarity / BIN_WIDTH + 1e-9)


@dataclass(frozen=True, slots=True)
class BinCount:
    """How many pairs a similarity bin has and how many of them are in the sample."""

    low: float  # the bin's lower edge; its upper one is ``BIN_WIDTH`` above
    same_in_all: int
    different_in_all: int
    same: int
    different: int


@dataclass(frozen=True, slots=True)
class PairSample:
    """Known same and known different pairs, from similarity bins that have both kinds."""

    pairs: tuple[KnownPair, ...]  # in a seeded order: same and different in turn, as long as there are both
    bins: tuple[BinCount, ...]  # those with both kinds, ascending
    seed: int

    def first(self, count: int | None) -> tuple[KnownPair, ...]:
        """The first so many pairs; all where none is said."""
        return self.pairs if count is None else self.pairs[:count]


def known_pairs(index: CandidateIndex, filters: CandidateFilters | None = None) -> list[KnownPair]:
    """All pairs of photos of known individuals of which one may be proposed for the other, each once."""
    photos = [photo for photo in index.photos if photo.is_known]
    place = {photo.id: number for number, photo in enumerate(photos)}
    return [
        KnownPair(photo, item.photo, item.similarity)
        for photo in photos
        for item in index.candidates(photo, len(index), filters)
        if place.get(item.photo.id, -1) > place[photo.id]
    ]


def drawn_pairs(
    index: CandidateIndex, filters: CandidateFilters | None, random: np.random.Generator
) -> list[KnownPair]:
    """The pairs as :func:`known_pairs` has them, of some individuals only: about ``MOST_PHOTOS`` photos of them."""
    photos = _of_some_individuals([photo for photo in index.photos if photo.is_known], random)
    pairs: list[KnownPair] = []
    for number, photo in enumerate(photos):
        others = index.proposable(photo, photos[number + 1 :], filters)
        similarities = index.similarities(photo, others).tolist()
        pairs += [KnownPair(photo, *one) for one in zip(others, similarities, strict=True)]
    return pairs


def _of_some_individuals(photos: Sequence[Photo], random: np.random.Generator) -> list[Photo]:
    """All photos of individuals that are drawn until there are so many, in the catalogue's order."""
    counts = Counter(photo.identity for photo in photos)
    names = list(counts)
    drawn: set[str | None] = set()
    left = MOST_PHOTOS
    for place in random.permutation(len(names)):
        if left <= 0:
            break
        drawn.add(names[place])
        left -= counts[names[place]]
    return [photo for photo in photos if photo.identity in drawn]


def matched_sample(
    index: CandidateIndex,
    filters: CandidateFilters | None = None,
    *,
    per_bin: int = PAIRS_PER_BIN,
    seed: int = 0,
) -> PairSample:
    """Known same and known different pairs of matched similarity.

    Pairs fall into bins of similarity, 0.02 wide. Of each bin with both kinds, pairs of each kind are drawn without
    replacement: at most ``per_bin``, and at most four to each pair of the other kind. Comparing pairs of one bin
    only (``matched_auroc``), similarity tells right from wrong hardly better than a coin, so that what an
    explanation adds shows. Of more than 3,000 known photos, the pairs are those of some individuals, drawn by lot.

    Args:
        index: the photos.
        filters: which photos may be proposed for which; None: all.
        per_bin: the most pairs of a kind to draw from a bin.
        seed: of the draw.

    Raises:
        CatalogueError: there is no bin with both kinds.
    """
    random = np.random.default_rng(seed)
    by_bin: dict[int, tuple[list[KnownPair], list[KnownPair]]] = {}
    is_large = sum(photo.is_known for photo in index.photos) > MOST_PHOTOS
    for pair in drawn_pairs(index, filters, random) if is_large else known_pairs(index, filters):
        by_bin.setdefault(pair.bin, ([], []))[0 if pair.same else 1].append(pair)
    drawn: list[KnownPair] = []
    counts: list[BinCount] = []
    for number, kinds in sorted(by_bin.items()):
        same, different = map(len, kinds)
        take = min(per_bin, same, MOST_TO_ONE * different), min(per_bin, different, MOST_TO_ONE * same)
        if same and different:
            counts.append(BinCount(number * BIN_WIDTH, same, different, *take))
            drawn += [
                pair for kind, count in zip(kinds, take, strict=True) for pair in _drawn(kind, count, random)
            ]
    if not drawn:
        raise CatalogueError(
            "This catalogue has no known same pairs that are as similar as known different ones: what an "
            "explanation adds to the similarity cannot be measured. It needs individuals with several photos."
        )
    return PairSample(tuple(_alternating(drawn, random)), tuple(counts), seed)


@dataclass(frozen=True, slots=True)
class RankedPairs:
    """Known queries, each with its first k known candidates: what a reviewer meets."""

    queries: tuple[Photo, ...]
    candidates: tuple[tuple[KnownPair, ...], ...]  # of each query, in the model's order; the query first

    @property
    def pairs(self) -> tuple[KnownPair, ...]:
        """All of them, query by query."""
        return tuple(pair for pairs in self.candidates for pair in pairs)


def ranked_pairs(
    index: CandidateIndex,
    filters: CandidateFilters | None = None,
    *,
    k: int = 5,
    most: int | None = None,
    seed: int = 0,
) -> RankedPairs:
    """Known queries with their first k candidates among known photos.

    Args:
        index: the photos.
        filters: which photos may be proposed; None: all.
        k: candidates a query.
        most: how many queries to draw; None: all.
        seed: of their order.

    Raises:
        CatalogueError: no known photo has a candidate.
    """
    queries: list[Photo] = []
    candidates: list[tuple[KnownPair, ...]] = []
    known = [photo for photo in index.photos if photo.is_known]
    order = np.random.default_rng(seed).permutation(len(known))
    only_known = replace(filters or CandidateFilters(False, False, False, False), known_identity_only=True)
    for start in range(0, len(order), _TOGETHER):
        some = [known[number] for number in order[start : start + _TOGETHER]]
        for query, found in zip(some, index.candidates_of(some, k, only_known), strict=True):
            if found and (most is None or len(queries) < most):
                queries.append(query)
                candidates.append(tuple(KnownPair(query, one.photo, one.similarity) for one in found))
        if most is not None and len(queries) >= most:
            break
    if not queries:
        raise CatalogueError("No photo of a known individual has a candidate that is known.")
    return RankedPairs(tuple(queries), tuple(candidates))


def _drawn(pairs: Sequence[KnownPair], count: int, random: np.random.Generator) -> list[KnownPair]:
    numbers: npt.NDArray[np.int64] = random.choice(len(pairs), count, replace=False)
    return [pairs[number] for number in numbers]


def _alternating(pairs: Sequence[KnownPair], random: np.random.Generator) -> list[KnownPair]:
    """Shuffled; pairs of both kinds from one bin side by side as long as there are both."""
    by_bin: dict[int, tuple[list[KnownPair], list[KnownPair]]] = {}
    for pair in pairs:
        by_bin.setdefault(pair.bin, ([], []))[0 if pair.same else 1].append(pair)
    couples = [couple for kinds in by_bin.values() for couple in zip(*kinds, strict=False)]
    rest = [pair for kinds in by_bin.values() for kind in kinds for pair in kind[min(map(len, kinds)) :]]
    paired = [pair for number in random.permutation(len(couples)) for pair in couples[number]]
    return paired + [rest[number] for number in random.permutation(len(rest))]
