"""ZPlus as a modified gradient, for convolutions inside networks that are propagated by AttnLRP.

There, relevance is x * g. With R = y * g at the output y, ZPlus gives R_in = x+ * up + x- * down (see
``zplus``), and so g_in = up where x is positive and down where it is negative: no division by x is needed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.zplus import Geometry, ZPlus, ZPlusStep


class ZPlusGradient:
    """A convolution under ZPlus, among modified gradients."""

    def __init__(self, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> None:
        self._rule = ZPlus(weight, bias, geometry)

    def forward(self, x: Tensor) -> tuple[Tensor, ZPlusGradientStep]:
        y, step = self._rule.forward(x)
        return y, ZPlusGradientStep(step, y)


class ZPlusGradientStep:
    """One convolution of one photo."""

    def __init__(self, step: ZPlusStep, y: Tensor) -> None:
        self._step = step
        self._y = y

    def kept(self) -> list[Tensor]:
        return [*self._step.kept(), self._y]

    def send_back(self, relevance: Relevance) -> Relevance:
        step = self._step
        of_output = relevance.values * relevance.window_of(self._y)
        s = relevance.with_values(of_output / relevance.window_of(step.denominator))
        sent, up, down = step.halves_sent_back(s)
        if down is None:
            return sent.with_values(up)
        return sent.with_values(torch.where(sent.window_of(step.x) > 0, up, down))
