"""What cannot be explained is said in words; what is merely odd is explained right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pairx_core import EmbeddingModel, ExplanationError, PairExplainer
from pairx_core.explain.computing import memory_watched
from tests.explain.tiny_models import TinyNet, explainer_of, tiny_inputs, tiny_net


def test_a_feature_map_that_is_not_finite_is_named():
    net = tiny_net()
    with torch.no_grad():
        net.blocks[1][0].weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(ExplanationError, match="query's feature map at “blocks.1” is not finite"):
        explainer_of(net).explain_tensors(*tiny_inputs())


def test_a_feature_map_of_zeros_is_named():
    net = tiny_net()
    with torch.no_grad():
        net.blocks[1][1].weight.zero_()
        net.blocks[1][1].bias.fill_(-1)
    with pytest.raises(ExplanationError, match="zero everywhere"):
        explainer_of(net).explain_tensors(*tiny_inputs())


def test_an_embedding_of_zeros_is_named():
    net = tiny_net()
    with torch.no_grad():
        net.neck.weight.zero_()
        net.neck.bias.zero_()
    with pytest.raises(ExplanationError, match="embedding of the query is zero"):
        explainer_of(net).explain_tensors(*tiny_inputs())


def test_inputs_that_are_not_finite_are_named():
    query, candidate = tiny_inputs()
    candidate[0, 0, 0, 0] = float("inf")
    with pytest.raises(ExplanationError, match="candidate holds values that are not finite"):
        explainer_of(tiny_net()).explain_tensors(query, candidate)


def test_identical_photos_match_cell_by_cell_and_stay_finite():
    query, _ = tiny_inputs()
    explanation = explainer_of(tiny_net()).explain_tensors(query, query.clone(), k_colors=2)
    assert (explanation.matches.query_cells == explanation.matches.candidate_cells).all()
    assert explanation.matches.distance.max() == 0
    assert np.isfinite(explanation.query_relevance).all()
    assert explanation.query_color_maps.tobytes() == explanation.candidate_color_maps.tobytes()


def test_a_constant_photo_is_explained():
    explanation = explainer_of(tiny_net()).explain_tensors(
        torch.zeros(1, 3, 64, 48), tiny_inputs()[0], k_colors=1
    )
    assert np.isfinite(explanation.matches.relevance).all()


@pytest.mark.parametrize("wrong", ["block.1", "blocks1", "Blocks.1"])
def test_a_layer_that_does_not_exist_is_answered_with_the_nearest_names(wrong):
    with pytest.raises(ExplanationError, match=r"Did you mean .*blocks\.1"):
        explainer_of(tiny_net(), layer=wrong)


def test_a_layer_without_a_grid_is_refused():
    with pytest.raises(ExplanationError, match="“pool” has no grid of cells"):
        explainer_of(tiny_net(), layer="pool").explain_tensors(*tiny_inputs())


def test_a_layer_inside_a_gate_is_refused():
    import timm

    model = EmbeddingModel(timm.create_model("test_efficientnet", num_classes=0).eval(), None, "gated")
    gate = next(path for path, part in model.module.named_modules() if path.endswith("se.conv_reduce"))
    with pytest.raises(ExplanationError, match="lies inside a module that relevance passes as a whole"):
        PairExplainer(model, gate).explain_tensors(*(torch.randn(1, 3, 64, 64) for _ in range(2)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_precision_model_is_explained_in_single_precision(dtype):
    net = tiny_net().to(dtype)
    photos = [photo.to(dtype) for photo in tiny_inputs()]
    explanation = explainer_of(net).explain_tensors(*photos, k_colors=1)
    reference = explainer_of(net.float()).explain_tensors(*(photo.float() for photo in photos), k_colors=1)
    assert explanation.query_relevance.tobytes() == reference.query_relevance.tobytes()
    assert next(net.parameters()).dtype == torch.float32  # only this test changed it


def test_a_half_precision_model_stays_one():
    net = tiny_net().half()
    explainer_of(net).explain_tensors(*tiny_inputs())
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float16}


def test_a_model_in_training_mode_is_explained_as_in_evaluation():
    torch.manual_seed(0)
    net = TinyNet().train()
    trained = explainer_of(net).explain_tensors(*tiny_inputs(), k_colors=1)
    assert net.training
    evaluated = explainer_of(net.eval()).explain_tensors(*tiny_inputs(), k_colors=1)
    assert trained.query_relevance.tobytes() == evaluated.query_relevance.tobytes()


def test_a_model_that_multiplies_in_place_is_refused_in_words():
    class Gating(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList([nn.Conv2d(3, 4, 3, 2, 1)])
            self.norm = nn.LayerNorm(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stages[0](x) + 0
            x.mul_(x.sigmoid())
            return self.norm(x.mean((2, 3)))

    with pytest.raises(ExplanationError, match="multiplies two activations in place"):
        PairExplainer(EmbeddingModel(Gating().eval(), None, "g"), "stages.0").explain_tensors(*tiny_inputs())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: not enough memory: you tried to allocate"
        ),
    ],
)
def test_running_out_of_memory_says_which_knob_to_turn(error, monkeypatch):
    from pairx_core.explain.trace import RelevanceModel

    def exhausted(*_: object) -> None:
        raise error

    monkeypatch.setattr(RelevanceModel, "trace", exhausted)
    with pytest.raises(ExplanationError, match=r"memory_budget.*input_size"):
        explainer_of(tiny_net()).explain_tensors(*tiny_inputs())


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="a bug"), memory_watched():
        raise RuntimeError("a bug")


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ExplanationError, match="“nowhere” cannot be used"):
        explainer_of(tiny_net(), device="nowhere")
