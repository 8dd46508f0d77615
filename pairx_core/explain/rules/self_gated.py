"""Activations and norms of the form y = x * c(x), under AttnLRP: the factor c is held constant.

The modified gradient is g_in = g * y / x, so that x * g_in = y * g: relevance passes unchanged (Achtibat et al.
2024, equation 9 and section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance

_NEARLY_ZERO = 1e-6  # below, the factor is taken at this x


@dataclass(frozen=True, eq=False)
class SelfGated:
    """An elementwise activation with f(0) = 0, such as GELU or SiLU."""

    function: Callable[[Tensor], Tensor]

    def forward(self, x: Tensor) -> tuple[Tensor, FactorStep]:
        nearly_zero = x.abs() < _NEARLY_ZERO
        safe = torch.where(nearly_zero, torch.full_like(x, _NEARLY_ZERO), x)
        return self.function(x), FactorStep(self.function(safe) / safe)


@dataclass(frozen=True, eq=False)
class Scale:
    """The identity; its input's modified gradient is a fraction of its output's."""

    factor: float

    def forward(self, x: Tensor) -> tuple[Tensor, FactorStep]:
        return x, FactorStep(torch.full((1,) * x.ndim, self.factor, dtype=x.dtype, device=x.device))


@dataclass(frozen=True, eq=False)
class FactorStep:
    """A multiplication by what is held constant."""

    factor: Tensor  # broadcastable to the input

    def kept(self) -> list[Tensor]:
        return [self.factor]

    def send_back(self, relevance: Relevance) -> Relevance:
        whole = self.factor.shape[-2:] == relevance.shape[-2:]
        factor = relevance.window_of(self.factor) if whole else self.factor
        return relevance.with_values(relevance.values * factor)
