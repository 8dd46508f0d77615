"""PairExplainer as its users see it."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from pairx_core import ExplanationError, PairExplanation
from pairx_core.explain import ExplanationOptions
from pairx_core.explain.pairing import cosine_with_gradients
from tests.explain.tiny_models import TinyNet, explainer_of, tiny_inputs, tiny_net


@pytest.fixture(scope="module")
def module() -> nn.Module:
    return tiny_net()


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    query, candidate = tiny_inputs()
    return query, candidate


def arrays_of(explanation: PairExplanation) -> list[bytes]:
    return [
        np.ascontiguousarray(array).tobytes()
        for array in (
            explanation.matches.query_cells,
            explanation.matches.relevance,
            explanation.query_relevance,
            explanation.candidate_color_maps,
        )
    ]


def test_an_explanation_has_the_promised_shapes(module, pair):
    explanation = explainer_of(module).explain_tensors(*pair, k_lines=5, k_colors=3)
    count = len(explanation.matches)
    assert explanation.query_relevance.shape == (16, 12)
    assert explanation.query_color_maps.shape == (3, 64, 48)
    assert explanation.matches.query_cells.shape == explanation.matches.candidate_xy.shape == (count, 2)
    assert explanation.line_count == 5
    assert (np.diff(explanation.matches.relevance) <= 0).all()
    assert (explanation.query_color_maps >= 0).all()


def test_matches_are_mutual_nearest_neighbours(module, pair):
    explanation = explainer_of(module).explain_tensors(*pair)
    features = [module.blocks[:2](photo)[0].detach().double().flatten(1).T for photo in pair]
    distances = torch.cdist(*features).numpy()
    columns = 12
    for (qx, qy), (cx, cy), distance in zip(
        explanation.matches.query_cells,
        explanation.matches.candidate_cells,
        explanation.matches.distance,
        strict=True,
    ):
        query, candidate = qy * columns + qx, cy * columns + cx
        assert distances[query].argmin() == candidate and distances[:, candidate].argmin() == query
        assert distance == pytest.approx(distances[query, candidate], rel=1e-4)


def test_match_relevance_is_the_product_of_its_cells(module, pair):
    explanation = explainer_of(module).explain_tensors(*pair)
    (columns, rows), (c_columns, c_rows) = (
        explanation.matches.query_cells.T,
        explanation.matches.candidate_cells.T,
    )
    expected = explanation.query_relevance[rows, columns] * explanation.candidate_relevance[c_rows, c_columns]
    np.testing.assert_allclose(explanation.matches.relevance, expected)


def test_the_two_channel_reductions_differ(module, pair):
    first, second = (
        explainer_of(module, options=ExplanationOptions(channel_reduction=reduction)).explain_tensors(
            *pair, k_colors=0
        )
        for reduction in ("abs_of_sum", "sum_of_abs")
    )
    assert (second.query_relevance >= first.query_relevance - 1e-12).all()
    assert not np.allclose(first.query_relevance, second.query_relevance)


def test_asking_for_fewer_color_maps_changes_nothing_else(module, pair):
    many = explainer_of(module).explain_tensors(*pair, k_colors=4)
    few = explainer_of(module).explain_tensors(*pair, k_colors=1)
    assert few.query_color_maps.tobytes() == many.query_color_maps[:1].tobytes()
    assert few.matches.relevance.tobytes() == many.matches.relevance.tobytes()


def test_the_user_s_model_is_left_as_it_was(module, pair):
    before = copy.deepcopy(module.state_dict())
    structure = str(module)
    explainer_of(module).explain_tensors(*pair)
    assert str(module) == structure
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert module.blocks[0][2].inplace


def test_a_model_in_training_mode_stays_in_training_mode(pair):
    torch.manual_seed(0)
    net = TinyNet().train()
    explainer_of(net).explain_tensors(*pair)
    assert net.training


def test_many_threads_get_the_same_bytes(module, pair):
    explainer = explainer_of(module)
    alone = arrays_of(explainer.explain_tensors(*pair, k_colors=3))
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(explainer.explain_tensors, *pair, k_colors=3) for _ in range(12)]
        assert all(arrays_of(run.result()) == alone for run in runs)


def test_float32_lies_as_near_to_float64_as_rounding_allows(module, pair):
    single = explainer_of(module).explain_tensors(*pair, k_colors=2)
    double = explainer_of(copy.deepcopy(module).double()).explain_tensors(
        *(photo.double() for photo in pair), k_colors=2
    )
    scale = double.query_relevance.max()
    np.testing.assert_allclose(single.query_relevance / scale, double.query_relevance / scale, atol=1e-4)
    scale = double.query_color_maps.max()
    np.testing.assert_allclose(single.query_color_maps / scale, double.query_color_maps / scale, atol=1e-5)


def test_a_photo_and_itself_match_everywhere(module, pair):
    explanation = explainer_of(module).explain_tensors(pair[0], pair[0], k_colors=0)
    assert explanation.similarity == pytest.approx(1.0, abs=1e-6)
    assert (explanation.matches.query_cells == explanation.matches.candidate_cells).all()


def test_the_seed_is_the_gradient_of_the_cosine():
    torch.manual_seed(5)
    query, candidate = torch.randn(1, 6).double(), torch.randn(1, 6).double()
    similarity, (by_query, _) = cosine_with_gradients(query, candidate)
    step = torch.zeros_like(query)
    step[0, 2] = 1e-6
    moved, _ = cosine_with_gradients(query + step, candidate)
    assert (moved - similarity) / 1e-6 == pytest.approx(float(by_query[0, 2]), rel=1e-4)


def test_an_unknown_layer_is_refused_and_others_are_named(module):
    with pytest.raises(ExplanationError, match=r"no layer “blocks.9”.*blocks.0, blocks.1, blocks.2"):
        explainer_of(module, layer="blocks.9")


def test_a_layer_without_a_feature_map_is_refused(module, pair):
    with pytest.raises(ExplanationError, match="“neck” does not give a feature map"):
        explainer_of(module, layer="neck").explain_tensors(*pair)


def test_a_module_without_a_rule_is_named_with_its_path():
    net = TinyNet()
    net.neck = nn.Bilinear(16, 16, 10)
    with pytest.raises(ExplanationError, match="Bilinear at “neck”"):
        explainer_of(net)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(3, 64, 48), r"\(3, 64, 48\)"),
        (torch.zeros(2, 3, 64, 48), r"\(2, 3, 64, 48\)"),
        (torch.zeros(1, 3, 64, 48, dtype=torch.uint8), "floating-point"),
    ],
)
def test_tensors_of_another_form_are_refused(module, pair, tensor, message):
    with pytest.raises(ExplanationError, match=message):
        explainer_of(module).explain_tensors(tensor, pair[1])


def test_negative_counts_and_unknown_reductions_are_refused(module, pair):
    with pytest.raises(ExplanationError, match="k_colors is -1"):
        explainer_of(module).explain_tensors(*pair, k_colors=-1)
    with pytest.raises(ExplanationError, match="abs_of_sum, sum_of_abs"):
        ExplanationOptions(channel_reduction="max")


def test_an_explanation_survives_saving_and_loading(module, pair, tmp_path):
    explanation = explainer_of(module).explain_tensors(*pair, k_colors=2)
    explanation.save(tmp_path / "pair.npz")
    loaded = PairExplanation.load(tmp_path / "pair.npz")
    assert arrays_of(loaded) == arrays_of(explanation)
    assert (loaded.similarity, loaded.layer, loaded.query_frame) == (
        explanation.similarity,
        explanation.layer,
        explanation.query_frame,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["pair.npz"]


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_a_damaged_explanation_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "pair.npz"
    path.write_bytes(content)
    with pytest.raises(ExplanationError, match="pair.npz"):
        PairExplanation.load(path)


def test_a_missing_explanation_file_is_refused_by_name(tmp_path):
    with pytest.raises(ExplanationError, match="no such explanation"):
        PairExplanation.load(tmp_path / "gone.npz")
