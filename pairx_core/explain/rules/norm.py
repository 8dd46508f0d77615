"""Norm, for average pooling: relevance goes to every input by its share of the mean.

With z = f(x) for a linear f: R_in = x * J^T (R / stab(z)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.stabilizer import stabilize


@dataclass(frozen=True, eq=False)
class Norm:
    """A linear function without parameters under the Norm rule."""

    function: Callable[[Tensor], Tensor]

    def forward(self, x: Tensor) -> tuple[Tensor, NormStep]:
        z = self.function(x)
        return z, NormStep(self.function, x.clone(), z.clone())  # a model may change its own in place


@dataclass(frozen=True, eq=False)
class NormStep:
    """One pooling of one photo."""

    function: Callable[[Tensor], Tensor]
    x: Tensor
    z: Tensor

    def kept(self) -> list[Tensor]:
        return [self.x, self.z]

    def send_back(self, relevance: Relevance) -> Relevance:
        s = relevance.full() / stabilize(self.z)
        with torch.enable_grad():
            x = self.x.detach().requires_grad_()
            (share,) = torch.autograd.grad(self.function(x), x, s)
        return Relevance.whole(self.x * share).cropped()
