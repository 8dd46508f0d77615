from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from pairx_core import ExplanationError
from pairx_core.evaluate.methods.saliency import (
    SimilarityGradCam,
    SimilarityIntegratedGradients,
    similarity_to,
)
from tests.evaluate.methods.making import efficientnet, pair, tiny_swin, tiny_vit, wrapped
from tests.explain.tiny_models import tiny_net

pytest.importorskip("captum")
DOUBLE = torch.float64


def nchw(output, side):
    if output.ndim == 3:
        output = output[:, 1:].reshape(1, side, side, -1)
        return output.permute(0, 3, 1, 2)
    return output.permute(0, 3, 1, 2) if output.shape[1] == output.shape[2] == side else output


@pytest.mark.parametrize(
    ("make", "layer", "side", "grid"),
    [(tiny_net, "blocks.2", 64, 8), (tiny_swin, "layers.1", 32, 8), (tiny_vit, "blocks.1", 32, 8)],
)
def test_grad_cam_is_what_it_is_by_hand(make, layer, side, grid):
    module, (query, candidate) = make().double(), pair((side, side), DOUBLE)
    outputs = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _, __, out: outputs.append(out))
    similarity = torch.cosine_similarity(module(query.inputs), module(candidate.inputs).detach())
    handle.remove()
    (gradient,) = torch.autograd.grad(similarity.sum(), outputs[0])
    cells, gradient = nchw(outputs[0].detach(), grid), nchw(gradient, grid)
    expected = (gradient.mean((2, 3), keepdim=True) * cells).sum(1)[0].relu().numpy()
    for named in (layer, None):
        evidence = SimilarityGradCam(wrapped(module), named).evidence(query, candidate)
        assert evidence.query_map.shape == (grid, grid) and not evidence.has_lines
        np.testing.assert_allclose(evidence.query_map, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", [SimilarityGradCam, SimilarityIntegratedGradients])
def test_swapping_the_photos_swaps_the_maps(method):
    method = method(wrapped(tiny_net()))
    one, other = method.evidence(*pair()), method.evidence(*reversed(pair()))
    np.testing.assert_allclose(one.query_map, other.candidate_map, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(one.candidate_map, other.query_map, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("make", "side"), [(tiny_net, 64), (efficientnet, 64), (tiny_swin, 32)])
def test_integrated_gradients_sum_to_what_the_photo_adds_to_a_grey_picture(make, side):
    module, (query, candidate) = make().double(), pair((side, side), DOUBLE)
    method = SimilarityIntegratedGradients(wrapped(module), steps=128)
    target = similarity_to(module(candidate.inputs), module)
    shares = method.attributions(target, query.inputs)
    with torch.no_grad():
        gain = target(query.inputs) - target(torch.zeros_like(query.inputs))
    assert abs(float(shares.sum() - gain)) < 0.02 * max(abs(float(gain)), 0.1)
    evidence = method.evidence(query, candidate)
    np.testing.assert_allclose(evidence.query_map, shares[0].sum(0).abs().detach().numpy(), rtol=1e-9)


def test_more_steps_come_closer_and_none_are_refused():
    module, (query, candidate) = tiny_net().double(), pair(dtype=DOUBLE)
    maps = {
        steps: SimilarityIntegratedGradients(wrapped(module), steps).evidence(query, candidate).query_map
        for steps in (4, 32, 200)
    }
    assert np.abs(maps[32] - maps[200]).sum() < np.abs(maps[4] - maps[200]).sum()
    with pytest.raises(ExplanationError, match="steps is 0"):
        SimilarityIntegratedGradients(wrapped(module), 0)


def test_it_works_on_inputs_made_in_inference_mode():
    model = wrapped(tiny_net())
    with torch.inference_mode():
        evidence = SimilarityGradCam(model).evidence(*pair())
    np.testing.assert_array_equal(evidence.query_map, SimilarityGradCam(model).evidence(*pair()).query_map)


@pytest.mark.parametrize("method", [SimilarityGradCam, SimilarityIntegratedGradients])
def test_without_captum_it_says_what_to_install(monkeypatch, method):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ExplanationError, match=r"needs captum: pip install -r requirements-evaluate\.txt"):
        method(wrapped(tiny_net()))
