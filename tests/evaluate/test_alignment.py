"""Where one animal lies on the other photo, by lines of which many are wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pairx_core.evaluate.alignment import align, aligned_distance
from tests.evaluate.making import lines

MATRIX = np.array([[0.8, 0.15], [-0.1, 0.9], [0.12, 0.05]])
SHIFT = np.array([[1.0, 0.0], [0.0, 1.0], [0.2, 0.1]])


def sent(xy, matrix=MATRIX):
    return np.column_stack([xy, np.ones(len(xy))]) @ matrix


def some_lines(wrong, seed=0, count=40, noise=0.0):
    """Lines of a known map; the share that is wrong ends anywhere."""
    random = np.random.default_rng(seed)
    query = random.random((count, 2))
    candidate = sent(query) + random.normal(0, noise, (count, 2))
    chosen = random.permutation(count)[: round(wrong * count)]
    candidate[chosen] = random.random((len(chosen), 2))
    return query, candidate, np.ones(count)


@pytest.mark.parametrize("seed", range(8))
def test_the_map_is_found_among_two_fifths_of_wrong_lines(seed):
    found = align(*some_lines(0.4, seed, noise=0.005))
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5]])
    assert np.abs(found(corners) - sent(corners)).max() < 0.06
    assert 0.55 < found.inliers < 0.8


def test_lines_that_all_agree_are_all_inliers():
    found = align(*some_lines(0.0))
    np.testing.assert_allclose(found.matrix, MATRIX, atol=1e-9)
    assert found.inliers == 1


def test_weight_says_whom_to_believe():
    random = np.random.default_rng(1)
    query = random.random((40, 2))
    candidate = np.where(np.arange(40)[:, None] % 4 == 0, sent(query), sent(query, SHIFT))
    weight = np.where(np.arange(40) % 4 == 0, 9.0, 1.0)
    assert np.abs(align(query, candidate, weight).matrix - MATRIX).max() < 0.1
    assert np.abs(align(query, candidate, np.ones(40)).matrix - SHIFT).max() < 0.1


def test_the_same_lines_give_the_same_map():
    one, other = (align(*some_lines(0.4)) for _ in range(2))
    assert (one.matrix == other.matrix).all() and one.inliers == other.inliers


def test_exchanged_photos_give_the_inverse_map():
    query, candidate, weight = some_lines(0.3, noise=0.004)
    there, back = align(query, candidate, weight), align(candidate, query, weight)
    xy = np.random.default_rng(3).uniform(0.2, 0.8, (50, 2))
    assert np.abs(back(there(xy)) - xy).max() < 0.03


@pytest.mark.parametrize("count", range(6))
def test_few_lines_tell_nothing(count):
    assert align(*some_lines(0.0, count=count)) is None


@pytest.mark.parametrize(
    "shape", ["one line", "one point", "to one point", "mirrored", "far too large", "no weight"]
)
def test_lines_that_no_animal_could_have_tell_nothing(shape):
    query, candidate, weight = some_lines(0.0)
    query, candidate, weight = {
        "one line": (query[:, :1] * [1, 0.5], candidate, weight),
        "one point": (query * 0 + 0.5, candidate, weight),
        "to one point": (query, candidate * 0 + 0.5, weight),
        "mirrored": (query, query * [-1, 1] + [1, 0], weight),
        "far too large": (query, query * 3, weight),
        "no weight": (query, candidate, weight * 0),
    }[shape]
    assert align(query, candidate, weight) is None


def shifted(columns, seed=0):
    """Features of a photo and of the same one moved by whole cells; ten cells a side."""
    random = np.random.default_rng(seed)
    wide = random.normal(size=(6, 10, 10 + columns)).astype(np.float32)
    maps = {"query_map": np.ones((10, 10)), "candidate_map": np.ones((10, 10))}
    features = {"query_features": wide[:, :, columns:], "candidate_features": wide[:, :, :10]}
    query = random.uniform(0, 1 - columns / 10, (30, 2))
    alignment = align(query, query + np.array([columns / 10, 0]), np.ones(30))
    return lines(query, query, **maps, **features), alignment


@pytest.mark.parametrize("columns", [0, 1, 3])
def test_a_photo_is_no_distance_from_itself_moved(columns):
    evidence, alignment = shifted(columns)
    assert aligned_distance(evidence, alignment) == pytest.approx(0, abs=1e-5)


def test_features_elsewhere_are_farther():
    evidence, alignment = shifted(2)
    shuffled = np.random.default_rng(0).permuted(evidence.candidate_features, axis=2)
    assert aligned_distance(replace(evidence, candidate_features=shuffled), alignment) > 1


def test_only_cells_that_both_photos_find_relevant_count():
    evidence, alignment = shifted(0)
    other = evidence.candidate_features.copy()
    other[:, :5] += 100
    relevant = np.zeros((10, 10))
    relevant[5:] = 1
    evidence = replace(evidence, candidate_features=other)
    assert aligned_distance(evidence, alignment) > 50
    for side in ("query_map", "candidate_map"):
        assert aligned_distance(replace(evidence, **{side: relevant}), alignment) == pytest.approx(
            0, abs=1e-4
        )


def test_without_features_or_common_cells_there_is_no_distance():
    evidence, alignment = shifted(0)
    assert math.isnan(aligned_distance(replace(evidence, query_features=None), alignment))
    assert math.isnan(aligned_distance(replace(evidence, candidate_map=None), alignment))
    assert math.isnan(aligned_distance(replace(evidence, query_map=np.zeros((10, 10))), alignment))
    for far in (2, -2):
        away = replace(alignment, matrix=alignment.matrix + np.array([[0, 0], [0, 0], [far, 0]]))
        assert math.isnan(aligned_distance(evidence, away))
