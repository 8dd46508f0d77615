"""Maps and lines on one grid: nothing is lost, and ranks agree with SciPy's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from pairx_core.evaluate.evidence import Evidence, no_lines
from pairx_core.evaluate.grids import GRID, cell_at, importance, rank_correlation, resampled, shares
from tests.evaluate.making import lines

SIZES = st.integers(1, 45)


@settings(deadline=None)
@given(st.data(), SIZES, SIZES, st.integers(1, 30))
def test_resampling_keeps_the_sum_and_where_it_lies(data, rows, columns, grid):
    map_ = data.draw(arrays(np.float64, (rows, columns), elements=st.floats(0, 100)))
    cells = resampled(map_, grid)
    assert cells.shape == (grid, grid) and cells.min() >= 0
    assert cells.sum() == pytest.approx(map_.sum())
    for axis in (0, 1):  # the centre of mass moves by no more than half a cell of either grid
        if map_.sum() > 1e-3:
            before, after = _centre(map_, axis), _centre(cells, axis)
            assert abs(before - after) <= 0.5 / map_.shape[axis] + 0.5 / grid + 1e-9


@given(SIZES, st.integers(1, 30))
def test_every_part_is_shared_out_whole(parts, grid):
    found = shares(parts, grid)
    assert found.sum(axis=0) == pytest.approx(np.ones(parts))
    assert found.sum(axis=1) == pytest.approx(np.full(grid, parts / grid))


def test_shares_by_hand():
    assert shares(3, 2).tolist() == [[1, 0.5, 0], [0, 0.5, 1]]
    assert shares(2, 4).tolist() == [[0.5, 0], [0.5, 0], [0, 0.5], [0, 0.5]]
    assert resampled(np.array([[4.0]]), 2).tolist() == [[1, 1], [1, 1]]


def test_a_finer_map_of_the_same_picture_is_as_important():
    coarse = np.random.default_rng(0).random((5, 4))
    fine = np.kron(coarse, np.ones((3, 2))) / 6
    np.testing.assert_allclose(resampled(fine), resampled(coarse), atol=1e-12)


def test_lines_give_their_weight_to_the_cells_that_they_end_in():
    evidence = lines([(0, 0), (99, 1), (99, 49.9), (98, 49)], [(50, 25)] * 4, [3, 2, 2, 1])
    shown = importance(evidence, "query", (100, 50))
    assert shown.sum() == pytest.approx(1) and np.count_nonzero(shown) == 3
    assert (shown[0, 0], shown[0, -1], shown[-1, -1]) == pytest.approx((3 / 8, 2 / 8, 3 / 8))
    other = importance(evidence, "candidate", (100, 50))
    assert other[GRID // 2, GRID // 2] == 1


def test_lines_at_the_very_edge_are_inside():
    assert cell_at(np.array([[100, 50], [-1, 60]], np.float32), (100, 50), (4, 5)).tolist() == [19, 15]


def test_lines_without_weight_count_alike():
    shown = importance(lines([(1, 1), (90, 40)], [(1, 1)] * 2, [0, -1]), "query", (100, 50))
    assert sorted(shown[shown > 0]) == [0.5, 0.5]


def test_a_map_goes_before_lines_and_nothing_is_nothing():
    map_ = np.zeros((2, 2))
    assert not importance(Evidence(*no_lines(), map_, None), "query", (10, 10)).any()
    assert not importance(Evidence(*no_lines()), "query", (10, 10)).any()
    map_[1, 1] = 7
    shown = importance(lines([(0, 0)], [(0, 0)], query_map=map_), "query", (10, 10))
    assert shown[0, 0] == 0 and shown[10:, 10:].sum() == pytest.approx(1)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 20))
def test_rank_correlation_is_spearman_s(seed, count, values):
    one, other = np.random.default_rng(seed).integers(0, values + 1, (2, count)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = spearmanr(one, other).statistic
    assert rank_correlation(one, other) == pytest.approx(0.0 if np.isnan(expected) else expected)


def test_a_constant_map_is_like_no_other():
    assert rank_correlation(np.ones((3, 3)), np.arange(9).reshape(3, 3)) == 0
    assert rank_correlation(np.ones(4), np.ones(4)) == 0


def _centre(map_, axis):
    mass = map_.sum(axis=1 - axis)
    return float(mass @ (np.arange(len(mass)) + 0.5) / mass.sum() / len(mass))
