"""Layer, group and RMS norms under AttnLRP: the standard deviation is held constant.

What is left of y = (x - mean(x)) / std * w + b is linear in x, and its own derivative is sent back (Achtibat et
al. 2024, section 3.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance


@dataclass(frozen=True, eq=False)
class FrozenNorm:
    """A norm over groups of entries.

    ``function`` is the norm itself; ``grouped`` reshapes an input so that its last dimension is what is
    normalised together; ``weight`` is broadcastable to the input, or None.
    """

    function: Callable[[Tensor], Tensor]
    grouped: Callable[[Tensor], Tensor]
    weight: Tensor | None
    eps: float
    centered: bool = True  # False: RMS norm

    def forward(self, x: Tensor) -> tuple[Tensor, FrozenNormStep]:
        groups = self.grouped(x)
        if self.centered:
            spread = groups.var(-1, keepdim=True, unbiased=False)
        else:
            spread = groups.square().mean(-1, keepdim=True)
        return self.function(x), FrozenNormStep(self, torch.rsqrt(spread + self.eps))


@dataclass(frozen=True, eq=False)
class FrozenNormStep:
    """One norm of one photo."""

    rule: FrozenNorm
    scale: Tensor  # 1 / std of each group

    def kept(self) -> list[Tensor]:
        return [self.scale]

    def send_back(self, relevance: Relevance) -> Relevance:
        gradient = relevance.full()
        if self.rule.weight is not None:
            gradient = gradient * self.rule.weight
        groups = self.rule.grouped(gradient) * self.scale
        if self.rule.centered:
            groups = groups - groups.mean(-1, keepdim=True)
        return Relevance.whole(groups.reshape(gradient.shape)).cropped()
