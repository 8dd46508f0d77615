"""Two routes to each number: brute force or scikit-learn, and what was published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from pairx_core.evaluate.statistics import (
    Interval,
    bootstrap,
    matched_auroc,
    pigeonhole_weights,
    weighted_auroc,
    weighted_mean,
    wilson,
)

SCORED = st.lists(
    st.tuples(st.integers(-4, 4), st.booleans(), st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.integers(-1, 2)),
    max_size=30,
)


def by_hand(scores, same, weights, bins):
    """Every comparison of a same pair with a different one of its bin, one by one."""
    won = compared = 0.0
    for i in range(len(scores)):
        for j in range(len(scores)):
            if same[i] and not same[j] and bins[i] == bins[j] != -1:
                weight = weights[i] * weights[j]
                compared += weight
                won += weight * ((scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]))
    return won / compared if compared else math.nan


def known_pairs(individuals, photos, seed, *, lift=1.0):
    """All pairs of photos: a score that follows the individuals' quality, and is higher for same pairs."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(individuals), photos)
    one, other = np.triu_indices(len(who), 1)
    first, second = who[one], who[other]
    quality = rng.normal(size=individuals)
    same = first == second
    score = quality[first] + quality[second] + lift * same + rng.normal(size=len(first))
    return first, second, same, score


def auroc(score, same):
    return lambda weights: weighted_auroc(score[same], weights[same], score[~same], weights[~same])


@given(SCORED)
@settings(deadline=None)
def test_auroc_is_what_counting_every_comparison_gives(rows):
    scores, same, weights, bins = (
        (np.array(column) for column in zip(*rows, strict=True)) if rows else [[]] * 4
    )
    scores, same, weights = np.array(scores, float), np.array(same, bool), np.array(weights, float)
    in_one = weighted_auroc(scores[same], weights[same], scores[~same], weights[~same])
    np.testing.assert_allclose(in_one, by_hand(scores, same, weights, np.zeros(len(scores))), atol=1e-12)
    np.testing.assert_allclose(
        matched_auroc(scores, same, bins, weights), by_hand(scores, same, weights, bins), atol=1e-12
    )


@pytest.mark.parametrize("seed", range(5))
def test_auroc_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    same, score = rng.random(400) < 0.3, np.round(rng.normal(size=400), 1)
    weights = rng.random(400)
    expected = roc_auc_score(same, score, sample_weight=weights)
    assert auroc(score, same)(weights) == pytest.approx(expected, abs=1e-12)
    assert matched_auroc(score, same, np.zeros(400, int), weights) == pytest.approx(expected, abs=1e-12)


def test_auroc_of_perfect_reversed_and_tied_scores():
    assert weighted_auroc([2, 3], [1, 1], [0, 1], [1, 1]) == 1.0
    assert weighted_auroc([0, 1], [1, 1], [2, 3], [1, 1]) == 0.0
    assert weighted_auroc([1, 1], [1, 1], [1], [1]) == 0.5
    assert weighted_auroc([1], [1], [-np.inf], [1]) == 1.0


def test_auroc_of_one_kind_or_without_weight_is_not_a_number():
    assert math.isnan(weighted_auroc([1], [1], [], []))
    assert math.isnan(weighted_auroc([1], [0], [0], [1]))
    assert math.isnan(matched_auroc([1, 2], [True, False], [0, 1]))
    assert math.isnan(matched_auroc([1, 2], [True, False], [-1, -1]))


@pytest.mark.parametrize(
    ("score", "same", "bins", "weights"),
    [
        ([math.nan, 1], [True, False], [0, 0], None),
        ([1, 2], [True, False], [0, 0], [1, -1]),
        ([1, 2], [True, False], [0, 0], [1, math.inf]),
        ([1, 2], [True, False], [0, -2], None),
        ([1, 2], [True], [0, 0], None),
        ([1, 2], [True, False], [0], None),
        ([[1, 2]], [True, False], [0, 0], None),
    ],
)
def test_what_cannot_be_compared_is_refused(score, same, bins, weights):
    with pytest.raises(ValueError):
        matched_auroc(score, same, bins, weights)


def test_a_score_that_depends_on_the_bin_alone_gains_nothing_when_matched():
    rng = np.random.default_rng(0)
    bins = rng.integers(0, 10, 2000)
    same = rng.random(2000) < bins / 10 + 0.05
    assert auroc(bins.astype(float), same)(np.ones(2000)) > 0.75
    assert matched_auroc(bins, same, bins) == 0.5


def test_matching_leaves_what_a_score_adds_within_bins():
    rng = np.random.default_rng(0)
    bins = rng.integers(0, 10, 2000)
    same = rng.random(2000) < bins / 10 + 0.05
    score = same + rng.normal(size=2000)
    assert matched_auroc(score, same, bins) == pytest.approx(0.76, abs=0.03)  # of a shift by one deviation


def test_pairs_in_no_bin_do_not_count():
    assert matched_auroc([2, 1, 0, 9], [True, False, True, False], [0, 0, -1, 0], [1, 1, 1, 0]) == 1.0


def test_resamples_draw_individuals_and_multiply_their_copies():
    rng = np.random.default_rng(3)
    copies = np.bincount(np.random.default_rng(3).integers(4, size=4), minlength=4)
    first, second = np.triu_indices(4)
    weights = pigeonhole_weights(first, second, 4, rng)
    for one, other, weight in zip(first, second, weights, strict=True):
        assert weight == (copies[one] if one == other else copies[one] * copies[other])
    assert weights[first == second].sum() == 4


def test_codes_that_are_no_individual_are_refused():
    with pytest.raises(ValueError, match="0 to 2"):
        pigeonhole_weights([0, 3], [1, 1], 3, np.random.default_rng(0))
    with pytest.raises(ValueError):
        pigeonhole_weights([0, 1], [1], 3, np.random.default_rng(0))
    assert len(pigeonhole_weights([], [], 0, np.random.default_rng(0))) == 0


def test_an_interval_over_individuals_is_wider_than_one_over_pairs():
    first, second, _, score = known_pairs(15, 3, seed=1)
    alone = np.arange(len(first))
    over_individuals, over_pairs = (
        bootstrap(lambda weights: weighted_mean(score, weights), *codes, rounds=300)
        for codes in [(first, second), (alone, alone)]
    )
    assert over_individuals.value == over_pairs.value
    assert over_individuals.high - over_individuals.low > 3 * (over_pairs.high - over_pairs.low)


def test_intervals_over_individuals_cover_the_true_mean():
    """Random effects of both individuals; the true mean is 0."""
    covered = 0
    for seed in range(60):
        first, second, _, score = known_pairs(20, 2, seed, lift=0.0)
        interval = bootstrap(
            lambda weights, score=score: weighted_mean(score, weights), first, second, rounds=200
        )
        covered += interval.low <= 0 <= interval.high
    assert covered >= 51  # 95 % would be 57


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_shuffled_labels_give_an_interval_around_a_half(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 40, 400), rng.integers(0, 40, 400)
    same, score, bins = rng.random(400) < 0.5, rng.normal(size=400), rng.integers(0, 5, 400)
    interval = bootstrap(
        lambda weights: matched_auroc(score, same, bins, weights), first, second, rounds=300, seed=seed
    )
    assert interval.low < 0.5 < interval.high
    assert interval.n == 400


def test_the_same_seed_gives_the_same_interval_whatever_the_codes():
    first, second, same, score = known_pairs(10, 2, seed=5)
    found = [
        bootstrap(auroc(score, same), first * factor, second * factor, rounds=100, seed=seed)
        for factor, seed in [(1, 0), (1, 0), (7, 0), (1, 1)]
    ]
    assert found[0] == found[1] == found[2] != found[3]


def test_a_perfect_score_has_an_interval_without_width():
    first, second, same, _ = known_pairs(10, 2, seed=0)
    interval = bootstrap(auroc(same.astype(float), same), first, second, rounds=50)
    assert (interval.value, interval.low, interval.high) == (1, 1, 1)


def test_an_interval_is_not_known_where_most_resamples_cannot_be_measured():
    answers = iter([1.0] + [math.nan] * 6 + [1.0] * 4)
    interval = bootstrap(lambda weights: next(answers), [0, 1], [0, 1], rounds=10)
    assert interval.value == 1
    assert math.isnan(interval.low)
    assert math.isnan(bootstrap(lambda weights: math.nan, [0, 1], [0, 1], rounds=10).high)


@pytest.mark.parametrize(("rounds", "level"), [(0, 0.95), (10, 1.0), (10, 0.0)])
def test_a_bootstrap_needs_rounds_and_a_level(rounds, level):
    with pytest.raises(ValueError):
        bootstrap(lambda weights: 1.0, [0], [0], rounds=rounds, level=level)


def test_a_weighted_mean():
    assert weighted_mean([1.0, 4.0], [2, 1]) == 2.0
    assert weighted_mean([True, False], [3, 1]) == 0.75
    assert math.isnan(weighted_mean([1.0], [0.0]))
    with pytest.raises(ValueError):
        weighted_mean([math.nan], [1.0])


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_the_published_ones(right, n, low, high):
    """Newcombe 1998, Statistics in Medicine 17:857–872, table I, method 3."""
    interval = wilson(right, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)
    assert (interval.value, interval.n) == (right / n, n)


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_intervals_hold_their_share_and_mirror(counts):
    right, n = counts
    interval, mirrored = wilson(right, n), wilson(n - right, n)
    assert 0 <= interval.low <= interval.high <= 1
    assert n == 0 or interval.low <= interval.value <= interval.high
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)
    assert wilson(right, n, 0.5).low >= interval.low


def test_no_share_has_no_interval():
    with pytest.raises(ValueError):
        wilson(3, 2)
    with pytest.raises(ValueError):
        wilson(1, 2, level=95)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.834, 0.77, 0.88, 10), "0.83 (0.77–0.88)"),
        (Interval(-0.02, -0.05, 0.014, 10), "−0.02 (−0.05 to 0.01)"),
        (Interval(-0.001, 0.0, 0.0, 10), "0.00 (0.00–0.00)"),
        (Interval(1.0, math.nan, math.nan, 10), "1.00 (interval not known)"),
        (Interval(math.nan, math.nan, math.nan, 0), "not measurable"),
    ],
)
def test_an_interval_reads_well(interval, text):
    assert str(interval) == text
