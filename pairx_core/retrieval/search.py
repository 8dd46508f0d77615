"""Exact top-k by cosine, block by block: memory grows with the block and the queries, not with the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pairx_core.retrieval.vectors import PhotoVectors

_QUERIES_AT_ONCE = 1024
_SPARE = 16  # more than k that are kept until the cosines are exact: single precision may swap neighbours
_ROUNDING = 1e-5  # by which a cosine in single precision may be off, with much to spare
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Which photos may be found for Q queries."""

    allowed: Sequence[npt.NDArray[np.bool_] | None]  # (N,) for each group of queries; None: all photos
    group: npt.NDArray[np.integer]  # (Q,) the group of each query
    excluded: Sequence[npt.NDArray[np.int64]]  # of each query: places, ascending, that are not for it

    def part(self, queries: slice) -> Wanted:
        """The same for some of the queries."""
        return Wanted(self.allowed, self.group[queries], self.excluded[queries])

    @property
    def anywhere(self) -> npt.NDArray[np.bool_] | None:
        """The photos (N,) that may be found for any of the queries; None: all."""
        masks = [mask for mask in self.allowed if mask is not None]
        return np.logical_or.reduce(masks) if masks and len(masks) == len(self.allowed) else None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The nearest photos of one query."""

    places: npt.NDArray[np.int64]  # (K,), most similar first; equal ones in the order of their places
    similarities: npt.NDArray[np.float32]  # (K,) cosines


def nearest(
    vectors: PhotoVectors, queries: npt.NDArray[np.float32], k: int, wanted: Wanted | None = None
) -> list[Found]:
    """The k nearest photos of each query among those that are wanted; fewer where fewer are left.

    Photos are found in single precision, with some to spare, and put in order by cosines in double precision: these
    are the same whichever other queries are asked for along with one, and in blocks of whatever size.

    Args:
        vectors: of the photos, N × D.
        queries: (Q, D) of length 1.
        k: how many, 0 or more.
        wanted: which photos; None: all.
    """
    found: list[Found] = []
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        some = queries[start : start + _QUERIES_AT_ONCE]
        kept = _Kept(len(some), k + _SPARE)
        ruled_out = None if wanted is None else _RuledOut.by(wanted.part(slice(start, start + len(some))))
        as_columns = torch.from_numpy(np.ascontiguousarray(some, np.float32)).T
        for places, block in vectors.blocks(None if wanted is None else wanted.anywhere):
            scores = block @ as_columns
            if ruled_out is not None:
                ruled_out.strike(places, scores)
            kept.take(places, scores)
        found += [
            _exact(vectors, query, places, k) for query, places in zip(some, kept.places(), strict=True)
        ]
    return found


def cosines(
    vectors: PhotoVectors, query: npt.NDArray[np.float32], places: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """The cosines (K,) of a query (D,) with some photos, summed in double precision, -1 to 1."""
    exact = vectors.at(places).astype(np.float64) @ query.astype(np.float64)
    # a length in half precision may be 1.0001
    within: npt.NDArray[np.float32] = np.clip(exact, -1.0, 1.0).astype(np.float32)
    return within


def better_than(
    vectors: PhotoVectors,
    query: npt.NDArray[np.float32],
    one: tuple[float, int],
    allowed: npt.NDArray[np.bool_] | None,
    excluded: npt.NDArray[np.int64],
) -> int:
    """How many photos come before one of a similarity and a place, among those that may be found.

    Args:
        vectors: of the photos, N × D.
        query: (D,) of length 1.
        one: its cosine in double precision, rounded to single, and its place; it does not count itself.
        allowed: (N,) which photos may be found; None: all.
        excluded: places (K,), ascending, of those that may not all the same.
    """
    similarity, place = one
    as_column = torch.from_numpy(np.array(query, np.float32))
    before = 0
    for places, block in vectors.blocks(allowed):
        scores = (block @ as_column).numpy()
        counts = ~np.isin(places, excluded, assume_unique=True) & (places != place)
        before += int(np.count_nonzero(counts & (scores > similarity + _ROUNDING)))
        near = places[counts & (np.abs(scores - similarity) <= _ROUNDING)]
        exact = cosines(vectors, query, near)
        before += int(np.count_nonzero((exact > similarity) | ((exact == similarity) & (near < place))))
    return before


class _Kept:
    """The best of each query so far."""

    def __init__(self, queries: int, count: int) -> None:
        self._count = count
        self._best = [(np.empty(0, np.float32), _NONE) for _ in range(queries)]  # similarities, places
        self._least = torch.full((queries,), -torch.inf)  # what a photo must exceed to be kept

    def take(self, places: npt.NDArray[np.int64], scores: Tensor) -> None:
        """Look at a block's scores (K, Q) with its photos' places (K,)."""
        hits, of_query = (one.numpy() for one in torch.nonzero(scores > self._bar(scores), as_tuple=True))
        if not len(hits):
            return
        order = np.argsort(of_query, kind="stable")  # within a query, the photos' order stays
        hits, of_query = hits[order], of_query[order]
        values = scores.numpy()[hits, of_query]
        ends = np.searchsorted(of_query, np.arange(len(self._best) + 1))
        for query in np.unique(of_query):
            here = slice(ends[query], ends[query + 1])
            self._merge(int(query), values[here], places[hits[here]])

    def _bar(self, scores: Tensor) -> Tensor:
        """What a score must exceed: while few are kept, the block's own best are enough."""
        if len(scores) <= self._count or bool(self._least.isfinite().all()):
            return self._least
        last = torch.topk(scores, self._count, dim=0).values[-1]
        return torch.maximum(self._least, last.nextafter(torch.tensor(-torch.inf)))

    def _merge(self, query: int, values: npt.NDArray[np.float32], places: npt.NDArray[np.int64]) -> None:
        before, known = self._best[query]
        values, places = np.concatenate([before, values]), np.concatenate([known, places])
        order = np.argsort(-values, kind="stable")[: self._count]
        self._best[query] = values[order], places[order]
        if len(order) == self._count:
            self._least[query] = float(values[order[-1]])

    def places(self) -> list[npt.NDArray[np.int64]]:
        """The places of each query's best, in the catalogue's order."""
        return [np.sort(places) for _, places in self._best]


@dataclass(frozen=True, slots=True, eq=False)
class _RuledOut:
    """Photos that are not for some of the queries."""

    groups: Sequence[
        tuple[npt.NDArray[np.bool_], Tensor]
    ]  # what is allowed (N,) for the queries of these numbers
    places: npt.NDArray[np.int64]  # (E,) ascending
    queries: npt.NDArray[np.int64]  # (E,) for which query each place is none

    @classmethod
    def by(cls, wanted: Wanted) -> _RuledOut:
        """What a search leaves out besides what it does not read."""
        several = (
            wanted.allowed if len(wanted.allowed) > 1 else ()
        )  # what one group is not allowed is not read
        groups = [
            (mask, torch.from_numpy(np.flatnonzero(wanted.group == number)))
            for number, mask in enumerate(several)
            if mask is not None
        ]
        places = np.concatenate([_NONE, *wanted.excluded])
        queries = np.repeat(np.arange(len(wanted.excluded)), [len(one) for one in wanted.excluded])
        order = np.argsort(places, kind="stable")
        return cls(groups, places[order], queries[order])

    def strike(self, places: npt.NDArray[np.int64], scores: Tensor) -> None:
        """Take them out of a block's scores (K, Q), whose photos' places (K,) ascend."""
        for mask, queries in self.groups:
            forbidden = torch.from_numpy(np.flatnonzero(~mask[places]))
            scores[forbidden[:, None], queries] = -torch.inf
        here = slice(*np.searchsorted(self.places, [places[0], places[-1] + 1]))
        near = self.places[here]
        at = np.searchsorted(places, near)
        there = places[at] == near if len(near) else np.zeros(0, bool)
        scores[torch.from_numpy(at[there]), torch.from_numpy(self.queries[here][there])] = -torch.inf


def _exact(
    vectors: PhotoVectors, query: npt.NDArray[np.float32], places: npt.NDArray[np.int64], k: int
) -> Found:
    similarities = cosines(vectors, query, places)
    order = np.argsort(-similarities, kind="stable")[:k]
    return Found(places[order], similarities[order])
