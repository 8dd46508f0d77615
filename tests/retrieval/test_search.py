from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.retrieval import vectors as blocks
from pairx_core.retrieval.search import Wanted, better_than, nearest
from pairx_core.retrieval.vectors import PhotoVectors


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 7)


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)


def plainly(vectors, query, k, allowed, excluded) -> tuple[list[int], list[float]]:
    """One query against all photos at once, in double precision, sorted as a whole."""
    cosines = np.clip(vectors.astype(np.float64) @ query.astype(np.float64), -1, 1).astype(np.float32)
    rows = [row for row in range(len(vectors)) if allowed[row] and row not in excluded]
    rows.sort(key=lambda row: (-cosines[row], row))
    return rows[:k], [float(cosines[row]) for row in rows[:k]]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_blocks_find_what_sorting_everything_finds(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    count, dimensions = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 6))
    stored = (
        random.standard_normal((count + 5, dimensions))
        if data.draw(st.booleans())
        else (
            random.integers(-1, 2, (count + 5, dimensions)).astype(float)  # many are equal
        )
    )
    stored = unit(stored).astype(data.draw(st.sampled_from(["<f2", "<f4"])))
    rows = random.permutation(count + 5)[:count] if data.draw(st.booleans()) else np.arange(3, count + 3)
    queries = unit(random.standard_normal((data.draw(st.integers(1, 5)), dimensions))).astype(np.float32)
    groups = [random.random(count) < 0.6, np.ones(count, bool), None][: data.draw(st.integers(1, 3))]
    group = random.integers(0, len(groups), len(queries))
    excluded = [np.flatnonzero(random.random(count) < 0.2) for _ in queries]
    k = data.draw(st.integers(0, 8))
    found = nearest(PhotoVectors(stored, rows), queries, k, Wanted(groups, group, excluded))
    for query, one, of_group, out in zip(queries, found, group, excluded, strict=True):
        allowed = np.ones(count, bool) if groups[of_group] is None else groups[of_group]
        places, similarities = plainly(stored[rows], query, k, allowed, set(out.tolist()))
        assert one.places.tolist() == places
        assert one.similarities.tolist() == similarities


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_a_rank_counts_the_photos_that_come_before(seed):
    random = np.random.default_rng(seed)
    stored = unit(random.integers(-1, 2, (30, 3)).astype(float)).astype(np.float32)
    query = unit(random.standard_normal((1, 3)))[0].astype(np.float32)
    allowed, excluded = random.random(30) < 0.7, np.flatnonzero(random.random(30) < 0.2)
    vectors = PhotoVectors(stored)
    order, similarities = plainly(stored, query, 30, allowed, set(excluded.tolist()))
    ranks = [
        better_than(vectors, query, (similarity, place), allowed, excluded)
        for place, similarity in zip(order, similarities, strict=True)
    ]
    assert ranks == list(range(len(order)))


def test_a_similarity_does_not_depend_on_what_else_is_asked_for():
    random = np.random.default_rng(0)
    vectors = PhotoVectors(unit(random.standard_normal((500, 64))).astype(np.float16))
    queries = unit(random.standard_normal((90, 64))).astype(np.float32)
    together = nearest(vectors, queries, 5)
    for query, expected in zip(queries[::9], together[::9], strict=True):
        (alone,) = nearest(vectors, query[None], 5)
        assert alone.similarities.tolist() == expected.similarities.tolist()


def test_blocks_without_a_wanted_photo_are_not_read():
    class Watched(PhotoVectors):
        read = 0

        def _taken(self, places):
            self.read += len(places)
            return super()._taken(places)

    vectors = Watched(unit(np.random.default_rng(1).standard_normal((70, 4))).astype(np.float32))
    allowed = np.zeros(70, bool)
    allowed[[15, 64]] = True
    (found,) = nearest(
        vectors, vectors.at(np.asarray([0])), 5, Wanted([allowed], np.zeros(1, int), [np.empty(0, int)])
    )
    assert sorted(found.places.tolist()) == [15, 64]
    assert vectors.read == 2
