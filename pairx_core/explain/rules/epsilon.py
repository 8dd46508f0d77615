"""Epsilon, for linear layers: relevance goes to every input by its contribution (Bach et al. 2015).

With z = W x + b: R_in = x * W^T (R / stab(z)).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.stabilizer import stabilize


@dataclass(frozen=True, eq=False)
class Epsilon:
    """A linear layer under the Epsilon rule: weight (out, in), bias (out,) or None."""

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> tuple[Tensor, EpsilonStep]:
        z = F.linear(x, self.weight, self.bias)
        return z, EpsilonStep(self.weight, x.clone(), z.clone())  # a model may change its own in place


@dataclass(frozen=True, eq=False)
class EpsilonStep:
    """One linear layer of one photo."""

    weight: Tensor
    x: Tensor
    z: Tensor

    def kept(self) -> list[Tensor]:
        return [self.x, self.z]

    def send_back(self, relevance: Relevance) -> Relevance:
        return Relevance.whole(self.x * ((relevance.full() / stabilize(self.z)) @ self.weight))
