"""Additions that conserve relevance: each summand gets its share of the sum.

With z = a + b: R_a = a * R / stab(z), R_b = b * R / stab(z) (the Epsilon rule, Bach et al. 2015). The reference
sends R in full into both, so that relevance doubles at every skip connection.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.stabilizer import stabilize


class _ConservedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, in_place: bool) -> Tensor:
        summands = (a.clone() if in_place else a.detach(), b.detach())
        if in_place:
            ctx.mark_dirty(a)
        z = a.add_(b) if in_place else a + b
        ctx.sum = ConservedSumStep(*summands, z.detach())
        return z

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        first, second = sum_step_of(ctx).send_back(Relevance.whole(gradient))
        return first.full(), second.full(), None


class ConservedSumStep:
    """One addition of one photo."""

    def __init__(self, a: Tensor, b: Tensor, z: Tensor) -> None:
        self._summands = (a, b)
        self._z = z

    def kept(self) -> list[Tensor]:
        return [*self._summands, self._z]

    def send_back(self, relevance: Relevance) -> tuple[Relevance, Relevance]:
        """Relevance at both summands."""
        share = relevance.values / stabilize(relevance.window_of(self._z))
        first, second = (relevance.with_values(relevance.window_of(x) * share) for x in self._summands)
        return first, second


def conserved_sum(a: Tensor, b: Tensor, *, in_place: bool = False) -> Tensor:
    """A + b, two tensors of one shape (in place: a becomes it), recorded so that relevance is shared out."""
    z: Tensor = _ConservedSum.apply(a, b, in_place)  # type: ignore[no-untyped-call]
    return z


def is_sum_step(node: object) -> bool:
    """Whether an autograd node holds a conserved sum."""
    return isinstance(node, _ConservedSum._backward_cls)


def sum_step_of(node: Any) -> ConservedSumStep:
    """The step that it holds."""
    step: ConservedSumStep = node.sum
    return step
