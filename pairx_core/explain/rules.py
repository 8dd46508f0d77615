"""The propagation rules: how relevance passes backwards through one module.

Every rule is a ``torch.autograd.Function`` whose forward is the module's own and whose backward carries
relevance where autograd would carry a gradient. They are the rules of zennit's ``EpsilonPlus`` composite,
which PAIR-X uses (Shrack et al. 2025): ZPlus for convolutions (Montavon et al. 2017), Epsilon for linear
layers (Bach et al. 2015), Norm for average pooling, Pass for activations and batch norms. What has no rule
keeps autograd's plain gradient.

What depends on the activations alone (the denominators) is computed once per forward pass and serves every
relevance that is sent back through it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input

STABILIZER = 1e-6


def stabilize(z: Tensor) -> Tensor:
    """Move z away from zero: z + 1e-6 with z's sign, + at zero."""
    return z + torch.where(z >= 0, STABILIZER, -STABILIZER).to(z.dtype)


@dataclass(frozen=True, eq=False)
class ConvolutionSpec:
    """A two-dimensional convolution: weight (out, in/groups, kh, kw), bias (out,) or None, zero padding."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    def apply(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The same geometry with other numbers."""
        return F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def transpose(self, shape: torch.Size, weight: Tensor, s: Tensor) -> Tensor:
        """The adjoint: from the output's frame (N, out, h, w) back to an input of this shape."""
        sent_back: Tensor = conv2d_input(
            shape, weight, s, self.stride, self.padding, self.dilation, self.groups
        )
        return sent_back


class ZPlus(torch.autograd.Function):
    """Convolution: relevance goes to what pushed the output up (x+ by W+ and x- by W-)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, spec: ConvolutionSpec) -> Tensor:
        ctx.save_for_backward(x)
        ctx.spec = spec
        ctx.denominator = None
        return spec.apply(x, spec.weight, spec.bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        spec: ConvolutionSpec = ctx.spec
        positive, negative = spec.weight.clamp(min=0), spec.weight.clamp(max=0)
        has_negative = bool((x < 0).any())  # after a ReLU the second half is exactly zero: skip it
        if ctx.denominator is None:
            bias = None if spec.bias is None else spec.bias.clamp(min=0)
            z = spec.apply(x.clamp(min=0), positive, bias)
            if has_negative:
                z = z + spec.apply(x.clamp(max=0), negative, None)
            ctx.denominator = stabilize(z)
        s = relevance / ctx.denominator
        result = x.clamp(min=0) * spec.transpose(x.shape, positive, s)
        if has_negative:
            result = result + x.clamp(max=0) * spec.transpose(x.shape, negative, s)
        return result, None


class Epsilon(torch.autograd.Function):
    """Linear layer: relevance goes to every input in proportion to its contribution."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        z = F.linear(x, weight, bias)
        ctx.save_for_backward(x, weight, z)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None, None]:
        x, weight, z = ctx.saved_tensors
        return x * ((relevance / stabilize(z)) @ weight), None, None


class Pass(torch.autograd.Function):
    """Activations, batch norms, squeeze-and-excitation: relevance goes through unchanged."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        return function(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None]:
        return relevance, None


class Norm(torch.autograd.Function):
    """Average pooling: relevance goes to every input in proportion to its share of the mean."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        z = function(x)
        ctx.save_for_backward(x, z)
        ctx.function = function
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None]:
        x, z = ctx.saved_tensors
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (share,) = torch.autograd.grad(ctx.function(x), x, relevance / stabilize(z))
        return x.detach() * share, None
