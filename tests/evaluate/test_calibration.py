"""Probabilities from known pairs: right on data with known truth, and never said louder than counted."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.evaluate.calibration import Calibration, LooksLike, PairScores, calibrate, share_in_words
from pairx_core.evaluate.logistic import Logistic
from pairx_core.evaluate.statistics import wilson
from tests.evaluate.making import known_pairs


def by_hand(probability, same, fewest=30):
    """A calibration whose order is given: its regression hands on the log odds of the probability."""
    return Calibration(
        Logistic(0.0, (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)), np.array(probability), np.array(same), fewest
    )


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
