"""Each rule by a second route: the layer as an explicit matrix, relevance shared out entry by entry."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pairx_core.explain.conversion import with_epsilon_plus
from pairx_core.explain.propagation import Tape, edge_of
from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules import STABILIZER, FrozenNorm, SelfGated, ZPlusGradient, conserved_sum, record
from pairx_core.explain.rules.zplus import Geometry

pytestmark = pytest.mark.usefixtures("one_thread")


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
    torch.testing.assert_close(sent_back(with_epsilon_plus(convolution), x, relevance), expected)


@pytest.mark.parametrize("mode", ["same", "reflect", "circular"])
def test_zplus_knows_paddings_that_are_not_a_border_of_zeros(mode):
    torch.manual_seed(0)
    if mode == "same":
        convolution = nn.Conv2d(2, 3, 3, padding="same").double()
    else:
        convolution = nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode).double()
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    converted = with_epsilon_plus(convolution)
    torch.testing.assert_close(converted(x), convolution(x))
    assert sent_back(converted, x, torch.ones_like(convolution(x))).shape == x.shape


def test_epsilon_shares_relevance_by_contributions():
    torch.manual_seed(1)
    linear = nn.Linear(7, 4).double()
    x, relevance = torch.randn(2, 7, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64)
    contributions = x[:, None, :] * linear.weight
    expected = (contributions * (relevance / away_from_zero(linear(x)))[..., None]).sum(1)
    torch.testing.assert_close(sent_back(with_epsilon_plus(linear), x, relevance), expected)


@pytest.mark.parametrize("pooling", [nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(3)])
def test_norm_shares_relevance_by_shares_of_the_mean(pooling):
    torch.manual_seed(2)
    x = torch.rand(1, 2, 6, 6, dtype=torch.float64) + 0.1
    contributions = as_matrix(pooling, tuple(x.shape)) * x.flatten()
    relevance = torch.randn_like(pooling(x))
    shares = contributions / away_from_zero(contributions.sum(1, keepdim=True))
    expected = (shares * relevance.flatten()[:, None]).sum(0).reshape(x.shape)
    torch.testing.assert_close(sent_back(with_epsilon_plus(pooling), x, relevance), expected)


@pytest.mark.parametrize("module", [nn.SiLU(), nn.ReLU(), nn.BatchNorm2d(2).eval()])
def test_pass_leaves_relevance_as_it_is(module):
    x, relevance = torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3)
    assert torch.equal(sent_back(with_epsilon_plus(module), x, relevance), relevance)


def test_relevance_is_conserved_by_a_convolution_without_bias():
    torch.manual_seed(3)
    convolution = nn.Conv2d(3, 4, 3, padding=1, bias=False).double()
    x = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    relevance = torch.rand(1, 4, 8, 8, dtype=torch.float64)
    kept = sent_back(with_epsilon_plus(convolution), x, relevance).sum()
    torch.testing.assert_close(kept, relevance.sum(), rtol=1e-4, atol=0)


def test_a_second_relevance_through_the_same_activations_equals_a_first():
    torch.manual_seed(4)
    module = with_epsilon_plus(nn.Conv2d(2, 3, 3, padding=1).double())
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64).requires_grad_()
    output, relevance = module(x), torch.randn(1, 3, 5, 5, dtype=torch.float64)
    first, second = (torch.autograd.grad(output, x, relevance, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    convolution=convolutions,
    seed=st.integers(0, 2**16),
    window=st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3)),
    relu=st.booleans(),
)
def test_zplus_in_a_window_equals_zplus_on_the_whole(convolution, seed, window, relu):
    torch.manual_seed(seed)
    x = torch.randn(1, convolution.in_channels, 9, 8, dtype=torch.float64)
    x = (x.relu() if relu else x).requires_grad_()
    output = with_epsilon_plus(convolution)(x)
    top, left = (min(first, size - 1) for first, size in zip(window[:2], output.shape[2:], strict=True))
    values = torch.randn(1, output.shape[1], *window[2:], dtype=torch.float64)
    values = values[..., : output.shape[2] - top, : output.shape[3] - left]
    relevance = Relevance(values, output.shape, top, left)
    sent = Tape(edge_of(x), edge_of(output)).send_back(relevance)
    (expected,) = torch.autograd.grad(output, x, relevance.full())
    torch.testing.assert_close(torch.zeros_like(x) if sent is None else sent.full(), expected)


def test_zplus_as_a_gradient_is_zplus_divided_by_the_input():
    torch.manual_seed(6)
    convolution = nn.Conv2d(3, 4, 3, 2, 1).double()
    x = torch.randn(1, 3, 9, 9, dtype=torch.float64)
    y, gradient = convolution(x), torch.randn(1, 4, 5, 5, dtype=torch.float64)
    geometry = Geometry((3, 3), (2, 2), (1, 1), 1, lambda _: (1, 1, 1, 1))
    leaf = x.clone().requires_grad_()
    output = record(leaf, ZPlusGradient(convolution.weight.detach(), convolution.bias.detach(), geometry))
    (sent,) = torch.autograd.grad(output, leaf, gradient)
    torch.testing.assert_close(x * sent, sent_back(with_epsilon_plus(convolution), x, y.detach() * gradient))


@pytest.mark.parametrize("function", [nn.functional.gelu, nn.functional.silu, nn.functional.hardswish])
def test_a_self_gated_activation_passes_relevance_unchanged(function):
    torch.manual_seed(7)
    x = torch.cat([torch.randn(1, 20), torch.zeros(1, 1)], 1).double().requires_grad_()
    y = record(x, SelfGated(function))
    (sent,) = torch.autograd.grad(y, x, torch.ones_like(y))
    torch.testing.assert_close((x * sent).detach(), y.detach())
    assert sent[0, -1].item() == pytest.approx(0.5, abs=1e-5)  # where f(x) / x has no value, its limit


@pytest.mark.parametrize("centered", [True, False])
def test_a_frozen_norm_sends_back_the_derivative_with_its_deviation_held(centered):
    torch.manual_seed(8)
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    weight, bias = torch.randn(6, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    gradient = torch.randn_like(x)

    def written_out(value: Tensor) -> Tensor:
        shifted = value - value.mean(-1, keepdim=True) if centered else value
        deviation = (shifted.square().mean(-1, keepdim=True) + 1e-5).sqrt().detach()
        return shifted / deviation * weight + (bias if centered else 0)

    def norm(value: Tensor) -> Tensor:
        if centered:
            return nn.functional.layer_norm(value, (6,), weight, bias, 1e-5)
        return nn.functional.rms_norm(value, (6,), weight, 1e-5)

    leaf = x.clone().requires_grad_()
    y = record(leaf, FrozenNorm(norm, lambda value: value.flatten(-1), weight, 1e-5, centered=centered))
    torch.testing.assert_close(y, written_out(x))
    (sent,) = torch.autograd.grad(y, leaf, gradient)
    torch.testing.assert_close(sent, sent_back(written_out, x, gradient))


@pytest.mark.parametrize("in_place", [True, False])
def test_a_conserving_sum_shares_relevance_out(in_place):
    torch.manual_seed(9)
    a, b = (torch.rand(1, 2, 3, 3, dtype=torch.float64) + 0.1 for _ in range(2))
    leaves = a.clone().requires_grad_(), b.clone().requires_grad_()
    z = conserved_sum(leaves[0] * 1, leaves[1] * 1, in_place=in_place)
    torch.testing.assert_close(z, a + b)
    relevance = torch.randn_like(a)
    first, second = torch.autograd.grad(z, leaves, relevance)
    torch.testing.assert_close(first + second, relevance, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(first, a * relevance / (a + b + STABILIZER))
