"""Plausibility: the residual of the best homography, and what lies under the matches."""

from __future__ import annotations

import math
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.evaluate.plausibility import FEWEST, homography_residual, plausibility
from tests.evaluate.making import lines

H = np.array([[1.1, 0.2, 12.0], [-0.1, 0.9, 30.0], [2e-4, -1e-4, 1.0]])
SIZES = ((100, 50), (200, 80))


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def sent(points, matrix=H):
    whole = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return whole[:, :2] / whole[:, 2:]


def points(count, seed=0, scale=400.0):
    return np.random.default_rng(seed).uniform(0, scale, (count, 2))


@pytest.mark.parametrize("count", [5, 6, 40, 700])
def test_an_exact_homography_has_no_residual(count):
    query = points(count)
    assert homography_residual(query, sent(query)) < 1e-6


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(8, 60), st.floats(0.1, 8))
def test_the_residual_is_like_opencv_s_least_squares(seed, count, noise):
    random = np.random.default_rng(seed)
    query = random.uniform(0, 400, (count, 2))
    candidate = sent(query) + random.normal(0, noise, (count, 2))
    matrix, _ = cv2.findHomography(query, candidate, 0)
    expected = np.linalg.norm(sent(query, matrix) - candidate, axis=1).mean()
    # OpenCV goes on to minimise the geometric error; with so little perspective the two are close
    assert homography_residual(query, candidate) == pytest.approx(expected, rel=0.35)


def test_one_outlier_raises_the_residual_for_there_is_no_ransac():
    query = points(30)
    candidate = sent(query)
    candidate[7] += 200
    assert homography_residual(query, candidate) > 2


@pytest.mark.parametrize("count", range(FEWEST))
def test_fewer_than_five_matches_have_no_residual(count):
    assert math.isnan(homography_residual(points(count), sent(points(count))))
    measured = plausibility(lines(points(count), sent(points(count))), SIZES, (64, 64))
    assert math.isnan(measured.residual) and measured.inverted_residual == 0


@pytest.mark.parametrize("count", [5, 9, 60])
@pytest.mark.parametrize("shape", ["one point", "one line", "to one point", "two points"])
def test_degenerate_matches_neither_crash_nor_warn(count, shape):
    query = points(count)
    query, candidate = {
        "one point": (np.full((count, 2), 7.0), np.full((count, 2), 9.0)),
        "one line": (query[:, :1] * [1, 2] + 3, query[:, 1:] * [1, -1]),
        "to one point": (query, np.full((count, 2), 5.0)),
        "two points": (np.where(query[:, :1] > 200, 1.0, 2.0) * [1, 1], query),
    }[shape]
    residual = homography_residual(query, candidate)
    assert math.isnan(residual) or 0 <= residual < math.inf
    measured = plausibility(lines(query, candidate), ((400, 400), (400, 400)), (64, 64))
    assert 0 <= measured.inverted_residual <= 1 and 0 <= measured.agreement <= 1


@pytest.mark.parametrize("factor", [0.25, 3.0])
def test_photos_of_another_size_have_the_same_residual(factor):
    query, candidate = points(40, scale=80), points(40, 1, scale=80)
    one = plausibility(lines(query, candidate), ((80, 80), (80, 80)), (64, 48))
    size = round(80 * factor)
    two = plausibility(lines(query * factor, candidate), ((size, size), (80, 80)), (64, 48))
    assert one.residual == pytest.approx(two.residual, rel=1e-3)
    assert one.residual_of_all == pytest.approx(two.residual_of_all, rel=1e-3)


def test_residuals_are_in_input_pixels():
    query, candidate = points(40, scale=80), points(40, 1, scale=80)
    small, large = (
        plausibility(lines(query, candidate), ((80, 80), (80, 80)), (side, side)) for side in (50, 100)
    )
    assert large.residual == pytest.approx(2 * small.residual, rel=1e-4)


def test_the_residual_is_of_the_most_relevant_twentieth_of_the_cells():
    query = points(40, scale=100)
    candidate = query.copy()
    candidate[10:] = points(30, 5, scale=100)
    maps = {"query_map": np.ones((10, 20)), "candidate_map": np.ones((15, 20))}
    measured = plausibility(lines(query, candidate, **maps), ((100, 100), (100, 100)), (64, 64))
    assert measured.residual < 1e-4 < 1 < measured.residual_of_all  # 5 % of 200 cells are 10
    assert plausibility(
        lines(query, candidate), ((100, 100), (100, 100)), (64, 64)
    ).residual == pytest.approx(measured.residual_of_all)


def test_coverage_by_hand():
    query_map = np.array([[4.0, 0.0], [1.0, 1.0]])
    candidate_map = np.array([[0.0, 2.0, 0.0], [0.0, 1.0, 1.0]])
    evidence = lines(
        [(10, 10), (60, 40)], [(100, 10), (190, 70)], query_map=query_map, candidate_map=candidate_map
    )
    measured = plausibility(evidence, SIZES, (64, 64))
    assert measured.relevance_coverage == pytest.approx((4 + 1 + 2 + 1) / 10)
    assert measured.match_coverage == 2 / 4


def test_without_maps_there_is_no_coverage():
    measured = plausibility(lines(points(9, scale=50), points(9, 1, scale=50)), SIZES, (64, 64))
    assert math.isnan(measured.relevance_coverage) and math.isnan(measured.match_coverage)
    assert math.isnan(measured.nearness) and math.isnan(measured.aligned)


def test_maps_without_relevance_are_covered_by_nothing():
    maps = {"query_map": np.zeros((3, 3)), "candidate_map": np.zeros((3, 3))}
    measured = plausibility(lines(points(9, scale=50), points(9, scale=50), **maps), SIZES, (64, 64))
    assert measured.relevance_coverage == measured.agreement == 0


def test_neighbours_that_move_alike_agree():
    query = points(30, scale=100)
    alike = plausibility(lines(query, query + 5), ((100, 100), (110, 110)), (64, 64))
    apart = plausibility(lines(query, points(30, 8, 100)), ((100, 100), (110, 110)), (64, 64))
    assert alike.agreement == pytest.approx(1) and apart.agreement < 0.5


def test_nearness_is_of_the_first_twenty_lines():
    distance = np.concatenate([np.full(20, 2.0), np.full(30, 90.0)])
    evidence = lines(points(50, scale=50), points(50, scale=50), distance=distance)
    assert plausibility(evidence, SIZES, (64, 64)).nearness == -2


def test_no_lines_at_all_are_the_least_plausible():
    measured = plausibility(lines([], []), SIZES, (64, 64))
    assert measured.inverted_residual == measured.agreement == 0 and math.isnan(measured.residual_of_all)


def test_a_coarse_layer_has_a_residual_too():
    """5 % of 49 cells are three, too few for a homography."""
    query = points(20, scale=100)
    maps = {"query_map": np.ones((7, 7)), "candidate_map": np.ones((7, 7))}
    measured = plausibility(lines(query, sent(query), **maps), ((100, 100), (200, 200)), (64, 64))
    assert measured.residual < 1e-3 and measured.inverted_residual > 0.99
