"""Pairs drawn from among so many photos that not all pairs can be gone through: by lot, each as likely as any other.

Pairs are numbered without listing them, numbers are drawn, and those of pairs that may not be compared are dropped.
Where all numbers were drawn, the pairs are all there are; otherwise how many there are is estimated by the share kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pairs = npt.NDArray[np.intp]  # (K, 2) places of photos, the earlier one first
_AT_ONCE = 1 << 19  # numbers drawn together
_MOST_DRAWN = 40 * _AT_ONCE  # numbers; where hardly any pair may be compared, the sample stays smaller


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPairs:
    """Some pairs, and how many there are."""

    pairs: Pairs
    in_all: int  # an estimate, where not all were gone through
    is_all: bool  # whether the pairs are all there are


def draw_pairs(
    labels: npt.NDArray[np.integer],
    keep: Callable[[Pairs], npt.NDArray[np.bool_]],
    most: int,
    random: np.random.Generator,
) -> DrawnPairs:
    """Pairs of photos with one label, each kept pair as likely as any other, none twice.

    Args:
        labels: (N,) of each photo; only photos of one label make pairs.
        keep: which pairs (K, 2) count, (K,).
        most: how many pairs to draw, at most.
        random: the lots.
    """
    numbered = _Numbered(labels)
    total = numbered.total
    if total <= 2 * _MOST_DRAWN:  # to draw the last of them by lot would take longer
        return _of_all(numbered, keep, most, random)
    drawn = np.empty(0, np.int64)
    kept = np.empty(0, np.int64)
    while len(kept) < most and len(drawn) < _MOST_DRAWN:
        fresh = np.setdiff1d(random.integers(total, size=_AT_ONCE), drawn)
        random.shuffle(fresh)  # the order says nothing of the number
        drawn = np.union1d(drawn, fresh)
        kept = np.concatenate((kept, fresh[keep(numbered.pairs(fresh))]))
    in_all = max(len(kept), round(total * len(kept) / len(drawn)))
    chosen = np.sort(kept[:most])
    return DrawnPairs(numbered.pairs(chosen), in_all, is_all=False)


def _of_all(
    numbered: _Numbered,
    keep: Callable[[Pairs], npt.NDArray[np.bool_]],
    most: int,
    random: np.random.Generator,
) -> DrawnPairs:
    """Of pairs that are few enough, go through all."""
    kept = [np.empty(0, np.int64)]
    for start in range(0, numbered.total, _AT_ONCE):
        numbers = np.arange(start, min(start + _AT_ONCE, numbered.total))
        kept.append(numbers[keep(numbered.pairs(numbers))])
    found = np.concatenate(kept)
    chosen = found if len(found) <= most else np.sort(random.choice(found, most, replace=False))
    return DrawnPairs(numbered.pairs(chosen), len(found), is_all=len(found) <= most)


class _Numbered:
    """The pairs of photos with one label, numbered from 0: label by label, then by the first photo, then the second."""

    def __init__(self, labels: npt.NDArray[np.integer]) -> None:
        self._order = np.argsort(labels, kind="stable")  # within a label the photos stay in their order
        _, starts, sizes = np.unique(labels[self._order], return_index=True, return_counts=True)
        self._starts, self._sizes = starts, sizes.astype(np.int64)
        self._ends = np.cumsum(self._sizes * (self._sizes - 1) // 2)

    @property
    def total(self) -> int:
        """How many there are."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def pairs(self, numbers: npt.NDArray[np.int64]) -> Pairs:
        """The pairs (K, 2) of these numbers (K,)."""
        label = np.searchsorted(self._ends, numbers, side="right")
        sizes = self._sizes[label]
        within = numbers - (self._ends[label] - sizes * (sizes - 1) // 2)
        first = _first_of(within, sizes)
        second = within - _before(first, sizes) + first + 1
        places = np.stack((first, second), axis=1) + self._starts[label][:, None]
        pairs: Pairs = self._order[places]
        return pairs


def _before(first: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many pairs of so many photos come before the first one of a photo."""
    return first * (2 * sizes - first - 1) // 2


def _first_of(within: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The first photo of the pair with a number among those of so many photos."""
    sides = 2 * sizes - 1
    guess = ((sides - np.sqrt(np.maximum(sides.astype(np.float64) ** 2 - 8.0 * within, 0))) / 2).astype(
        np.int64
    )
    guess = np.clip(guess, 0, np.maximum(sizes - 2, 0))
    for _ in range(2):  # the root may be off by one
        guess -= _before(guess, sizes) > within
        guess += _before(guess + 1, sizes) <= within
    return guess
