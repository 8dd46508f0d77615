"""Explanations step by step, from many threads, and within a memory budget."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pairx_core.explain.trace import Trace
from tests.explain.tiny_models import explainer_of, tiny_inputs, tiny_net


def bytes_of(explanation) -> list[bytes]:
    arrays = (explanation.matches.relevance, explanation.query_relevance, explanation.candidate_relevance)
    arrays += (explanation.query_color_maps, explanation.candidate_color_maps)
    return [np.ascontiguousarray(array).tobytes() for array in arrays]


def test_lines_and_heat_maps_come_first_then_the_color_maps_one_match_at_a_time():
    stages = list(explainer_of(tiny_net()).tensor_stages(*tiny_inputs(), k_colors=3))
    assert [len(stage.query_color_maps) for stage in stages] == [0, 1, 2, 3]
    whole = explainer_of(tiny_net()).explain_tensors(*tiny_inputs(), k_colors=3)
    assert bytes_of(stages[-1]) == bytes_of(whole)
    for number, stage in enumerate(stages):
        assert stage.matches.relevance.tobytes() == whole.matches.relevance.tobytes()
        assert stage.query_color_maps.tobytes() == whole.query_color_maps[:number].tobytes()


def test_who_stops_iterating_stops_the_work(monkeypatch):
    asked = []
    may_go_on = threading.Event()
    original = Trace.color_map

    def slow(self, layer, *cell):
        asked.append(cell)
        if len(asked) > 2:
            assert may_go_on.wait(60)
        return original(self, layer, *cell)

    monkeypatch.setattr(Trace, "color_map", slow)
    stages = explainer_of(tiny_net()).tensor_stages(*tiny_inputs(), k_colors=8)
    next(stages)
    assert asked == []
    next(stages)
    threading.Timer(0.2, may_go_on.set).start()
    stages.close()
    begun = len(asked)
    assert begun <= 4  # the first match's two, and the two at work when it was stopped
    time.sleep(0.1)
    assert len(asked) == begun


def test_fewer_matches_than_asked_for_are_explained_as_they_are():
    explanation = explainer_of(tiny_net()).explain_tensors(*tiny_inputs(), k_lines=9999, k_colors=9999)
    assert explanation.line_count == len(explanation.matches) == len(explanation.query_color_maps)


def test_eight_threads_explaining_mixed_pairs_give_one_thread_s_bytes():
    inputs = tiny_inputs(4)
    pairs = [(inputs[i], inputs[j]) for i in range(4) for j in range(4) if i != j]
    alone = [bytes_of(explainer_of(tiny_net()).explain_tensors(*pair, k_colors=2)) for pair in pairs]
    shared = explainer_of(tiny_net(), memory_budget=1_000_000)
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(shared.explain_tensors, *pair, k_colors=2) for pair in pairs * 3]
        for number, run in enumerate(runs):
            assert bytes_of(run.result()) == alone[number % len(pairs)]


def test_photos_of_different_sizes_can_be_a_pair():
    (query,), (candidate,) = tiny_inputs(1), tiny_inputs(1, (80, 72))
    explanation = explainer_of(tiny_net()).explain_tensors(query, candidate, k_colors=1)
    assert explanation.query_relevance.shape == (16, 12)
    assert explanation.candidate_relevance.shape == (20, 18)
    assert explanation.candidate_color_maps.shape == (1, 80, 72)


@pytest.mark.parametrize("budget", [0, 10_000_000])
def test_traces_stay_within_the_budget_and_bytes_do_not_depend_on_it(budget):
    inputs = tiny_inputs(4)
    explainer = explainer_of(tiny_net(), memory_budget=budget)
    results = [bytes_of(explainer.explain_tensors(inputs[0], other, k_colors=2)) for other in inputs[1:]]
    assert explainer.memory_used <= budget
    assert (explainer.memory_used > 0) == (budget > 0)
    fresh = [
        bytes_of(explainer_of(tiny_net()).explain_tensors(inputs[0], other, k_colors=2))
        for other in inputs[1:]
    ]
    assert results == fresh


def test_a_query_is_run_forward_once_for_all_its_candidates(monkeypatch):
    from pairx_core.explain.trace import RelevanceModel

    traced = []
    original = RelevanceModel.trace
    monkeypatch.setattr(
        RelevanceModel, "trace", lambda self, x: traced.append(float(x.sum())) or original(self, x)
    )
    inputs = tiny_inputs(4)
    explainer = explainer_of(tiny_net())
    for candidate in inputs[1:]:
        explainer.explain_tensors(inputs[0], candidate, k_colors=1)
    assert len(traced) == 4


def test_memory_is_trimmed_although_nobody_waits_for_color_maps():
    inputs = tiny_inputs(4)
    explainer = explainer_of(tiny_net(), memory_budget=0)
    for candidate in inputs[1:]:
        stages = explainer.tensor_stages(inputs[0], candidate, k_colors=2)
        next(stages)
        stages.close()
    assert explainer.memory_used == 0
