"""ZPlus as a modified gradient, for convolutions inside networks that are propagated by AttnLRP.

There, relevance is x * g. With R = y * g at the output y, ZPlus gives R_in = x+ * up + x- * down (see
``zplus``), and so g_in = up where x is positive and down where it is negative: no division by x is needed.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.zplus import ConvolutionStep, Geometry, ZPlus


class ZPlusGradient:
    """A convolution under ZPlus, among modified gradients."""

    def __init__(self, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> None:
        self._rule = ZPlus(weight, bias, geometry)

    def forward(self, x: Tensor) -> tuple[Tensor, ZPlusGradientStep]:
        rule = self._rule
        padding = rule.geometry.padding(x.shape)
        y = rule.convolve(x, rule.weight, rule.bias, padding)
        return y, ZPlusGradientStep(ConvolutionStep(rule, x, padding), x, y)


class ZPlusGradientStep:
    """One convolution of one photo."""

    def __init__(self, step: ConvolutionStep, x: Tensor, y: Tensor) -> None:
        self._step = step
        self._x = x.clone(memory_format=torch.channels_last)  # a model may change its own in place
        self._y = y.clone(memory_format=torch.channels_last)

    def kept(self) -> list[Tensor]:
        return [self._x, self._y, *([self._share] if "_share" in self.__dict__ else [])]

    def send_back(self, relevance: Relevance) -> Relevance:
        s = relevance.with_values(relevance.values * relevance.window_of(self._share))
        sent, up, down = self._step.halves_sent_back(s)
        if down is None:
            return sent.with_values(up)
        return sent.with_values(torch.where(sent.window_of(self._x) > 0, up, down))

    @cached_property
    def _share(self) -> Tensor:
        """What a relevance's gradient is multiplied with: y / stab(z), (1, out, h, w)."""
        return self._y / self._step.denominator_for(self._x)
