"""The logistic regression: as scikit-learn's, finite, and kept whole."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pairx_core.evaluate.logistic import Logistic, fit_logistic
from tests.evaluate.making import known_pairs


@pytest.mark.parametrize("penalty", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_logistic_regression_agrees_with_scikit_learn(seed, penalty):
    scores, _ = known_pairs(300, seed)
    features = np.column_stack([scores.features, np.full(300, 0.1)]) * [1, 1000, 1]
    fitted = fit_logistic(features, scores.same, penalty)
    standard = (features - np.array(fitted.means)) / np.array(fitted.scales)
    other = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(standard, scores.same)
    np.testing.assert_allclose(fitted.coefficients, other.coef_[0], atol=1e-4)
    assert fitted.intercept == pytest.approx(other.intercept_[0], abs=1e-4)
    np.testing.assert_allclose(fitted.probability(features), other.predict_proba(standard)[:, 1], atol=1e-4)
    assert standard[:, :2].std(axis=0) == pytest.approx([1, 1])


def test_logistic_regression_finds_the_coefficients_that_made_the_data():
    scores, truth = known_pairs(20_000, 0)
    assert (
        np.abs(fit_logistic(scores.features, scores.same).probability(scores.features) - truth).max() < 0.03
    )


@pytest.mark.parametrize("penalty", [1e-6, 1.0])
def test_separable_pairs_have_finite_coefficients(penalty):
    same = np.arange(40) >= 20
    fitted = fit_logistic(np.where(same, 1e6, -1e6)[:, None], same, penalty)
    assert np.isfinite(fitted.coefficients).all()
    assert (fitted.probability([[1e6], [-1e6]]) > 0.5).tolist() == [True, False]


def test_a_single_odd_pair_does_not_upset_the_fit():
    same = np.zeros(500, bool)
    same[0] = True
    features = np.zeros((500, 2))
    features[0] = 1000
    assert fit_logistic(features, same).probability(features)[0] > 0.4


@pytest.mark.parametrize(
    ("features", "same", "penalty"),
    [
        ([[1.0], [2.0]], [True, True], 1.0),
        ([[1.0], [2.0]], [False, False], 1.0),
        ([[1.0], [math.nan]], [True, False], 1.0),
        ([[1.0], [2.0]], [True], 1.0),
        ([1.0, 2.0], [True, False], 1.0),
        ([[1.0], [2.0]], [True, False], 0.0),
    ],
)
def test_what_cannot_be_fitted_is_refused(features, same, penalty):
    with pytest.raises(ValueError):
        fit_logistic(features, same, penalty)


def test_a_regression_survives_json():
    scores, _ = known_pairs(100, 0)
    fitted = fit_logistic(scores.features, scores.same)
    assert Logistic.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    with pytest.raises(ValueError, match="2 features"):
        fitted.probability([[0.5]])


@pytest.mark.parametrize(
    "damage",
    [
        {"scales": [1.0, 0.0]},
        {"means": [1.0]},
        {"intercept": None},
        {"intercept": math.nan},
        {"coefficients": "ab"},
        {"means": 3},
    ],
)
def test_a_damaged_regression_is_refused(damage):
    whole = Logistic(0.0, (1.0, 2.0), (0.0, 0.0), (1.0, 1.0)).to_dict()
    with pytest.raises(ValueError):
        Logistic.from_dict(whole | damage)
    with pytest.raises(ValueError):
        Logistic.from_dict({})
