"""Where a similarity stands among pairs of the catalogue whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pairx_core.retrieval.pair_sampling import draw_pairs

if TYPE_CHECKING:
    from pairx_core.retrieval.vectors import PhotoVectors

_FEWEST_PAIRS = 20  # of fewer, a share says nothing
_MOST_PAIRS = 200_000  # of one kind; of more, a sample is taken
_ALL_GONE_THROUGH = 6_000  # photos: of more, not all pairs are gone through
_MOST_DRAWN = 50_000  # of one kind, from among pairs that are not all gone through
_TIE = 1e-6  # similarities this close are equal: the same pair, summed in another order, differs by less
_BLOCK_PAIRS = 1 << 20  # pairs looked at together
_CHUNK_PAIRS = 2_048  # pairs whose embeddings are multiplied together


@dataclass(frozen=True, slots=True, eq=False)
class KnownPairs:
    """Similarities of pairs whose truth is known: of the same individual, and of different individuals.

    A yardstick for a similarity, and no verdict: the share of pairs below it is not the probability that
    two photos show the same animal. The arrays are put in order here, and cannot be written to.
    """

    same: npt.NDArray[np.float32]  # (S,) cosine, -1 to 1, ascending: pairs of the same individual
    different: npt.NDArray[np.float32]  # (D,) cosine, -1 to 1, ascending: pairs of different individuals
    same_in_all: int  # pairs in the catalogue, of which ``same`` has all or, where there are more, a sample
    different_in_all: (
        int  # pairs in the catalogue, of which ``different`` has all or a sample; both may be estimates
    )

    def __post_init__(self) -> None:
        for name in ("same", "different"):
            values = np.sort(np.asarray(getattr(self, name), dtype=np.float32))
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def share_of_same(self, similarity: float) -> float | None:
        """The share of same pairs that are at most as similar, 0–1; None where there are no such pairs.

        A pair within a millionth of the similarity is as similar, and counts. Below all pairs it is 0, from the
        most similar one on 1.
        """
        return self._at_most(similarity) / len(self.same) if len(self.same) else None

    def share_of_different(self, similarity: float) -> float | None:
        """The share of different pairs that are less similar, 0–1; None where there are no such pairs.

        A pair within a millionth of the similarity is as similar, and does not count. Up to the least
        similar pair it is 0, above all pairs 1.
        """
        return self._below(similarity) / len(self.different) if len(self.different) else None

    def in_words(self, similarity: float) -> str:
        """Where a similarity stands, for the screen; a kind of which there are under 20 pairs is left out.

        Of neither kind enough: an empty string. “All” and “none” are said only where they hold of every
        pair compared with; a share near the ends has a decimal instead.
        """
        parts = [self._among_different(similarity), self._among_same(similarity)]
        return " and ".join(part for part in parts if part)

    def _at_most(self, similarity: float) -> int:
        return int(np.searchsorted(self.same, _number(similarity) + _TIE, side="right"))

    def _below(self, similarity: float) -> int:
        return int(np.searchsorted(self.different, _number(similarity) - _TIE, side="left"))

    def _among_different(self, similarity: float) -> str:
        below, count = self._below(similarity), len(self.different)
        if count < _FEWEST_PAIRS:
            return ""
        pairs = _pairs_in_words("different", count, self.different_in_all)
        if below == count:
            return f"more similar than all {pairs}"
        if below == 0:
            return f"more similar than none of the {pairs}"
        return f"more similar than {_percent(below, count)} of known different pairs"

    def _among_same(self, similarity: float) -> str:
        at_most, count = self._at_most(similarity), len(self.same)
        if count < _FEWEST_PAIRS:
            return ""
        pairs = _pairs_in_words("same", count, self.same_in_all)
        if at_most == count:
            return f"at least as similar as all {pairs}"
        if at_most == 0:
            return f"less similar than all {pairs}"
        return f"at least as similar as {_percent(at_most, count)} of known same pairs"


class PairRules:
    """Which pairs among N photos of known individuals may be compared, and which are of the same individual.

    Never holds all pairs: they are gone through block by block, each pair once, its earlier photo first.
    """

    def __init__(
        self,
        individuals: npt.NDArray[np.int32],
        agree: tuple[npt.NDArray[np.int32], ...] = (),
        differ: tuple[npt.NDArray[np.int32], ...] = (),
    ) -> None:
        """Take what the photos say, (N,) each, as numbers; 0 where a photo does not say, which excludes nothing.

        Args:
            individuals: who is on the photos; each is known.
            agree: what two photos must not say differently.
            differ: what two photos must not both say.
        """
        self._individuals = individuals
        self._agree = agree
        self._differ = differ

    def blocks(self) -> Iterator[_Block]:
        """The pairs in the order of their first photo, then of their second."""
        count = len(self._individuals)
        height = max(1, _BLOCK_PAIRS // max(count, 1))
        for start in range(0, count, height):
            rows, columns = slice(start, start + height), slice(start, count)
            comparable = self._comparable(rows, columns)
            same = _equal(self._individuals, rows, columns)
            yield _Block(start, (comparable & same, comparable & ~same))

    def __len__(self) -> int:
        return len(self._individuals)

    @property
    def individuals(self) -> npt.NDArray[np.int32]:
        """A number for the individual on each photo, (N,)."""
        return self._individuals

    def are_comparable(self, pairs: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Which pairs (K, 2) of different photos may be compared, (K,)."""
        first, second = pairs.T
        comparable = np.ones(len(pairs), bool)
        for codes in self._agree:
            one, other = codes[first], codes[second]
            comparable &= (one == other) | (one == 0) | (other == 0)
        for codes in self._differ:
            one, other = codes[first], codes[second]
            comparable &= (one != other) | (one == 0)
        return comparable

    def are_different(self, pairs: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Which pairs (K, 2) may be compared and show different individuals, (K,)."""
        first, second = pairs.T
        different: npt.NDArray[np.bool_] = self._individuals[first] != self._individuals[second]
        return different & self.are_comparable(pairs)

    def _comparable(self, rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
        """Which pairs may be compared, (rows, columns); never a photo with itself or an earlier one."""
        places = np.arange(len(self._individuals))
        comparable: npt.NDArray[np.bool_] = places[columns] > places[rows, None]
        for codes in self._agree:
            comparable &= _equal(codes, rows, columns) | _silent(codes, rows, columns)
        for codes in self._differ:
            comparable &= ~_equal(codes, rows, columns) | _silent(codes, rows, columns)
        return comparable


def gather_known_pairs(
    vectors: PhotoVectors, rows: npt.NDArray[np.intp], rules: PairRules, *, seed: int = 0
) -> KnownPairs:
    """The similarities of the comparable pairs among known photos.

    Memory grows with the number of photos, not of pairs: of more than 200,000 pairs of one kind, a sample of
    200,000 is drawn, each pair as likely as any other. Of more than 6,000 photos, 50,000 pairs of each kind are drawn
    in the same way without going through all; how many there are is then an estimate.

    Args:
        vectors: embeddings of length 1, M of them.
        rows: the known photos' rows in them, (N,).
        rules: which pairs of the N may be compared.
        seed: of the sample; the same seed draws the same pairs.
    """
    if len(rules) > _ALL_GONE_THROUGH:
        return _drawn_from_many(vectors, rows, rules, np.random.default_rng(seed))
    counts = np.array([block.counts for block in rules.blocks()], dtype=np.int64).reshape(-1, 2)
    random = np.random.default_rng(seed)
    same_ordinals = _drawn_by_block(counts[:, 0], random)
    different_ordinals = _drawn_by_block(counts[:, 1], random)
    same, different = [_NO_PAIRS], [_NO_PAIRS]
    for block, some_same, some_different in zip(
        rules.blocks(), same_ordinals, different_ordinals, strict=True
    ):
        same.append(block.pairs(0, some_same))
        different.append(block.pairs(1, some_different))
    return KnownPairs(
        _similarities(vectors, rows[np.concatenate(same)]),
        _similarities(vectors, rows[np.concatenate(different)]),
        *(int(total) for total in counts.sum(axis=0)),
    )


def _drawn_from_many(
    vectors: PhotoVectors,
    rows: npt.NDArray[np.intp],
    rules: PairRules,
    random: np.random.Generator,
) -> KnownPairs:
    same = draw_pairs(rules.individuals, rules.are_comparable, _MOST_DRAWN, random)
    of_one_kind = np.zeros(len(rules), np.int8)
    different = draw_pairs(of_one_kind, rules.are_different, _MOST_DRAWN, random)
    return KnownPairs(
        _similarities(vectors, rows[same.pairs]),
        _similarities(vectors, rows[different.pairs]),
        same.in_all,
        different.in_all,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some photos, each paired with all from the first of them on."""

    start: int  # the place of the first photo
    kinds: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]  # (rows, columns) each: same, different

    @property
    def counts(self) -> tuple[int, int]:
        """Pairs of the same individual, and of different ones."""
        return int(np.count_nonzero(self.kinds[0])), int(np.count_nonzero(self.kinds[1]))

    def pairs(self, kind: int, ordinals: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Some pairs of a kind, by their numbers within the block: (K, 2) places of the photos."""
        if not len(ordinals):
            return _NO_PAIRS
        flat = np.flatnonzero(self.kinds[kind])[ordinals]
        return np.stack(np.divmod(flat, self.kinds[kind].shape[1]), axis=1) + self.start


_NO_PAIRS: npt.NDArray[np.intp] = np.empty((0, 2), dtype=np.intp)


def _drawn_by_block(
    counts: npt.NDArray[np.int64], random: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """The pairs to take of each block, numbered within it; counts (B,) says how many each has."""
    ends = np.cumsum(counts)
    drawn = _drawn(int(counts.sum()), random)
    by_block = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    return [some - (end - count) for some, end, count in zip(by_block, ends, counts, strict=False)]


def _drawn(total: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Numbers below a total, ascending, none twice: all, or as many as may be taken, all as likely."""
    if total <= _MOST_PAIRS:
        return np.arange(total, dtype=np.int64)
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < _MOST_PAIRS:  # not Generator.choice, which may list all the numbers to choose from
        drawn = np.union1d(drawn, random.integers(total, size=_MOST_PAIRS))
    return np.sort(random.choice(drawn, _MOST_PAIRS, replace=False))


def _similarities(vectors: PhotoVectors, pairs: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """The cosines (K,) of pairs (K, 2) of rows."""
    cosines = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _CHUNK_PAIRS):
        first, second = pairs[start : start + _CHUNK_PAIRS].T
        cosines[start : start + _CHUNK_PAIRS] = np.einsum("ij,ij->i", vectors.at(first), vectors.at(second))
    return cosines


def _equal(codes: npt.NDArray[np.int32], rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
    equal: npt.NDArray[np.bool_] = codes[rows, None] == codes[columns]
    return equal


def _silent(codes: npt.NDArray[np.int32], rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
    """Where one photo of a pair, or both, does not say."""
    silent: npt.NDArray[np.bool_] = (codes[rows, None] == 0) | (codes[columns] == 0)
    return silent


def _number(similarity: float) -> float:
    if math.isnan(similarity):
        raise ValueError("a similarity that is not a number has no place among others")
    return float(similarity)


def _pairs_in_words(kind: str, count: int, in_all: int) -> str:
    return f"{count:,} known {kind} pairs" + (" in the sample" if count < in_all else "")


def _percent(part: int, whole: int) -> str:
    """A share that is neither none nor all, so that it can be taken for neither."""
    percent = 100 * part / whole
    if percent < 0.1:
        return "under 0.1 %"
    if percent > 99.9:
        return "over 99.9 %"
    return f"{percent:.0f} %" if 1 <= percent <= 99 else f"{percent:.1f} %"
