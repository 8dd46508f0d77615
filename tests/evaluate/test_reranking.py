"""A re-ranking is used only where it surely helps, and is measured on individuals it has not seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.evaluate.logistic import Logistic
from pairx_core.evaluate.reranking import RankedQueries, Reranking, fit_reranking
from pairx_core.evaluate.statistics import Interval

HELPS, UNSURE, NONE, WORSE = (
    Interval(0.1, 0.05, 0.15, 100),
    Interval(0.02, -0.01, 0.05, 100),
    Interval(0.0, 0.0, 0.0, 100),
    Interval(-0.1, -0.15, -0.05, 100),
)


def ranked_queries(seed, *, informative, queries=200, k=5, individuals=40, shared=0.0):
    """Queries whose right candidate is a little more similar; plausibility says as much as asked for.

    ``shared`` is what all candidates of a query have in common in their plausibility.
    """
    rng = np.random.default_rng(seed)
    same = np.zeros((queries, k), bool)
    same[np.arange(queries), rng.integers(0, k, queries)] = rng.random(queries) < 0.8
    similarity = 0.6 + 0.05 * same + 0.1 * rng.normal(size=(queries, k))
    plausibility = informative * same + rng.normal(size=(queries, k)) + shared * rng.normal(size=(queries, 1))
    order = np.argsort(-similarity, axis=1)
    arrays = [np.take_along_axis(one, order, axis=1) for one in (similarity, plausibility, same)]
    return RankedQueries(*arrays, rng.integers(0, individuals, queries))


def reranking(rank_1, reciprocal, individuals=30):
    logistic = Logistic(0.0, (1.0, 1.0), (0.0, 0.0), (1.0, 1.0))
    return Reranking(logistic, 100, individuals, 80, 0.5, 0.6, 0.6, 0.7, rank_1, reciprocal)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shared", [0.0, 5.0])
def test_an_informative_plausibility_helps(seed, shared):
    fitted = fit_reranking(ranked_queries(seed, informative=2.0, shared=shared), seed=seed)
    assert fitted.helps
    assert fitted.rank_1_after > fitted.rank_1_before + 0.1
    assert fitted.rank_1_difference.value == pytest.approx(fitted.rank_1_after - fitted.rank_1_before)
    assert fitted.reciprocal_difference.value == pytest.approx(
        fitted.reciprocal_after - fitted.reciprocal_before
    )
    assert fitted.order([0.7, 0.69], [-2.0, 2.0]).tolist() == [1, 0]


@pytest.mark.parametrize("seed", range(6))
def test_noise_does_not_help_and_changes_nothing(seed):
    fitted = fit_reranking(ranked_queries(seed, informative=0.0), seed=seed)
    assert not fitted.helps
    assert abs(fitted.rank_1_difference.value) < 0.1
    assert fitted.order([0.7, 0.69], [-9.0, 9.0]).tolist() == [0, 1]


def test_figures_before_are_those_of_the_order_by_similarity():
    ranked = ranked_queries(0, informative=1.0)
    fitted = fit_reranking(ranked)
    first = [int(np.argmax(row)) if row.any() else None for row in ranked.same]
    assert fitted.rank_1_before == pytest.approx(np.mean([place == 0 for place in first]))
    expected = np.mean([0 if place is None else 1 / (place + 1) for place in first])
    assert fitted.reciprocal_before == pytest.approx(expected)
    assert (fitted.queries, fitted.individuals) == (200, len(set(ranked.individual)))
    assert fitted.with_right == sum(place is not None for place in first)


def test_the_same_queries_and_seed_give_the_same_reranking():
    ranked = ranked_queries(0, informative=1.0)
    assert fit_reranking(ranked, seed=3) == fit_reranking(ranked, seed=3)


def test_a_query_is_ordered_by_what_other_individuals_taught():
    """Each individual's right candidate is told by another sign: what one teaches is wrong for the other."""
    ranked = ranked_queries(0, informative=0.0, individuals=2)
    sign = np.where(ranked.individual == 0, 1.0, -1.0)[:, None]
    opposed = replace(ranked, plausibility=10.0 * sign * ranked.same)
    fitted = fit_reranking(opposed)
    assert fitted.rank_1_after == 0.0


def test_queries_without_a_right_candidate_fail_before_and_after():
    ranked = ranked_queries(0, informative=2.0)
    never = replace(ranked, same=np.zeros_like(ranked.same))
    fitted = fit_reranking(never)
    assert fitted.logistic is None
    assert not fitted.helps
    assert (fitted.with_right, fitted.rank_1_after, fitted.reciprocal_after) == (0, 0, 0)


def test_queries_with_right_candidates_only_teach_nothing():
    ranked = ranked_queries(0, informative=2.0)
    fitted = fit_reranking(replace(ranked, same=np.ones_like(ranked.same)))
    assert fitted.logistic is None
    assert (fitted.rank_1_before, fitted.rank_1_after, fitted.helps) == (1, 1, False)


def test_missing_candidates_change_nothing():
    ranked = ranked_queries(1, informative=2.0)
    absent = np.full((len(ranked), 2), math.nan)
    wider = RankedQueries(
        np.hstack([ranked.similarity, absent]),
        np.hstack([ranked.plausibility, absent]),
        np.hstack([ranked.same, np.ones((len(ranked), 2), bool)]),
        ranked.individual,
    )
    assert fit_reranking(wider) == fit_reranking(ranked)


@pytest.mark.parametrize(
    ("rank_1", "reciprocal", "helps"),
    [
        (HELPS, HELPS, True),
        (NONE, HELPS, True),
        (HELPS, NONE, True),
        (NONE, NONE, False),
        (UNSURE, HELPS, False),
        (HELPS, UNSURE, False),
        (HELPS, WORSE, False),
        (Interval(0.1, math.nan, math.nan, 9), HELPS, False),
        (HELPS, Interval(0.1, math.nan, math.nan, 9), False),
    ],
)
def test_it_helps_only_where_one_figure_is_better_and_the_other_not_worse(rank_1, reciprocal, helps):
    fitted = reranking(rank_1, reciprocal)
    assert fitted.helps is helps
    assert fitted.order([0.9, 0.8], [0.0, 5.0]).tolist() == ([1, 0] if helps else [0, 1])
    assert not reranking(rank_1, reciprocal, individuals=9).helps


SCORES = st.one_of(st.floats(-5, 5), st.just(math.nan))


@given(st.lists(st.tuples(SCORES, SCORES), max_size=8), st.sampled_from([HELPS, WORSE]))
@settings(deadline=None)
def test_an_order_is_a_permutation_with_missing_candidates_last(candidates, difference):
    similarity, plausibility = zip(*candidates, strict=True) if candidates else ((), ())
    fitted = reranking(difference, difference)
    order = fitted.order(similarity, plausibility)
    assert sorted(order) == list(range(len(candidates)))
    score = np.add(similarity, plausibility) if fitted.helps else np.array(similarity)
    missing = np.isnan(score[order])
    assert (np.diff(missing.astype(int)) >= 0).all()
    assert (np.diff(score[order][~missing]) <= 1e-12).all()


def test_equal_candidates_keep_their_order():
    assert reranking(HELPS, HELPS).order([0.5] * 5, [1.0] * 5).tolist() == [0, 1, 2, 3, 4]
    assert reranking(NONE, NONE).order([0.5] * 5, [5, 4, 3, 2, 9]).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("similarity", "plausibility"), [([0.1], [0.1, 0.2]), ([[0.1]], [[0.1]])])
def test_candidates_need_both_scores(similarity, plausibility):
    with pytest.raises(ValueError):
        reranking(HELPS, HELPS).order(similarity, plausibility)


@pytest.mark.parametrize(
    "change",
    [
        {"similarity": [[math.nan, 0.2]]},
        {"similarity": [0.3, 0.2]},
        {"plausibility": [[math.inf, 0.2]]},
        {"plausibility": [[0.2]]},
        {"same": [[True]]},
        {"individual": [1, 2]},
    ],
)
def test_queries_that_do_not_fit_together_are_refused(change):
    whole = {
        "similarity": [[0.3, 0.2]],
        "plausibility": [[0.0, 1.0]],
        "same": [[True, False]],
        "individual": [1],
    }
    with pytest.raises(ValueError):
        RankedQueries(**(whole | change))


def test_one_individual_cannot_be_cross_validated():
    with pytest.raises(ValueError):
        fit_reranking(ranked_queries(0, informative=1.0, individuals=1))
