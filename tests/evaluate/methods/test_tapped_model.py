from __future__ import annotations

import pytest
import torch
from torch import nn

from pairx_core import ExplanationError
from pairx_core.evaluate.methods.recent import Recent
from pairx_core.evaluate.methods.tapped_model import (
    TappedModel,
    last_feature_map,
    last_stage,
    matching_layer,
)
from tests.evaluate.methods.making import PooledNet, efficientnet, tiny_swin, tiny_vit, view, wrapped
from tests.explain.tiny_models import tiny_net

FORMS = [
    (lambda: tiny_net(), "blocks.1", (12, 16, 16), 64),
    (tiny_swin, "layers.0", (12, 16, 16), 32),  # channels last
    (tiny_vit, "blocks.1", (12, 8, 8), 32),  # tokens
]


@pytest.mark.parametrize(("module", "layer", "shape", "side"), FORMS)
def test_a_tap_shows_the_cells_and_changes_nothing(module, layer, shape, side):
    module, inputs = module(), view(0, (side, side)).inputs
    seen = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _, __, out: seen.append(out))
    expected = module(inputs)
    handle.remove()
    with torch.no_grad():
        features, embedding = TappedModel(wrapped(module), layer).features_and_embedding(inputs)
    assert torch.equal(embedding, expected)
    assert features.shape == (1, *shape)
    own = seen[0][:, -shape[1] * shape[2] :] if seen[0].ndim == 3 else seen[0]
    own = own if own.ndim == 4 and own.shape[1] == shape[0] else own.reshape(1, -1, shape[0]).mT
    assert torch.equal(features.flatten(2), own.reshape(1, shape[0], -1))


@pytest.mark.parametrize(("module", "layer", "shape", "side"), FORMS)
def test_changed_cells_reach_the_embedding_and_may_be_many(module, layer, shape, side):
    tapped, inputs = TappedModel(wrapped(module()), layer), view(0, (side, side)).inputs
    with torch.no_grad():
        own = tapped.embed(inputs)
        several = tapped.embed_changed(inputs, lambda cells: torch.cat([cells, cells.flip(1), cells]))
    torch.testing.assert_close(several[::2], own.expand(2, -1))
    assert not torch.allclose(several[1], own[0])


def test_the_users_model_keeps_its_hooks_weights_and_gradients():
    module = tiny_net()
    tapped = TappedModel(wrapped(module), "blocks.1")
    tapped.embed(view(0).inputs).sum().backward()
    assert not any(part._forward_hooks for part in module.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())
    assert tapped._module.neck.weight.data_ptr() == module.neck.weight.data_ptr()


def test_layers_that_cannot_be_tapped_are_refused_by_name():
    class Twice(PooledNet):
        def forward(self, x):
            return super().forward(x) + super().forward(x.flip(3))

    inputs = view(0).inputs
    with pytest.raises(ExplanationError, match="no layer “blocks.9”.*blocks.0, blocks.1"):
        TappedModel(wrapped(tiny_net()), "blocks.9")
    with pytest.raises(ExplanationError, match="runs 2 times"):
        TappedModel(wrapped(Twice()), "blocks.0").embed(inputs)
    with pytest.raises(ExplanationError, match="no grid of cells"):
        TappedModel(wrapped(tiny_net()), "pool").embed(inputs)
    with pytest.raises(ExplanationError, match=r"embeddings of shape \(N, D\)"):
        TappedModel(wrapped(nn.Sequential(nn.Conv2d(3, 4, 3))), "0").embed(inputs)


def test_models_that_give_no_numbers_are_refused():
    module = tiny_net()
    with torch.no_grad():
        module.neck.bias[0] = torch.nan
    with pytest.raises(ExplanationError, match="not finite"):
        TappedModel(wrapped(module), "blocks.1").embed(view(0).inputs)


@pytest.mark.parametrize(
    ("module", "side", "stage", "feature_map"),
    [
        (tiny_net, 64, "blocks.2", "blocks"),
        (efficientnet, 64, "blocks.4", "bn2"),
        (tiny_swin, 32, "layers.1", "norm"),
        (tiny_vit, 32, "blocks.1", "blocks.1"),  # the last block makes only the class token's embedding
    ],
)
def test_the_last_cells_are_those_that_the_embedding_depends_on(module, side, stage, feature_map):
    model = wrapped(module())
    assert last_stage(model, (side, side)) == stage
    assert last_feature_map(model, (side, side)) == feature_map


def test_where_no_layer_is_named_cells_are_matched_where_pairx_does():
    assert matching_layer(wrapped(tiny_net()), (64, 64)) == wrapped(tiny_net()).recommend_layer((64, 64))


def test_only_the_last_few_things_are_kept():
    recent, made = Recent(2), []

    def make(key):
        return recent.get(key, lambda: made.append(key) or key)

    assert [make(key) for key in "abacab"] == list("abacab")
    assert made == list("abcb")
