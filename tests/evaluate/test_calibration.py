"""Probabilities from known pairs: right on data with known truth, and never said louder than counted."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from pairx_core.evaluate.calibration import (
    Calibration,
    Logistic,
    LooksLike,
    PairScores,
    calibrate,
    calibration_error,
    cross_validated,
    fit_logistic,
    grouped_folds,
    share_in_words,
)
from pairx_core.evaluate.statistics import wilson


def known_pairs(count, seed, *, informative=2.0):
    """Pairs with their true probabilities (N,): similarity says something, plausibility as much as asked for."""
    rng = np.random.default_rng(seed)
    similarity, plausibility = rng.uniform(0.3, 0.95, count), rng.normal(size=count)
    truth = 1 / (1 + np.exp(-(8 * (similarity - 0.65) + informative * plausibility)))
    same = rng.random(count) < truth
    return PairScores(similarity, plausibility, same, rng.integers(0, 25, count)), truth


def by_hand(probability, same, fewest=30):
    """A calibration whose order is given: its regression hands on the log odds of the probability."""
    return Calibration(
        Logistic(0.0, (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)), np.array(probability), np.array(same), fewest
    )


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


@pytest.mark.parametrize(
    "change", [{"plausibility": [math.nan, 1.0]}, {"same": [True]}, {"similarity": [[0.1, 0.2]]}]
)
def test_pairs_without_finite_scores_are_refused(change):
    whole = {"similarity": [0.1, 0.2], "plausibility": [1.0, 2.0], "same": [True, False], "query": [0, 1]}
    with pytest.raises(ValueError):
        PairScores(**(whole | change))


def test_too_few_known_pairs_say_nothing():
    scores, _ = known_pairs(59, 0)
    assert calibrate(scores) is None
    assert calibrate(scores, fewest=29) is not None
    many = 200
    same = np.arange(many) < 9
    one_sided = PairScores(np.linspace(0, 1, many), np.zeros(many), same, np.arange(many))
    assert calibrate(one_sided) is None
    with pytest.raises(ValueError):
        calibrate(scores, fewest=0)


def test_known_pairs_are_in_order_with_their_truth():
    scores, _ = known_pairs(300, 1)
    calibration = calibrate(scores)
    probability = calibration.logistic.probability(scores.features)
    assert (np.diff(calibration.probability) >= 0).all()
    assert calibration.same.sum() == scores.same.sum()
    assert (calibration.probability * calibration.same).sum() == pytest.approx(probability[scores.same].sum())


@pytest.mark.parametrize(("count", "window"), [(60, 30), (149, 30), (600, 120), (1000, 200), (10_000, 200)])
def test_a_window_grows_with_the_known_pairs_up_to_a_limit(count, window):
    assert by_hand(np.linspace(0.1, 0.9, count), np.arange(count) % 2 == 0).window == window


def test_a_window_has_half_its_pairs_on_each_side_and_shifts_at_the_ends():
    probability = np.linspace(0.1, 0.9, 600)
    calibration = by_hand(probability, np.arange(600) >= 300)
    odds = np.log(probability / (1 - probability))
    middle = calibration.looks_like((odds[299] + odds[300]) / 2, 0.0)
    assert (middle.n, middle.same) == (120, 60)
    assert calibration.looks_like(odds[-1], 0.0).same == 120
    assert calibration.looks_like(odds[0], 0.0).same == 0
    assert calibration.looks_like(odds[320], 0.0).same == 80


def test_pairs_that_look_equal_count_together_whatever_their_order():
    probability = np.repeat([0.2, 0.5, 0.8], 50)
    same = np.arange(150) % 50 < 10
    found = by_hand(probability, same).looks_like(0.0, 0.0)
    assert (found.n, found.same) == (50, 10)


def test_nothing_is_said_far_outside_of_what_is_known():
    calibration = by_hand(np.linspace(0.4, 0.6, 100), np.arange(100) % 2 == 0)
    odds = {p: math.log(p / (1 - p)) for p in (0.38, 0.395, 0.605, 0.62)}
    assert calibration.looks_like(odds[0.395], 0.0) is not None
    assert calibration.looks_like(odds[0.605], 0.0) is not None
    assert calibration.looks_like(odds[0.38], 0.0) is None
    assert calibration.looks_like(odds[0.62], 0.0) is None


@pytest.mark.parametrize(("similarity", "plausibility"), [(math.nan, 0.0), (0.5, math.nan), (0.5, -math.inf)])
def test_nothing_is_said_of_a_pair_without_scores(similarity, plausibility):
    calibration = calibrate(known_pairs(300, 0)[0])
    assert calibration.looks_like(0.5, 0.0) is not None
    assert calibration.looks_like(similarity, plausibility) is None


def test_nothing_is_said_from_fewer_known_pairs_than_needed():
    assert by_hand(np.linspace(0.1, 0.9, 29), np.arange(29) % 2 == 0).looks_like(0.0, 0.0) is None


def test_intervals_cover_the_truth_of_the_pairs_counted_and_of_the_pair_asked_about():
    """The first to 95 %, as they should; the second nearly, as a window blurs a little."""
    covered, beside = [], []
    for seed in range(40):
        scores, known_truth = known_pairs(600, seed)
        calibration = calibrate(scores)
        ordered = known_truth[np.argsort(calibration.logistic.probability(scores.features))]
        new, truth = known_pairs(25, 1000 + seed)
        for features, true in zip(new.features, truth, strict=True):
            share = calibration.looks_like(*features).share
            place = np.count_nonzero(calibration.probability < calibration.logistic.probability([features]))
            start = min(max(place - 60, 0), 600 - 120)
            covered.append(share.low <= ordered[start : start + 120].mean() <= share.high)
            beside.append(max(share.low - true, true - share.high, 0.0))
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)
    assert np.mean(np.array(beside) == 0) > 0.78
    assert np.quantile(beside, 0.99) < 0.06


def test_words_are_the_ones_promised():
    words = LooksLike(120, 108, wilson(108, 120)).in_words()
    assert words == (
        "Of 120 known pairs that look like this, 108 were the same animal (9 in 10; 95 % interval 83–94 %)."
    )


@pytest.mark.parametrize(
    ("same", "words"),
    [
        (0, "Of 60 known pairs that look like this, none were the same animal (95 % interval 0–6 %)."),
        (60, "Of 60 known pairs that look like this, all 60 were the same animal (95 % interval 94–100 %)."),
        (
            1,
            "Of 60 known pairs that look like this, 1 was the same animal "
            "(fewer than 1 in 20; 95 % interval 0–9 %).",
        ),
    ],
)
def test_words_at_the_ends(same, words):
    assert LooksLike(60, same, wilson(same, 60)).in_words() == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 5, "none"),
        (1, 1000, "fewer than 1 in 20"),
        (5, 100, "1 in 20"),
        (7, 100, "about 1 in 20"),
        (10, 100, "1 in 10"),
        (25, 100, "about 3 in 10"),
        (50, 100, "5 in 10"),
        (75, 100, "about 7 in 10"),
        (86, 100, "about 9 in 10"),
        (95, 100, "19 in 20"),
        (999, 1000, "more than 19 in 20"),
        (1200, 1200, "all 1,200"),
    ],
)
def test_shares_in_words(part, whole, words):
    assert share_in_words(part, whole) == words


def test_no_share_has_no_words():
    for part, whole in [(0, 0), (3, 2), (-1, 2)]:
        with pytest.raises(ValueError):
            share_in_words(part, whole)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=500)
def test_words_never_overstate(counts):
    part, whole = counts
    words, share = share_in_words(part, whole), part / whole
    assert (words == "none") == (part == 0)
    assert words.startswith("all") == (part == whole)
    assert not words.startswith("more") or share > 0.95
    assert not words.startswith("fewer") or share < 0.05
    if said := re.fullmatch(r"(about )?(\d+) in (\d+)", words):
        simple = int(said[2]) / int(said[3])
        assert abs(simple - share) <= 0.05 + 1e-12
        assert bool(said[1]) == (part * int(said[3]) != whole * int(said[2]))
    sentence = LooksLike(whole, part, wilson(part, whole)).in_words()
    low, high = map(int, re.search(r"interval (\d+)–(\d+) %", sentence).groups())
    assert 0 <= low <= 99 and 1 <= high <= 100
    assert low <= 100 * share + 0.5 and high >= 100 * share - 0.5


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
