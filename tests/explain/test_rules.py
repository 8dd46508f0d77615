"""Each rule by a second route: the layer as an explicit matrix, relevance shared out entry by entry."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pairx_core.explain.conversion import EpsilonLinear, NormPooling, Passing, ZPlusConvolution
from pairx_core.explain.rules import STABILIZER


def as_matrix(function, shape: tuple[int, ...]) -> Tensor:
    """The matrix (outputs, inputs) of a linear function of a tensor of this shape."""
    size = int(torch.tensor(shape).prod())
    columns = [function(unit.reshape(shape)).flatten() for unit in torch.eye(size, dtype=torch.float64)]
    return torch.stack(columns, dim=1)


def away_from_zero(z: Tensor) -> Tensor:
    return torch.where(z >= 0, z + STABILIZER, z - STABILIZER)


def sent_back(module: nn.Module, x: Tensor, relevance: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(module(x), x, relevance)[0]


convolutions = st.builds(
    lambda groups, channels, kernel, stride, padding, dilation, bias: nn.Conv2d(
        2 * groups, channels * groups, kernel, stride, padding, dilation, groups, bias
    ).double(),
    groups=st.integers(1, 2),
    channels=st.integers(1, 3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    padding=st.sampled_from([0, 1, (1, 0), "same_if_possible"]).map(lambda p: 1 if isinstance(p, str) else p),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(convolution=convolutions, seed=st.integers(0, 2**16), relu=st.booleans())
def test_zplus_shares_relevance_by_positive_contributions(convolution, seed, relu):
    torch.manual_seed(seed)
    for parameter in convolution.parameters():
        nn.init.normal_(parameter)
    shape = (1, convolution.in_channels, 6, 5)
    x = torch.randn(shape, dtype=torch.float64)
    x = x.relu() if relu else x
    bias = (
        torch.zeros_like(convolution(x)) if convolution.bias is None else (convolution(torch.zeros_like(x)))
    )
    weight = as_matrix(lambda unit: convolution(unit) - convolution(torch.zeros_like(unit)), shape)
    contributions = (weight * x.flatten()).clamp(min=0)
    z = away_from_zero(contributions.sum(1) + bias.flatten().clamp(min=0))
    relevance = torch.randn_like(convolution(x))
    expected = (contributions * (relevance.flatten() / z)[:, None]).sum(0).reshape(shape)
    torch.testing.assert_close(sent_back(ZPlusConvolution(convolution), x, relevance), expected)


@pytest.mark.parametrize("mode", ["same", "reflect", "circular"])
def test_zplus_knows_paddings_that_are_not_a_border_of_zeros(mode):
    torch.manual_seed(0)
    if mode == "same":
        convolution = nn.Conv2d(2, 3, 3, padding="same").double()
    else:
        convolution = nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode).double()
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    converted = ZPlusConvolution(convolution)
    torch.testing.assert_close(converted(x), convolution(x))
    assert sent_back(converted, x, torch.ones_like(convolution(x))).shape == x.shape


def test_epsilon_shares_relevance_by_contributions():
    torch.manual_seed(1)
    linear = nn.Linear(7, 4).double()
    x, relevance = torch.randn(2, 7, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64)
    contributions = x[:, None, :] * linear.weight
    expected = (contributions * (relevance / away_from_zero(linear(x)))[..., None]).sum(1)
    torch.testing.assert_close(sent_back(EpsilonLinear(linear), x, relevance), expected)


@pytest.mark.parametrize("pooling", [nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(3)])
def test_norm_shares_relevance_by_shares_of_the_mean(pooling):
    torch.manual_seed(2)
    x = torch.rand(1, 2, 6, 6, dtype=torch.float64) + 0.1
    contributions = as_matrix(pooling, tuple(x.shape)) * x.flatten()
    relevance = torch.randn_like(pooling(x))
    shares = contributions / away_from_zero(contributions.sum(1, keepdim=True))
    expected = (shares * relevance.flatten()[:, None]).sum(0).reshape(x.shape)
    torch.testing.assert_close(sent_back(NormPooling(pooling), x, relevance), expected)


@pytest.mark.parametrize("module", [nn.SiLU(), nn.ReLU(), nn.BatchNorm2d(2).eval()])
def test_pass_leaves_relevance_as_it_is(module):
    x, relevance = torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3)
    assert torch.equal(sent_back(Passing(module), x, relevance), relevance)


def test_relevance_is_conserved_by_a_convolution_without_bias():
    torch.manual_seed(3)
    convolution = nn.Conv2d(3, 4, 3, padding=1, bias=False).double()
    x = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    relevance = torch.rand(1, 4, 8, 8, dtype=torch.float64)
    kept = sent_back(ZPlusConvolution(convolution), x, relevance).sum()
    torch.testing.assert_close(kept, relevance.sum(), rtol=1e-4, atol=0)


def test_a_second_relevance_through_the_same_activations_equals_a_first():
    torch.manual_seed(4)
    module = ZPlusConvolution(nn.Conv2d(2, 3, 3, padding=1).double())
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64).requires_grad_()
    output, relevance = module(x), torch.randn(1, 3, 5, 5, dtype=torch.float64)
    first, second = (torch.autograd.grad(output, x, relevance, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)
