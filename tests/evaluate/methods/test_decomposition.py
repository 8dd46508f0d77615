from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pairx_core import ExplanationError
from pairx_core.evaluate.methods import decomposition
from pairx_core.evaluate.methods.decomposition import ActivationDecomposition
from pairx_core.models.miewid import GeneralisedMean
from tests.evaluate.methods.making import (
    PooledNet,
    efficientnet,
    pair,
    tiny_swin,
    tiny_vit,
    view,
    wrapped,
)
from tests.explain.tiny_models import block, tiny_net

DOUBLE = torch.float64


class WithHead(nn.Module):
    """Two blocks, any pooling, and a neck."""

    def __init__(self, pool: nn.Module, neck: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(3, 8), block(8, 12))
        self.pool = pool
        self.neck = neck

    def forward(self, x):
        return self.neck(self.pool(self.blocks(x)).flatten(1))


def pooled_net() -> nn.Module:
    torch.manual_seed(0)
    return PooledNet().double().eval()


def cosine(module, query, candidate) -> float:
    with torch.no_grad():
        return float(torch.cosine_similarity(module(query.inputs), module(candidate.inputs)))


def test_of_average_pooling_the_shares_are_products_of_cells_and_sum_to_the_cosine():
    module, (query, candidate) = pooled_net(), pair(dtype=DOUBLE)
    made = ActivationDecomposition(wrapped(module)).decompose(query, candidate)
    with torch.no_grad():
        first, second = (module.blocks(view.inputs)[0] / 256 for view in (query, candidate))
        lengths = module(query.inputs).norm() * module(candidate.inputs).norm()
    expected = torch.einsum("chw,cyx->hwyx", first, second) / lengths
    np.testing.assert_allclose(made.shares, expected.numpy(), rtol=1e-9, atol=1e-18)
    assert made.shares.sum() == pytest.approx(made.cosine, rel=1e-9)
    assert made.cosine == pytest.approx(cosine(module, query, candidate), rel=1e-9)
    assert abs(made.rest) < 1e-9


@pytest.mark.parametrize(
    "make",
    [
        lambda: WithHead(nn.AdaptiveMaxPool2d(1), nn.Linear(12, 7, bias=False)),
        lambda: WithHead(GeneralisedMean(), nn.Identity()),
        lambda: WithHead(nn.AdaptiveAvgPool2d(1), nn.Sequential(nn.Linear(12, 7, bias=False), nn.ReLU())),
        efficientnet,
    ],
)
def test_shares_sum_to_the_cosine_after_all_that_is_homogeneous(make):
    module, (query, candidate) = make().double().eval(), pair(dtype=DOUBLE)
    made = ActivationDecomposition(wrapped(module)).decompose(query, candidate)
    assert made.shares.sum() == pytest.approx(cosine(module, query, candidate), rel=1e-4)


def test_tokens_that_are_averaged_are_exact_too():
    module, (query, candidate) = tiny_swin(DOUBLE), pair((32, 32), DOUBLE)
    made = ActivationDecomposition(wrapped(module)).decompose(query, candidate)
    assert made.shares.shape == (8, 8, 8, 8)
    assert made.shares.sum() == pytest.approx(cosine(module, query, candidate), rel=1e-9)


def test_a_shift_belongs_to_no_cell():
    norm = nn.BatchNorm1d(12)
    nn.init.normal_(norm.bias)
    module = WithHead(nn.AdaptiveAvgPool2d(1), norm).double().eval()
    query, candidate = pair(dtype=DOUBLE)
    made = ActivationDecomposition(wrapped(module)).decompose(query, candidate)
    with torch.no_grad():
        first, second = module(query.inputs)[0], module(candidate.inputs)[0]
        expected = float((first - norm.bias) @ (second - norm.bias) / first.norm() / second.norm())
    assert made.shares.sum() == pytest.approx(expected, rel=1e-9)
    assert made.rest == pytest.approx(made.cosine - expected, rel=1e-6)


@pytest.mark.parametrize(("make", "side"), [(tiny_net, 64), (tiny_vit, 32)])
def test_a_cells_part_is_the_derivative_in_its_direction(make, side):
    module, (query, candidate) = make().double(), pair((side, side), DOUBLE)
    method = ActivationDecomposition(wrapped(module))
    made = method.decompose(query, candidate)
    parts, tapped = [], method._tapped
    for photo in (query, candidate):
        features, embedding = tapped.features_and_embedding(photo.inputs)
        rows = [
            torch.autograd.grad(value, features, retain_graph=True)[0] for value in embedding[0]
        ]  # of the derivative, backwards
        sent = torch.stack([(row * features).sum(1).flatten() for row in rows], 1)
        parts.append((sent / embedding.norm()).detach())
    expected = (parts[0] @ parts[1].T).numpy()
    np.testing.assert_allclose(
        made.shares.reshape(expected.shape), expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max()
    )


def test_small_batches_of_cells_give_the_same(monkeypatch):
    query, candidate = pair(dtype=DOUBLE)
    whole = ActivationDecomposition(wrapped(pooled_net())).decompose(query, candidate)
    monkeypatch.setattr(decomposition, "_AT_ONCE", 12 * 256 * 7)  # seven cells
    parts = ActivationDecomposition(wrapped(pooled_net())).decompose(query, candidate)
    np.testing.assert_allclose(whole.shares, parts.shares, rtol=1e-9)


@pytest.mark.parametrize("partners", ["direction", "share"])
def test_lines_join_best_partners_by_descending_share(partners):
    method = ActivationDecomposition(wrapped(tiny_net()), partners)
    query, candidate = pair()
    shares = method.decompose(query, candidate).shares.reshape(64, 64)
    evidence = method.evidence(query, candidate)
    cells = [
        ((xy / (np.array([96, 160]) / 8)).astype(int) @ [1, 8]).tolist()
        for xy in (evidence.query_xy, evidence.candidate_xy)
    ]
    assert len(evidence.weight) >= 1 and (np.diff(evidence.weight) <= 0).all()
    np.testing.assert_allclose(evidence.weight, shares[cells[0], cells[1]])
    assert (evidence.weight > 0).all()
    assert all(len(set(side)) == len(side) for side in cells)
    if partners == "share":
        np.testing.assert_allclose(evidence.weight, shares[cells[0]].max(1))
        np.testing.assert_allclose(evidence.weight, shares[:, cells[1]].max(0))


def test_maps_are_sums_of_shares_that_are_not_negative():
    method = ActivationDecomposition(wrapped(tiny_net()))
    shares, evidence = method.decompose(*pair()).shares, method.evidence(*pair())
    np.testing.assert_array_equal(evidence.query_map, np.maximum(shares.sum((2, 3)), 0))
    np.testing.assert_array_equal(evidence.candidate_map, np.maximum(shares.sum((0, 1)), 0))


def test_swapping_the_photos_swaps_the_evidence():
    method = ActivationDecomposition(wrapped(tiny_net()))
    one, other = method.evidence(*pair()), method.evidence(*reversed(pair()))
    np.testing.assert_allclose(one.query_map, other.candidate_map)
    np.testing.assert_array_equal(one.query_xy, other.candidate_xy)
    np.testing.assert_array_equal(one.candidate_xy, other.query_xy)


def test_partners_of_no_known_kind_are_refused():
    with pytest.raises(ExplanationError, match="direction, share"):
        ActivationDecomposition(wrapped(tiny_net()), "nearest")


def test_an_embedding_without_a_direction_is_refused():
    module = pooled_net()
    with torch.no_grad():
        module.blocks[1][1].bias.fill_(-1e6)
    with pytest.raises(ExplanationError):
        ActivationDecomposition(wrapped(module)).evidence(view(1, dtype=DOUBLE), view(2, dtype=DOUBLE))
