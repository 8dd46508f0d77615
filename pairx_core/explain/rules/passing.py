"""Pass, for activations, batch norms and squeeze-and-excitation: relevance goes through unchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pairx_core.explain.relevance import Relevance


@dataclass(frozen=True, eq=False)
class Pass:
    """A function whose output has its input's shape, under the Pass rule."""

    function: Callable[[Tensor], Tensor]

    def forward(self, x: Tensor) -> tuple[Tensor, PassStep]:
        return self.function(x), PassStep()


class PassStep:
    """Nothing is kept."""

    def kept(self) -> list[Tensor]:
        return []

    def send_back(self, relevance: Relevance) -> Relevance:
        return relevance
