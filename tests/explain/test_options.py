"""Departures from the published method: off by default, correct, and said on the explanation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pairx_core import EmbeddingModel, ExplanationError, ExplanationOptions, PairExplainer, PairExplanation
from pairx_core.explain.matching import hypercolumns, local_agreement, mutual_matches
from pairx_core.explain.trace import RelevanceModel
from tests.explain.tiny_models import SkipNet, explainer_of, tiny_inputs, tiny_net

pytestmark = pytest.mark.usefixtures("one_thread")


def explained(**options):
    explainer = explainer_of(tiny_net(), options=ExplanationOptions(**options))
    return explainer.explain_tensors(*tiny_inputs(), k_colors=2)


def test_the_default_departs_in_nothing():
    assert ExplanationOptions().departures() == ()
    assert explained().departures == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"precision": "bfloat16"}, "inexact: bfloat16"),
        ({"precision": "float64"}, "float64"),
        ({"distance": "cosine"}, "cells matched by cosine"),
        ({"descriptor": "hypercolumn"}, "cells described by several stages"),
        ({"agreement": True}, "lines in the order of relevance and local agreement"),
        ({"refine_matches": True}, "match positions refined between cells"),
        ({"conserve_skips": True}, "relevance conserved at skip connections"),
        ({"channel_reduction": "sum_of_abs"}, "relevance reduced as the sum of absolute values"),
    ],
)
def test_every_departure_is_said_and_survives_saving(options, words, tmp_path):
    explanation = explained(**options)
    assert explanation.departures == (words,)
    explanation.save(tmp_path / "pair.npz")
    assert PairExplanation.load(tmp_path / "pair.npz").options == explanation.options


def test_cosine_matching_is_that_of_unit_vectors():
    torch.manual_seed(2)
    first, second = torch.randn(1, 5, 4, 6), torch.randn(1, 5, 3, 7)
    found = mutual_matches(first, second, "cosine")
    unit = [torch.nn.functional.normalize(x[0].flatten(1).T.double(), dim=1) for x in (first, second)]
    similarity = (unit[0] @ unit[1].T).numpy()
    assert len(found.query) > 3
    for query, candidate, distance in zip(found.query, found.candidate, found.distance, strict=True):
        assert similarity[query].argmax() == candidate and similarity[:, candidate].argmax() == query
        assert distance == pytest.approx(1 - similarity[query, candidate])


def test_hypercolumns_are_each_stage_s_unit_vectors_one_after_the_other():
    torch.manual_seed(3)
    fine, own, coarse = torch.randn(1, 3, 8, 8), torch.randn(1, 5, 4, 4), torch.randn(1, 7, 2, 2)
    cells = hypercolumns([fine, own, coarse], torch.Size((4, 4)))
    assert cells.shape == (1, 15, 4, 4)
    mean = fine[0, :, 2:4, 6:8].mean((1, 2))  # what lies under the cell in row 1, column 3
    assert torch.allclose(cells[0, :3, 1, 3], mean / mean.norm(), atol=1e-6)
    assert torch.allclose(cells[0, 3:8, 1, 3], own[0, :, 1, 3] / own[0, :, 1, 3].norm(), atol=1e-6)
    corner = coarse[0, :, 0, 0]  # no neighbours beyond the edge
    assert torch.allclose(cells[0, 8:, 0, 0], corner / corner.norm(), atol=1e-6)


def test_hypercolumns_match_by_the_model_s_own_stages():
    net = tiny_net()
    explainer = explainer_of(net, options=ExplanationOptions(descriptor="hypercolumn"))
    inputs = tiny_inputs()
    found = explainer.explain_tensors(*inputs, k_colors=0)
    model = explainer.model
    size = (inputs[0].shape[-1], inputs[0].shape[-2])
    grid = next(stage.grid_size for stage in model.layers(size) if stage.path == explainer.layer)
    stages = [stage.path for stage in model.layers(size) if max(stage.grid_size) <= 2 * max(grid)]
    maps = [[features(net, path, image) for path in stages] for image in inputs]
    expected = mutual_matches(*(hypercolumns(some, torch.Size(grid[::-1])) for some in maps))
    cells = found.matches.query_cells
    assert sorted(cells[:, 1] * grid[0] + cells[:, 0]) == sorted(expected.query)
    assert len(stages) > 1 and len(cells) > 1


def features(net, path, image):
    seen = []
    hook = net.get_submodule(path).register_forward_hook(lambda _, __, output: seen.append(output.detach()))
    with torch.no_grad():
        net(image)
    hook.remove()
    return seen[-1]


def test_matches_that_move_as_their_neighbours_agree():
    random = np.random.default_rng(0)
    query = random.random((30, 2)) * 0.8
    candidate = query + 0.1
    candidate[:3] = random.random((3, 2))
    agreement = local_agreement(query, candidate)
    assert (agreement[:3] < 0.3).all() and agreement[3:].mean() > 0.7
    assert np.array_equal(agreement, local_agreement(candidate, query))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_lonely_match_agrees_with_nothing(count):
    places = np.full((count, 2), 0.5)
    assert local_agreement(places, places).tolist() == ([0.0] if count == 1 else [1.0] * count)


def test_agreement_changes_the_order_of_lines_and_not_the_matches():
    plain, ordered = explained(), explained(agreement=True)
    assert len(plain.matches) > 3
    pairs = [
        {
            (*a, *b)
            for a, b in zip(x.matches.query_cells.tolist(), x.matches.candidate_cells.tolist(), strict=True)
        }
        for x in (plain, ordered)
    ]
    assert pairs[0] == pairs[1]
    assert (np.diff(ordered.matches.relevance) <= 0).all()
    assert (ordered.matches.relevance <= np.sort(plain.matches.relevance)[::-1] + 1e-12).all()


def test_refined_positions_find_a_shift_of_a_fraction_of_a_cell():
    grid = torch.arange(12, dtype=torch.float64)
    rows, columns = torch.meshgrid(grid, grid, indexing="ij")

    def field(dx: float, dy: float) -> torch.Tensor:
        x, y = columns + dx, rows + dy
        waves = [torch.sin(x / 3), torch.cos(x / 3), torch.sin(y / 3), torch.cos(y / 3)]
        return torch.stack(waves)[None]

    found = mutual_matches(field(0, 0), field(0.3, -0.2), refine=True)
    inside = (found.candidate % 12 > 0) & (found.candidate % 12 < 11)
    inside &= (found.candidate // 12 > 0) & (found.candidate // 12 < 11)
    expected = np.asarray([-0.3, 0.2])
    same = found.query[inside] == found.candidate[inside]
    assert same.sum() > 50
    errors = found.candidate_shift[inside][same] - expected
    assert np.abs(errors).max() < 0.12  # unrefined, the error is 0.3
    assert np.abs(found.query_shift).max() <= 0.5


def test_refinement_leaves_the_matches_themselves_as_they_are():
    plain, refined = explained(), explained(refine_matches=True)
    assert (plain.matches.query_cells == refined.matches.query_cells).all()
    pitch = np.asarray([48 / 12, 64 / 16])
    moved = np.abs(refined.matches.query_xy - plain.matches.query_xy)
    assert moved.max() > 0.1 and (moved <= pitch / 2 + 1e-4).all()


@pytest.mark.parametrize("in_place", [False, True])
def test_relevance_is_conserved_at_a_skip_only_when_asked_for(in_place):
    torch.manual_seed(3)
    net = SkipNet(in_place).double().eval()
    torch.nn.init.zeros_(net.branch.bias)
    image = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    totals = {}
    for conserve in (False, True):
        trace = RelevanceModel(net, ["entry", "branch"], image, conserve_skips=conserve).trace(image)
        seed = torch.ones_like(trace.embedding)
        totals[conserve] = {name: float(trace.layer_relevance(name, seed).sum()) for name in trace.layers}
    of_sum = totals[False]["branch"]  # where relevance is not shared out, the branch gets all of the sum's
    assert totals[False]["entry"] == pytest.approx(2 * of_sum, rel=1e-3)
    assert totals[True]["entry"] == pytest.approx(of_sum, rel=1e-3)


def test_conserved_skips_share_relevance_by_the_summands():
    torch.manual_seed(4)
    net = SkipNet().double().eval()
    image = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    trace = RelevanceModel(net, ["branch"], image, conserve_skips=True).trace(image)
    plain = RelevanceModel(net, ["branch"], image).trace(image)
    seed = torch.rand_like(trace.embedding)
    with torch.no_grad():
        x = net.stem(image).relu() + 0.1
        y = net.branch(x)
    expected = plain.layer_relevance("branch", seed) * y / (x + y + 1e-6 * torch.sign(x + y))
    torch.testing.assert_close(trace.layer_relevance("branch", seed), expected)


def test_bfloat16_comes_near_and_float64_nearer():
    exact, rough, double = (explained(precision=kind) for kind in ("float32", "bfloat16", "float64"))
    assert rough.similarity == pytest.approx(exact.similarity, abs=0.02)
    assert np.corrcoef(rough.query_relevance.ravel(), exact.query_relevance.ravel())[0, 1] > 0.95
    np.testing.assert_allclose(
        exact.query_relevance, double.query_relevance, atol=1e-4 * double.query_relevance.max()
    )


def test_several_layers_are_explained_from_the_same_pass():
    explainer = explainer_of(tiny_net(), layer=("blocks.0", "blocks.1"))
    together = explainer.explain_tensor_layers(*tiny_inputs(), k_colors=2)
    assert [explanation.layer for explanation in together] == ["blocks.0", "blocks.1"]
    for explanation in together:
        alone = explainer_of(tiny_net(), layer=explanation.layer).explain_tensors(*tiny_inputs(), k_colors=2)
        assert (alone.matches.query_cells == explanation.matches.query_cells).all()
        np.testing.assert_allclose(alone.matches.relevance, explanation.matches.relevance, rtol=1e-4)
        scale = alone.query_color_maps.max()
        np.testing.assert_allclose(
            alone.query_color_maps / scale, explanation.query_color_maps / scale, atol=1e-6
        )


def test_another_input_size_is_used_and_said(sample_photos):
    from pairx_core import load_model

    model = load_model("demo")
    small = PairExplainer(model, options=ExplanationOptions(input_size=(192, 160)))
    explanation = small.explain(*sample_photos, k_colors=1)
    assert explanation.query_color_maps.shape == (1, 160, 192)
    assert explanation.departures == ("inexact: input of 192×160 pixels",)
    assert "192×160" in explanation.preprocessing


def test_an_input_size_that_a_transformer_refuses_is_a_clear_error(sample_photos):
    import timm

    from pairx_core import Preprocessing

    model = EmbeddingModel(
        timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=0).eval(),
        Preprocessing((64, 64)),
        "vit",
    )
    explainer = PairExplainer(model, options=ExplanationOptions(input_size=(96, 96)))
    with pytest.raises(ExplanationError, match="vit does not take inputs of 96×96 pixels"):
        explainer.explain(*sample_photos)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "float32, float64, bfloat16"),
        ({"distance": "manhattan"}, "euclidean, cosine"),
        ({"input_size": (16, 440)}, "32 to 4096"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ExplanationError, match=message):
        ExplanationOptions(**options)
