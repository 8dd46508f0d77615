from __future__ import annotations

import numpy as np

from pairx_core.evaluate.methods.chance import Chance
from tests.evaluate.methods.making import view


def test_a_pair_gets_the_same_each_time_and_another_pair_something_else():
    first, again = (Chance().evidence(view(1), view(2)) for _ in range(2))
    np.testing.assert_array_equal(first.query_xy, again.query_xy)
    np.testing.assert_array_equal(first.candidate_map, again.candidate_map)
    for other in (Chance().evidence(view(1), view(3)), Chance(seed=1).evidence(view(1), view(2))):
        assert not np.array_equal(first.query_xy, other.query_xy)
        assert not np.array_equal(first.query_map, other.query_map)


def test_lines_end_evenly_all_over_both_pictures():
    made = [Chance(seed).evidence(view(1), view(2)) for seed in range(40)]
    for xy in (np.concatenate([evidence.query_xy for evidence in made]) / [96, 160],):
        assert abs(xy.mean() - 0.5) < 0.02 and abs(xy.std() - 12**-0.5) < 0.02
    assert all(len(evidence.weight) == 100 and (np.diff(evidence.weight) <= 0).all() for evidence in made)


def test_which_place_matches_which_is_not_told_by_chance():
    made = [Chance(seed).evidence(view(1), view(2)) for seed in range(40)]
    ends = [np.concatenate([getattr(e, side)[:, 0] for e in made]) for side in ("query_xy", "candidate_xy")]
    assert abs(np.corrcoef(*ends)[0, 1]) < 0.05
