"""How good the probabilities are on individuals that a regression has not seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.calibration import PairScores
from pairx_core.evaluate.logistic import fit_logistic
from pairx_core.evaluate.statistics import Bools, Floats, Ints, weighted_auroc

_BINS = 10  # of the calibration error


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
    fold: Ints  # (N,) number of the fold that a pair was in


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
