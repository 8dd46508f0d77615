from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from pairx_core import ExplanationError
from pairx_core.evaluate.methods.relevance import RelevanceAlone
from pairx_core.explain.pairing import cosine_with_gradients
from pairx_core.explain.relevance import Relevance
from pairx_core.explain.trace import RelevanceModel
from tests.evaluate.methods.making import efficientnet, pair, tiny_swin, tiny_vit, wrapped
from tests.explain.tiny_models import SkipNet, tiny_net

DOUBLE = torch.float64


def skip_net() -> nn.Module:
    torch.manual_seed(0)
    return SkipNet().eval()


@pytest.mark.parametrize("make", [tiny_net, skip_net])
def test_pixel_relevance_is_zennits(make):
    composites = pytest.importorskip("zennit.composites")
    canonizers = pytest.importorskip("zennit.canonizers")
    module, views = make().double(), pair(dtype=DOUBLE)
    evidence = RelevanceAlone(wrapped(module)).evidence(*views)

    reference, maps = copy.deepcopy(module), []
    with torch.no_grad():
        _, seeds = cosine_with_gradients(*(reference(view.inputs) for view in views))
    composite = composites.EpsilonPlus(canonizers=[canonizers.SequentialMergeBatchNorm()])
    for view, seed in zip(views, seeds, strict=True):
        with composite.context(reference):
            pixels = view.inputs.clone().requires_grad_()
            (sent,) = torch.autograd.grad(reference(pixels), pixels, seed)
        maps.append(sent[0].sum(0).abs().numpy())
    for ours, theirs in zip((evidence.query_map, evidence.candidate_map), maps, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9 * theirs.max())


def test_where_all_goes_through_a_layer_relevance_sent_there_and_on_is_the_same():
    module, inputs = tiny_net().double(), pair(dtype=DOUBLE)[0].inputs
    whole = RelevanceModel(module, [], inputs).trace(inputs)
    seed = torch.randn(1, 10, dtype=DOUBLE, generator=torch.Generator().manual_seed(5))
    by_layer = RelevanceModel(module, ["blocks.1", "blocks.0"], inputs).trace(inputs)
    at_layer = Relevance.whole(by_layer.layer_relevance("blocks.1", seed))
    sent = by_layer._early["blocks.1"].send_back(at_layer)
    torch.testing.assert_close(whole.pixel_relevance(seed), sent.full(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(whole.pixel_relevance(seed), whole.pixel_relevance(seed))


def test_a_trace_with_layers_has_no_pixel_relevance():
    inputs = pair()[0].inputs
    trace = RelevanceModel(tiny_net(), ["blocks.1"], inputs).trace(inputs)
    with pytest.raises(ExplanationError, match="without layers"):
        trace.pixel_relevance(torch.ones(1, 10))


@pytest.mark.parametrize(("make", "side"), [(efficientnet, 64), (tiny_swin, 32), (tiny_vit, 32)])
def test_maps_have_the_inputs_size_and_change_sides_with_the_photos(make, side):
    method = RelevanceAlone(wrapped(make()))
    one = method.evidence(*pair((side, side)))
    other = method.evidence(*reversed(pair((side, side))))
    assert one.query_map.shape == (side, side) and one.query_map.dtype == np.float64
    assert not one.has_lines
    np.testing.assert_allclose(one.query_map, other.candidate_map, rtol=1e-4, atol=1e-6 * one.query_map.max())


def test_attnlrp_relevance_of_a_linear_model_is_input_times_gradient():
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.neck = nn.Linear(3 * 64, 5)
            self.unused = nn.LayerNorm(2)  # makes it a transformer to us

        def forward(self, x):
            return self.neck(torch.nn.functional.avg_pool2d(x, 8).flatten(1))

    torch.manual_seed(0)
    module, views = Linear().double(), pair(dtype=DOUBLE)
    evidence = RelevanceAlone(wrapped(module)).evidence(*views)
    pixels = views[0].inputs.clone().requires_grad_()
    torch.cosine_similarity(module(pixels), module(views[1].inputs)).sum().backward()
    expected = (pixels * pixels.grad)[0].sum(0).abs().detach().numpy()
    np.testing.assert_allclose(evidence.query_map, expected, rtol=1e-9, atol=1e-15)


def test_a_model_without_rules_is_refused_at_once():
    with pytest.raises(ExplanationError, match="no relevance rule"):
        RelevanceAlone(wrapped(nn.Sequential(nn.ConvTranspose2d(3, 4, 2))))
