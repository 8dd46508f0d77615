"""How far reviewers agree: percent agreement, Cohen's and Fleiss' kappa, Krippendorff's alpha, with intervals.

The formulas are short and stand here as published; the libraries that have them are either under a licence that this
project cannot take over or bring far more along than they are used for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pairx_core.decisions.decision import ADJUDICATED, Decision
from pairx_core.decisions.standing import undone_ids

Stage = Literal["blind", "final"]
Counts = NDArray[np.float64]
RATED = ("accept", "reject", "not_comparable", "unsure")
CONFIDENCE = 0.95
_BLOCK = 2_000_000  # numbers in memory at once while resampling


@dataclass(frozen=True)
class Ratings:
    """What each reviewer said about each pair."""

    units: tuple[tuple[str, str], ...]  # sorted photo ids of each pair
    reviewers: tuple[str, ...]
    codes: NDArray[
        np.int8
    ]  # (units, reviewers): index into verdicts; -1 where the reviewer did not judge the pair
    verdicts: tuple[str, ...] = RATED


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic with its interval."""

    value: float | None  # None: not defined
    low: float | None = None  # of the 95 % percentile bootstrap interval over pairs; None: there is none
    high: float | None = None
    units: int = 0  # pairs that it rests on
    why: str = ""  # why it is not defined, for a reader; empty where it is


@dataclass(frozen=True, slots=True)
class AgreementSummary:
    """All statistics of some ratings."""

    percent: Statistic  # 0 to 1
    cohen: tuple[tuple[str, str, Statistic], ...]  # for each two reviewers
    fleiss: Statistic
    krippendorff: Statistic


def ratings(
    decisions: Iterable[Decision],
    *,
    session: str | None = None,
    stage: Stage = "final",
    verdicts: tuple[str, ...] = RATED,
) -> Ratings:
    """The verdicts of reviewers on pairs, A against B being the same question as B against A.

    What counts is each reviewer's last verdict of the stage that is not undone. Adjudications are left out: who
    settles a disagreement has seen what the others said.

    Args:
        decisions: the record's, in its order.
        session: only decisions of this session; None: of all.
        stage: "blind" takes verdicts on bare photos, "final" those after them or without such a stage.
        verdicts: those that count; others are missing values.
    """
    rows = [row for row in decisions if session is None or row.session == session]
    undone = undone_ids(rows)
    said: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        stands = row.decision != "undo" and (row.reviewer, row.decision_id) not in undone
        if stands and ADJUDICATED not in row.tags and row.blind == (stage == "blind"):
            code = verdicts.index(row.decision) if row.decision in verdicts else -1
            said.setdefault(_unordered(row.pair), {})[row.reviewer] = code
    return _table(said, verdicts)


def percent_agreement(table: Ratings) -> float | None:
    """The share of agreeing twos of reviewers on a pair, averaged over pairs; None: no pair was judged by two."""
    return _percent(*_patterns(table)).whole


def cohen_kappa(table: Ratings, first: str, second: str) -> float | None:
    """Agreement of two reviewers beyond chance, over the pairs that both judged.

    Source: Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement
    20(1), eq. 1.
    """
    return _cohen(*_patterns(table), *_columns(table, first, second)).whole


def fleiss_kappa(table: Ratings) -> float | None:
    """Agreement of several reviewers beyond chance; it needs the same number of verdicts on each pair.

    Where the numbers differ, the pairs count that have the most frequent one (the larger of two as frequent).
    Source: Fleiss (1971), Measuring nominal scale agreement among many raters, Psychological Bulletin 76(5), eq. 7.
    """
    return _fleiss(*_patterns(table)).whole


def krippendorff_alpha(table: Ratings) -> float | None:
    """Agreement beyond chance for nominal values, any number of reviewers, and missing verdicts.

    Source: Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C.
    """
    return _krippendorff(*_patterns(table)).whole


def agreement_summary(table: Ratings, *, seed: int = 0, resamples: int = 2000) -> AgreementSummary:
    """All statistics with bootstrap intervals: pairs are drawn anew, with all that was said about each.

    An interval is left out where a statistic is not defined in more than half of the resamples.

    Args:
        table: the ratings.
        seed: of the resamples; the same one gives the same intervals.
        resamples: how many.
    """
    patterns, weights = _patterns(table)
    draws = (patterns, weights, seed, resamples)
    return AgreementSummary(
        percent=_with_interval(_percent(patterns, weights), *draws),
        cohen=tuple(
            (one, other, _with_interval(_cohen(patterns, weights, *_columns(table, one, other)), *draws))
            for one, other in combinations(table.reviewers, 2)
        ),
        fleiss=_with_interval(_fleiss(patterns, weights), *draws),
        krippendorff=_with_interval(_krippendorff(patterns, weights), *draws),
    )


@dataclass(frozen=True)
class _Estimator:
    """A statistic as a function of sums over pairs, so that a resample only changes the sums' weights."""

    terms: Counts  # (patterns, terms): what a pair of each pattern adds
    of_sums: Callable[[Counts], Counts]  # (resamples, terms) → (resamples,), nan where not defined
    weights: Counts  # (patterns,): how many pairs have each pattern
    units: int
    why: str = "no pair was judged by two reviewers"

    @property
    def whole(self) -> float | None:
        """The statistic of all pairs."""
        if not self.units:
            return None
        value = float(self.of_sums((self.weights @ self.terms)[None, :])[0])
        return None if np.isnan(value) else value


def _with_interval(
    one: _Estimator, patterns: NDArray[np.int8], weights: Counts, seed: int, resamples: int
) -> Statistic:
    value = one.whole
    if value is None:
        why = one.why if not one.units else "all verdicts are the same, so chance alone explains them"
        return Statistic(None, units=one.units, why=why)
    drawn = _resampled(one, int(weights.sum()), seed, resamples)
    drawn = drawn[~np.isnan(drawn)]
    if 2 * len(drawn) <= resamples:
        return Statistic(value, units=one.units)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Statistic(value, float(low), float(high), one.units)


def _resampled(one: _Estimator, units: int, seed: int, resamples: int) -> Counts:
    lots = np.random.default_rng(seed)
    terms, place = np.unique(
        one.terms, axis=0, return_inverse=True
    )  # what adds the same need not be drawn apart
    share = np.bincount(place.ravel(), one.weights) / one.weights.sum()
    block = max(1, _BLOCK // len(share))
    parts = [
        one.of_sums(lots.multinomial(units, share, size=min(block, resamples - start)) @ terms)
        for start in range(0, resamples, block)
    ]
    return np.concatenate(parts)


def _percent(patterns: NDArray[np.int8], weights: Counts) -> _Estimator:
    counts = _counts(patterns)
    total = counts.sum(1)
    is_used = total >= 2
    agreeing = (counts * (counts - 1)).sum(1) / np.where(is_used, total * (total - 1), 1)
    terms = np.column_stack([agreeing * is_used, is_used])
    return _Estimator(terms, lambda sums: _ratio(sums[:, 0], sums[:, 1]), weights, _units(weights, is_used))


def _cohen(patterns: NDArray[np.int8], weights: Counts, first: int, second: int) -> _Estimator:
    a, b = patterns[:, first], patterns[:, second]
    size = len(RATED) if not len(patterns) else max(int(patterns.max()) + 1, 1)
    is_used = (a >= 0) & (b >= 0)
    terms = np.zeros((len(patterns), size * size))
    terms[np.flatnonzero(is_used), (a.astype(int) * size + b)[is_used]] = 1

    def kappa(sums: Counts) -> Counts:
        table = sums.reshape(-1, size, size)
        total = table.sum((1, 2))
        observed = _ratio(np.trace(table, axis1=1, axis2=2), total)
        expected = _ratio((table.sum(1) * table.sum(2)).sum(1), total**2)
        return _beyond_chance(observed, expected)

    why = "the two judged no pair in common"
    return _Estimator(terms, kappa, weights, _units(weights, is_used), why)


def _fleiss(patterns: NDArray[np.int8], weights: Counts) -> _Estimator:
    counts = _counts(patterns)
    total = counts.sum(1)
    pairs_with = {int(n): float(weights[total == n].sum()) for n in np.unique(total) if n >= 2}
    number = max(pairs_with, key=lambda n: (pairs_with[n], n), default=2)
    is_used = total == number
    agreeing = (counts * (counts - 1)).sum(1) / (number * (number - 1))
    terms = np.column_stack([agreeing, counts, np.ones(len(counts))]) * is_used[:, None]

    def kappa(sums: Counts) -> Counts:
        units = sums[:, -1]
        shares = _ratio(sums[:, 1:-1], (units * number)[:, None])
        return _beyond_chance(_ratio(sums[:, 0], units), (shares**2).sum(1))

    return _Estimator(terms, kappa, weights, _units(weights, is_used))


def _krippendorff(patterns: NDArray[np.int8], weights: Counts) -> _Estimator:
    counts = _counts(patterns)
    total = counts.sum(1)
    is_used = total >= 2
    agreeing = (counts * (counts - 1)).sum(1) / np.where(is_used, total - 1, 1)
    terms = np.column_stack([total - agreeing, counts]) * is_used[:, None]

    def alpha(sums: Counts) -> Counts:
        values = sums[:, 1:]
        number = values.sum(1)
        expected = _ratio(number**2 - (values**2).sum(1), number - 1)
        return 1 - _ratio(sums[:, 0], expected)

    return _Estimator(terms, alpha, weights, _units(weights, is_used))


def _beyond_chance(observed: Counts, expected: Counts) -> Counts:
    return _ratio(observed - expected, 1 - expected)


def _ratio(above: Counts, below: Counts) -> Counts:
    """The quotient, nan where there is nothing to divide by."""
    below = np.broadcast_to(below, above.shape)
    is_defined = below > 1e-12
    return np.where(is_defined, above / np.where(is_defined, below, 1), np.nan)


def _counts(patterns: NDArray[np.int8]) -> Counts:
    """(patterns, verdicts): how many reviewers gave each verdict."""
    size = max(int(patterns.max(initial=-1)) + 1, 1)
    return np.stack([(patterns == code).sum(1) for code in range(size)], axis=1).astype(np.float64)


def _units(weights: Counts, is_used: NDArray[np.bool_]) -> int:
    return int(weights[is_used].sum())


def _patterns(table: Ratings) -> tuple[NDArray[np.int8], Counts]:
    """The different rows of a table, and how many pairs have each."""
    if not len(table.units):
        return np.zeros((0, len(table.reviewers)), np.int8), np.zeros(0)
    patterns, weights = np.unique(table.codes, axis=0, return_counts=True)
    return patterns, weights.astype(np.float64)


def _columns(table: Ratings, first: str, second: str) -> tuple[int, int]:
    return table.reviewers.index(first), table.reviewers.index(second)


def _table(said: dict[tuple[str, str], dict[str, int]], verdicts: Sequence[str]) -> Ratings:
    reviewers = tuple(sorted({reviewer for by in said.values() for reviewer in by}))
    column = {reviewer: at for at, reviewer in enumerate(reviewers)}
    codes = np.full((len(said), len(reviewers)), -1, np.int8)
    for row, by in enumerate(said.values()):
        for reviewer, code in by.items():
            codes[row, column[reviewer]] = code
    return Ratings(tuple(said), reviewers, codes, tuple(verdicts))


def _unordered(pair: tuple[str, str]) -> tuple[str, str]:
    first, second = sorted(pair)
    return first, second
