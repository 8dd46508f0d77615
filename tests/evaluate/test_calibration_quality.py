"""The quality of probabilities: measured on individuals that nothing was fitted on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from pairx_core.evaluate.calibration import PairScores
from pairx_core.evaluate.calibration_quality import calibration_error, cross_validated, grouped_folds
from pairx_core.evaluate.logistic import fit_logistic
from tests.evaluate.making import known_pairs


def test_folds_never_share_an_individual_and_are_about_equal():
    groups = np.random.default_rng(0).integers(0, 30, 400)
    folds = grouped_folds(groups, 5, seed=1)
    for group in np.unique(groups):
        assert len(np.unique(folds[groups == group])) == 1
    sizes = np.bincount(folds)
    assert len(sizes) == 5 and sizes.max() - sizes.min() <= np.bincount(groups).max()
    assert (folds == grouped_folds(groups, 5, seed=1)).all()
    assert (folds != grouped_folds(groups, 5, seed=2)).any()


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(2, 8), st.integers(0, 3))
@settings(deadline=None)
def test_no_fold_is_empty(groups, folds, seed):
    distinct = len(set(groups))
    if distinct < 2:
        with pytest.raises(ValueError):
            grouped_folds(groups, folds, seed)
    else:
        assert set(grouped_folds(groups, folds, seed)) == set(range(min(folds, distinct)))


def test_quality_is_of_individuals_not_seen():
    scores, truth = known_pairs(1500, 3)
    quality = cross_validated(scores)
    assert quality.brier == pytest.approx(brier_score_loss(scores.same, quality.probability))
    assert quality.brier < quality.brier_without < 0.25
    assert quality.auroc > quality.auroc_without + 0.1
    assert quality.calibration_error < 0.06
    assert np.abs(quality.probability - truth).mean() < 0.03
    inside = quality.fold == 2
    assert not set(scores.query[inside]) & set(scores.query[~inside])
    fitted = fit_logistic(scores.features[~inside], scores.same[~inside])
    np.testing.assert_array_equal(quality.probability[inside], fitted.probability(scores.features[inside]))


@pytest.mark.parametrize("seed", range(3))
def test_a_plausibility_of_noise_adds_nothing(seed):
    quality = cross_validated(known_pairs(1000, seed, informative=0.0)[0])
    assert quality.brier == pytest.approx(quality.brier_without, abs=0.005)
    assert quality.auroc < quality.auroc_without + 0.01


def test_quality_needs_two_individuals_and_bears_folds_of_one_kind():
    scores = PairScores([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], [False, False, True, True], [0, 0, 1, 1])
    quality = cross_validated(scores)
    assert quality.probability.tolist() == [1, 1, 0, 0]
    assert (quality.brier, quality.auroc) == (1, 0)
    with pytest.raises(ValueError):
        cross_validated(PairScores([0.1, 0.2], [0, 0], [False, True], [3, 3]))


def test_calibration_error_by_hand():
    probability = np.array([0.9, 0.1, 0.1, 0.9])
    same = np.array([True, False, True, True])
    assert calibration_error(probability, same, bins=2) == pytest.approx((0.4 + 0.1) / 2)
    assert calibration_error(same.astype(float), same) == 0
    assert math.isnan(calibration_error(np.zeros(0), np.zeros(0, bool)))
