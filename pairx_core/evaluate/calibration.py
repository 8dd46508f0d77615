"""How often known pairs that look like this one were the same animal.

A similarity and a plausibility are no probabilities. Pairs whose truth is known say what they are worth in a
catalogue: a logistic regression puts the two into one order, and the known pairs nearest in that order are
counted. What is shown is the count, not the regression's number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.statistics import Bools, Floats, Interval, Ints, weighted_auroc, wilson

FEWEST_PAIRS = 30  # of fewer known pairs, a share says nothing
_FEWEST_OF_A_KIND = 10
_MOST_PAIRS = 200  # more would only look less alike: of so many, a share is known to within 7 %
_BEYOND = 0.05  # of the range of the known probabilities: so far outside of it, nothing may be said
_BINS = 10  # of the calibration error
_MOST_STEPS = 100  # of Newton's method, which takes about ten
_CONVERGED = 1e-10  # change of a coefficient, in units of a standardised feature
_SIMPLE_TWENTIETHS = (1, *range(2, 19, 2), 19)  # 1 in 20, 1 in 10, … 9 in 10, 19 in 20


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Known pairs, each with what the model and what the explanation says of it.

    What is learned from them holds for pairs like them: those a reviewer meets, the first candidates of known
    queries. Of pairs sampled otherwise, as many same as different ones, shares would come out wrong.

    Raises:
        ValueError: the arrays are not of one length, or a score is not finite.
    """

    similarity: Floats  # (N,) cosine, -1 to 1
    plausibility: Floats  # (N,) any unit, higher: more likely the same individual
    same: Bools  # (N,) whether both photos show the same individual
    query: Ints  # (N,) code of the query photo's individual

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            values: npt.NDArray[Any] = np.array(getattr(self, name), dtype=kind)
            if values.shape != (np.size(self.similarity),):
                raise ValueError(f"{name}: expected one value a pair, not an array of shape {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: every pair needs a finite number")
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.same)

    @property
    def features(self) -> Floats:
        """Similarity and plausibility, (N, 2)."""
        return np.stack([self.similarity, self.plausibility], axis=1)


_KINDS: dict[str, type] = {
    "similarity": np.float64,
    "plausibility": np.float64,
    "same": bool,
    "query": np.int64,
}


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardised features."""

    intercept: float
    coefficients: tuple[float, ...]  # (F,) of the standardised features
    means: tuple[float, ...]  # (F,) of the features it was fitted on
    scales: tuple[float, ...]  # (F,) their standard deviations, 1 for one that never changes

    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """The log odds (N,) of features (N, F), in natural logarithms.

        Raises:
            ValueError: there are not F features.
        """
        table = _table(features)
        if table.shape[1] != len(self.coefficients):
            raise ValueError(f"expected {len(self.coefficients)} features, not {table.shape[1]}")
        standard = (table - np.array(self.means)) / np.array(self.scales)
        odds: Floats = self.intercept + standard @ np.array(self.coefficients)
        return odds

    def probability(self, features: npt.ArrayLike) -> Floats:
        """The probability (N,) of features (N, F), 0 to 1.

        Raises:
            ValueError: there are not F features.
        """
        return _sigmoid(self.log_odds(features))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, as JSON has them."""
        return {
            "intercept": self.intercept,
            "coefficients": list(self.coefficients),
            "means": list(self.means),
            "scales": list(self.scales),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Logistic:
        """What ``to_dict`` wrote.

        Raises:
            ValueError: a number is missing, not finite, or one too many; a scale is not positive.
        """
        try:
            lists = [
                tuple(float(number) for number in values[name])
                for name in ("coefficients", "means", "scales")
            ]
            made = cls(float(values["intercept"]), *lists)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no logistic regression: {error}") from error
        if len(set(map(len, lists))) != 1 or min(made.scales, default=1.0) <= 0:
            raise ValueError("no logistic regression: each coefficient needs a mean and a positive scale")
        if not np.isfinite([made.intercept, *made.coefficients, *made.means, *made.scales]).all():
            raise ValueError("no logistic regression: a number is not finite")
        return made


@dataclass(frozen=True, slots=True)
class LooksLike:
    """Known pairs that look like a pair, and how many of them show one animal."""

    n: int
    same: int
    share: Interval  # of the same ones, with the 95 % Wilson interval

    def in_words(self) -> str:
        """A sentence for the screen, such as “Of 120 known pairs that look like this, 108 were the same animal …”.

        “All” and “none” are said only where they hold of every pair; a rounded share is called “about”.
        """
        low = min(99, round(100 * self.share.low)) if self.share.low < 1 else 100
        high = max(1, round(100 * self.share.high)) if self.share.high > 0 else 0
        interval = f"95 % interval {low}–{high} %"
        share = share_in_words(self.same, self.n)
        if self.same in (0, self.n):
            return (
                f"Of {self.n:,} known pairs that look like this, {share} were the same animal ({interval})."
            )
        were = f"{self.same:,} {'was' if self.same == 1 else 'were'} the same animal"
        return f"Of {self.n:,} known pairs that look like this, {were} ({share}; {interval})."


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Known pairs in the order of how likely they look to be the same animal."""

    logistic: Logistic  # of similarity and plausibility
    probability: Floats  # (N,) ascending, of the known pairs by the regression
    same: Bools  # (N,) whether they are the same animal
    fewest: int  # known pairs that an answer needs

    @property
    def window(self) -> int:
        """How many known pairs an answer counts; more where several look equal."""
        return max(self.fewest, min(len(self.same) // 5, _MOST_PAIRS))

    def looks_like(self, similarity: float, plausibility: float) -> LooksLike | None:
        """The known pairs that look most like this one, half of them less likely and half of them more.

        At the ends of the order they are the first or the last ones, so that a share there is drawn a little
        towards the middle. Pairs that look equal to the outermost
        one count as well, so that their order does not matter. The interval takes the pairs for independent;
        where a few individuals have most of the pairs, it is too narrow. A query whose animal is not in
        the catalogue has no right candidate, which known queries always may have.

        Args:
            similarity: cosine, -1 to 1.
            plausibility: in the unit of the known pairs.

        Returns:
            None where nothing may be said: a number is not finite, there are too few known pairs, or all of
            them look clearly less likely, or clearly more likely, than this one.
        """
        if not (math.isfinite(similarity) and math.isfinite(plausibility)) or len(self.same) < self.fewest:
            return None
        likely = float(self.logistic.probability([[similarity, plausibility]])[0])
        lowest, highest = self.probability[[0, -1]]
        margin = _BEYOND * (highest - lowest)
        if not lowest - margin <= likely <= highest + margin:
            return None
        start, end = self._nearest(likely)
        n, same = end - start, int(np.count_nonzero(self.same[start:end]))
        return LooksLike(n, same, wilson(same, n))

    def _nearest(self, likely: float) -> tuple[int, int]:
        """Where the window of known pairs around a probability begins and ends, those equal to its ends included."""
        left, right = (int(np.searchsorted(self.probability, likely, side)) for side in ("left", "right"))
        start = min(max((left + right - self.window) // 2, 0), len(self.same) - self.window)
        first, last = self.probability[[start, start + self.window - 1]]
        return (
            int(np.searchsorted(self.probability, first, "left")),
            int(np.searchsorted(self.probability, last, "right")),
        )


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationQuality:
    """How good the probabilities of pairs are whose queries' individuals the regression has not seen."""

    brier: float  # mean squared error, 0 (best) to 1
    brier_without: float  # by similarity alone
    calibration_error: float  # expected calibration error over 10 bins of as many pairs, 0 (best) to 1
    calibration_error_without: float
    auroc: float  # 0 to 1; NaN where all pairs are of one kind
    auroc_without: float
    probability: Floats  # (N,) out of fold, by similarity and plausibility
    probability_without: Floats  # (N,) out of fold, by similarity alone
    fold: Ints  # (N,) number of the fold that a pair was in


def fit_logistic(features: npt.ArrayLike, same: npt.ArrayLike, penalty: float = 1.0) -> Logistic:
    """Fit a logistic regression with an L2 penalty by Newton's method.

    Minimises the summed log loss plus half the penalty times the squared length of the standardised
    coefficients; the intercept is free. The penalty keeps coefficients finite where the features separate
    the kinds. The same data give the same numbers.

    Args:
        features: (N, F), finite, any units.
        same: (N,) bool, what to predict.
        penalty: above 0; its inverse is known elsewhere as C.

    Raises:
        ValueError: all pairs are of one kind, a feature is not finite, lengths differ, or there is no penalty.
    """
    table, kinds = _table(features), np.asarray(same, dtype=np.bool_)
    if kinds.shape != (len(table),) or not np.isfinite(table).all():
        raise ValueError("each pair needs finite features, and to be the same or different")
    if kinds.all() or not kinds.any():
        raise ValueError("same and different pairs are needed; all of these are of one kind")
    if not penalty > 0:
        raise ValueError("the penalty must be above 0")
    means, spread = table.mean(axis=0), table.std(axis=0)
    scales = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(means)), spread, 1.0)
    design = np.column_stack([np.ones(len(table)), (table - means) / scales])
    intercept, *coefficients = _newton(design, kinds.astype(np.float64), penalty).tolist()
    return Logistic(intercept, tuple(coefficients), tuple(means.tolist()), tuple(scales.tolist()))


def calibrate(scores: PairScores, *, fewest: int = FEWEST_PAIRS) -> Calibration | None:
    """Put known pairs in order; None where there are too few to say anything.

    Args:
        scores: known pairs, as a reviewer meets them.
        fewest: how many pairs an answer needs, 1 or more; twice as many are needed in all, and 10 of each kind.

    Raises:
        ValueError: ``fewest`` is below 1.
    """
    if fewest < 1:
        raise ValueError("an answer needs at least one known pair")
    same = int(np.count_nonzero(scores.same))
    if len(scores) < 2 * fewest or min(same, len(scores) - same) < _FEWEST_OF_A_KIND:
        return None
    logistic = fit_logistic(scores.features, scores.same)
    probability = logistic.probability(scores.features)
    order = np.argsort(probability, kind="stable")
    return Calibration(logistic, probability[order], scores.same[order], fewest)


def cross_validated(scores: PairScores, folds: int = 5, seed: int = 0) -> CalibrationQuality:
    """How good the probabilities are on individuals that the regression has not seen, with and without plausibility.

    Folds hold whole individuals: no query's individual is in a fold and in what was fitted for it. (Its photos
    may still have been candidates of other queries.) Where what is left for the fit is of one kind, the
    probability is 0 or 1.

    Args:
        scores: known pairs.
        folds: how many; fewer where there are fewer individuals.
        seed: of the folds.

    Raises:
        ValueError: there are not two individuals, or not two folds.
    """
    fold = grouped_folds(scores.query, folds, seed)
    with_it = _out_of_fold(scores.features, scores.same, fold)
    without = _out_of_fold(scores.features[:, :1], scores.same, fold)
    return CalibrationQuality(
        brier=_brier(with_it, scores.same),
        brier_without=_brier(without, scores.same),
        calibration_error=calibration_error(with_it, scores.same),
        calibration_error_without=calibration_error(without, scores.same),
        auroc=_auroc(with_it, scores.same),
        auroc_without=_auroc(without, scores.same),
        probability=with_it,
        probability_without=without,
        fold=fold,
    )


def grouped_folds(groups: npt.ArrayLike, folds: int, seed: int) -> Ints:
    """Share out groups among folds of about equal size; all members of a group are in one fold.

    Args:
        groups: code of each member's group, (N,) int.
        folds: how many; fewer where there are fewer groups.
        seed: of the order in which groups are dealt out.

    Returns:
        Number of each member's fold, (N,), from 0; no fold is empty.

    Raises:
        ValueError: there are not two groups, or not two folds.
    """
    _, codes, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if min(len(sizes), folds) < 2:
        raise ValueError("cross-validation needs at least two individuals and two folds")
    filled = np.zeros(min(folds, len(sizes)), dtype=np.int64)
    fold_of = np.zeros(len(sizes), dtype=np.int64)
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        fold_of[group] = int(np.argmin(filled))
        filled[fold_of[group]] += sizes[group]
    return fold_of[codes]


def calibration_error(probability: Floats, same: Bools, bins: int = _BINS) -> float:
    """The expected calibration error, 0 (best) to 1, over bins of as many pairs.

    The distance between the mean probability and the share of same pairs in each bin, averaged by pairs
    (Naeini et al. 2015, AAAI, with bins of equal count). It is above 0 by chance even for true probabilities.

    Args:
        probability: (N,), 0 to 1.
        same: (N,) bool.
        bins: how many.

    Returns:
        NaN where there are no pairs.
    """
    if not len(probability):
        return math.nan
    order = np.argsort(probability, kind="stable")
    gaps = [
        abs(float(np.sum(probability[some] - same[some])))
        for some in np.array_split(order, bins)
        if len(some)
    ]
    return sum(gaps) / len(probability)


def share_in_words(part: int, whole: int) -> str:
    """A share in words: “none”, “fewer than 1 in 20”, “1 in 10”, “about 9 in 10”, “more than 19 in 20”, “all 120”.

    None and all are said only where they are true; of two shares as near, the one nearer to a half is said.

    Raises:
        ValueError: the counts make no share.
    """
    if not 0 <= part <= whole or not whole:
        raise ValueError(f"{part} of {whole} is no share")
    if part in (0, whole):
        return f"all {whole:,}" if part else "none"
    if 20 * part < whole:
        return "fewer than 1 in 20"
    if 20 * part > 19 * whole:
        return "more than 19 in 20"
    twentieths = min(_SIMPLE_TWENTIETHS, key=lambda one: (abs(20 * part - one * whole), abs(one - 10)))
    simple = f"{twentieths} in 20" if twentieths % 2 else f"{twentieths // 2} in 10"
    return simple if 20 * part == twentieths * whole else f"about {simple}"


def _newton(design: Floats, target: Floats, penalty: float) -> Floats:
    """The coefficients (F + 1,) with the least penalised log loss; the first, of the intercept, is free."""
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 0.0
    coefficients = np.zeros(design.shape[1])
    for _ in range(_MOST_STEPS):
        expected = _sigmoid(design @ coefficients)
        gradient = design.T @ (expected - target) + ridge * coefficients
        curvature = (design.T * (expected * (1 - expected))) @ design + np.diag(ridge + 1e-12)
        step = np.linalg.solve(curvature, gradient).astype(np.float64)
        following = _downhill(coefficients, step, design, target, ridge)
        change = float(np.abs(following - coefficients).max())
        coefficients = following
        if change < _CONVERGED:
            break
    return coefficients


def _downhill(coefficients: Floats, step: Floats, design: Floats, target: Floats, ridge: Floats) -> Floats:
    """The step, halved until it does not lead up; none where every one does."""

    def loss(at: Floats) -> float:
        odds = design @ at
        return float(np.sum(np.logaddexp(0.0, odds) - target * odds) + ridge @ at**2 / 2)

    now = loss(coefficients)
    for halvings in range(30):
        following = coefficients - step * 0.5**halvings
        if loss(following) <= now:
            return following
    return coefficients


def _sigmoid(odds: Floats) -> Floats:
    probability: Floats = (1.0 + np.tanh(odds / 2.0)) / 2.0  # never overflows
    return probability


def _table(features: npt.ArrayLike) -> Floats:
    table = np.asarray(features, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError("features must be a table: one row a pair, one column a feature")
    return table


def _out_of_fold(features: Floats, same: Bools, fold: Ints) -> Floats:
    """Probabilities (N,) from fits to the other folds."""
    probability = np.empty(len(same))
    for number in np.unique(fold):
        inside = fold == number
        known = same[~inside]
        if known.all() or not known.any():
            probability[inside] = float(known[0])
        else:
            probability[inside] = fit_logistic(features[~inside], known).probability(features[inside])
    return probability


def _brier(probability: Floats, same: Bools) -> float:
    return float(np.mean((probability - same) ** 2))


def _auroc(probability: Floats, same: Bools) -> float:
    ones = np.ones(len(same))
    return weighted_auroc(probability[same], ones[same], probability[~same], ones[~same])
