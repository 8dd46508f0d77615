"""The steps of a pair: they are those that its explanation came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pairx_core import PairExplainer, load_model
from pairx_core.errors import ExplanationError
from pairx_core.explain import ExplanationCache, ExplanationOptions, pairing, stepping
from pairx_core.explain.stepping import stepwise
from pairx_core.explain.steps import PairSteps, other, share_within
from pairx_core.explain.trace import RelevanceModel


@pytest.fixture(autouse=True, scope="module")
def on_one_thread(one_thread):
    """See there."""


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_model(str(tiny_checkpoint))


def last(steps) -> PairSteps:
    *_, final = steps
    return final


@pytest.fixture
def steps(model, sample_photos) -> PairSteps:
    """Of 24 × 24 cells."""
    return last(stepwise(PairExplainer(model), *sample_photos, k_lines=5, k_colors=2))


@pytest.fixture
def oblong(model, sample_photos) -> PairSteps:
    """Of 24 × 16 cells."""
    options = ExplanationOptions(input_size=(96, 64))
    return last(stepwise(PairExplainer(model, options=options), *sample_photos, k_lines=5, k_colors=2))


def all_cells(steps: PairSteps, side):
    columns, rows = steps.grid(side)
    return [(column, row) for row in range(rows) for column in range(columns)]


def test_the_explanation_is_the_explainers_own_in_the_same_stages(model, sample_photos):
    stages = list(stepwise(PairExplainer(model), *sample_photos, k_colors=2))
    alone = PairExplainer(model).explain(*sample_photos, k_colors=2)
    assert [len(one.explanation.query_color_maps) for one in stages] == [0, 1, 2]
    np.testing.assert_array_equal(stages[-1].explanation.matches.query_cells, alone.matches.query_cells)
    np.testing.assert_array_equal(stages[-1].explanation.matches.relevance, alone.matches.relevance)
    assert stages[0].maps is stages[-1].maps  # made once


@pytest.mark.parametrize("side", ["query", "candidate"])
def test_cells_that_agree_there_and_back_are_exactly_the_matches(oblong, side):
    steps = oblong
    agreeing, matched = {}, {}
    for cell in all_cells(steps, side):
        look = steps.look(side, cell)
        if look.back == cell:
            agreeing[cell] = look.nearest
        if look.match is not None:
            matched[cell] = tuple(steps.matched_cells(other(side))[look.match].tolist())
    assert agreeing == matched
    own, others = steps.matched_cells(side).tolist(), steps.matched_cells(other(side)).tolist()
    assert matched == {tuple(cell): tuple(far) for cell, far in zip(own, others, strict=True)}
    assert 0 < len(matched) < len(all_cells(steps, side))


def test_matches_are_told_by_their_rank_with_their_distance(steps):
    matches = steps.explanation.matches
    for number, (column, row) in enumerate(matches.query_cells.tolist()):
        look = steps.look("query", (column, row))
        assert look.match == number
        assert look.distance == pytest.approx(matches.distance[number], rel=1e-5)


def test_feature_maps_are_the_models_own(steps, model, sample_photos):
    from pairx_core.catalogue import open_photo

    seen = []
    stage = model.module.get_submodule(steps.explanation.layer)
    watching = stage.register_forward_hook(lambda *parts: seen.append(parts[-1]))
    with torch.inference_mode():
        for photo in sample_photos:
            model.module(model.preprocess([open_photo(photo)]))
    watching.remove()
    for side, output in zip(("query", "candidate"), seen, strict=True):
        np.testing.assert_allclose(steps.features(side), output[0].numpy(), rtol=1e-4, atol=1e-5)
        columns, rows = steps.grid(side)
        assert steps.features(side).shape[1:] == (rows, columns) == steps.strength(side).shape


def test_the_nearest_cell_is_the_nearest_by_the_feature_vectors(oblong):
    steps = oblong
    features = steps.features("candidate").astype(np.float64)
    own = steps.features("query")[:, 3, 5].astype(np.float64)
    far = np.linalg.norm(features - own[:, None, None], axis=0)
    look = steps.look("query", (5, 3))
    row, column = np.unravel_index(far.argmin(), far.shape)
    assert look.nearest == (column, row)
    assert look.distance == pytest.approx(far.min(), rel=1e-5)
    np.testing.assert_allclose(steps.distances_from("query", (5, 3)), far, rtol=1e-4)
    back = steps.distances_from("candidate", (column, row))
    assert back[3, 5] == pytest.approx(far.min(), rel=1e-5)


def test_relevance_of_a_cell_comes_with_its_rank(steps):
    relevance = steps.relevance("query")
    row, column = np.unravel_index(relevance.argmax(), relevance.shape)
    look = steps.look("query", (int(column), int(row)))
    assert (look.relevance, look.relevance_rank) == (relevance.max(), 1)


def test_telling_channels_vary_most(steps):
    first, *rest = steps.telling_channels(4)
    both = np.concatenate([steps.features(side).reshape(steps.maps.channels, -1) for side in SIDES], axis=1)
    spread = both.var(axis=1)
    assert spread[first] == spread.max()
    assert sorted([first, *rest], key=lambda channel: -spread[channel]) == [first, *rest]
    assert len({first, *rest}) == 4


SIDES = ("query", "candidate")


def test_without_feature_maps_matches_are_known_and_other_cells_are_not(steps):
    bare = PairSteps(steps.explanation, None)
    column, row = bare.matched_cells("candidate")[0].tolist()
    look = bare.look("candidate", (column, row))
    assert (look.match, look.strength, look.back) == (0, None, (column, row))
    assert list(look.nearest) == bare.matched_cells("query")[0].tolist()
    unmatched = next(cell for cell in all_cells(bare, "query") if bare.look("query", cell).match is None)
    look = bare.look("query", unmatched)
    assert (look.nearest, look.back, look.distance) == (None, None, None)
    assert bare.distances_from("query", unmatched) is None and bare.telling_channels(3) == ()


def test_what_was_kept_on_disk_gives_the_same_steps(model, sample_photos, steps, tmp_path):
    def made() -> PairSteps:
        explainer = PairExplainer(model, cache=ExplanationCache(tmp_path))
        return last(stepwise(explainer, *sample_photos, k_colors=2))

    made()
    again = made()  # matches from the disk, feature maps from a new pass
    np.testing.assert_array_equal(again.maps.query_nearest, steps.maps.query_nearest)
    np.testing.assert_array_equal(again.maps.query, steps.maps.query)


def test_the_memory_budget_holds_afterwards(model, sample_photos):
    explainer = PairExplainer(model, memory_budget=0)
    last(stepwise(explainer, *sample_photos, k_colors=1))
    assert explainer.memory_used == 0


@pytest.mark.parametrize("place", ["another pass", "all distances", "their copies"])
def test_too_little_memory_for_the_cells_is_said_in_words(model, sample_photos, tmp_path, monkeypatch, place):
    cache = ExplanationCache(tmp_path)
    last(stepwise(PairExplainer(model, cache=cache), *sample_photos, k_colors=0))

    def lacking(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 90000000000 bytes.")

    owner, name = {
        "another pass": (RelevanceModel, "trace"),
        "all distances": (pairing, "nearest_cells"),
        "their copies": (stepping, "_channels"),
    }[place]
    monkeypatch.setattr(owner, name, lacking)
    explainer = PairExplainer(
        model, cache=cache, memory_budget=0
    )  # matches from the disk, cells from a new pass
    with pytest.raises(ExplanationError, match="not enough memory to explain this pair. Lower"):
        next(stepwise(explainer, *sample_photos, k_colors=0))
    assert explainer.memory_used == 0


def test_cells_described_by_several_stages_agree_with_their_matches_too(model, sample_photos):
    options = ExplanationOptions(descriptor="hypercolumn", distance="cosine")
    made = last(stepwise(PairExplainer(model, options=options), *sample_photos, k_colors=0))
    for number, (column, row) in enumerate(made.explanation.matches.query_cells.tolist()):
        look = made.look("query", (column, row))
        assert (look.back, look.match) == ((column, row), number)


def test_memory_is_counted_with_every_array(steps):
    maps, made = steps.maps, steps.explanation
    tables = (maps.query_nearest, maps.candidate_nearest, maps.distances)
    assert maps.nbytes == sum(one.nbytes for one in (maps.query, maps.candidate, *tables))
    of_cells = (
        made.query_relevance,
        made.candidate_relevance,
        made.query_color_maps,
        made.candidate_color_maps,
    )
    of_matches = [getattr(made.matches, name) for name in made.matches.__slots__]
    assert len(of_matches) == 6
    alone = sum(one.nbytes for one in (*of_cells, *of_matches))
    assert PairSteps(made, None).nbytes == alone and steps.nbytes == maps.nbytes + alone


def test_the_share_of_a_color_map_within_its_cell():
    color_map = np.zeros((8, 12), np.float32)
    color_map[2:4, 3:6] = 1  # the cell (1, 1) of 4 × 4
    assert share_within(color_map, (1, 1), (4, 4)) == 1
    color_map[0, 0] = 6
    assert share_within(color_map, (1, 1), (4, 4)) == 0.5
    assert share_within(np.zeros((8, 12), np.float32), (1, 1), (4, 4)) == 0
