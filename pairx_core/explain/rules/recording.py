"""How a rule gets into autograd's record of a forward pass.

Autograd notes what was computed from what; the propagation walks back along its notes (see
``pairx_core.explain.propagation``). Where a rule stands, the note holds a *step*, which knows how relevance
passes it.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance


class Step(Protocol):
    """One application of a rule in one forward pass, with the activations that the way back needs."""

    def send_back(self, relevance: Relevance) -> Relevance:
        """Relevance at the step's input for a relevance at its output."""

    def kept(self) -> list[Tensor]:
        """The tensors that this step keeps alive."""


class Rule(Protocol):
    """A module's forward pass, and the step that it leaves behind."""

    def forward(self, x: Tensor) -> tuple[Tensor, Step]:
        """The module's output for an input, and the step."""


class _Recorded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rule: Rule) -> Tensor:
        output, ctx.step = rule.forward(x)
        return output.view_as(output) if output is x else output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return step_of(ctx).send_back(Relevance.whole(gradient)).full(), None


def record(x: Tensor, rule: Rule) -> Tensor:
    """Run a rule forward, leaving its step in autograd's record."""
    output: Tensor = _Recorded.apply(x, rule)  # type: ignore[no-untyped-call]
    return output


def is_step(node: object) -> bool:
    """Whether an autograd node holds a step."""
    return isinstance(node, _Recorded._backward_cls)


def step_of(node: Any) -> Step:
    """The step that an autograd node holds."""
    step: Step = node.step
    return step
