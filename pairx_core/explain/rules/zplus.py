"""ZPlus, for convolutions: relevance goes to what pushed the output up (Montavon et al. 2017).

With x+ = max(x, 0), x- = min(x, 0) and W+, W-, b+ likewise::

    z    = conv(x+, W+, b+) + conv(x-, W-)
    R_in = x+ * convT(R / stab(z), W+) + x- * convT(R / stab(z), W-)

as zennit's ``EpsilonPlus`` composite computes it. Both halves are one convolution over stacked channels; where no
input is negative, the second half is exactly zero and left out. The transposed convolution sees only the
window in which there is relevance.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.stabilizer import STABILIZER

Factors = tuple[Tensor, Tensor | None]  # what the two halves sent back are multiplied with
Padding = tuple[int, int, int, int]  # zeros to the left and right, above and below, in pixels
_KEPT_ELEMENTS = (
    1 << 17
)  # of a weight whose halves are kept: splitting larger ones costs little beside using them


@dataclass(frozen=True)
class Geometry:
    """How a convolution lies on its input; (rows, columns) throughout."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    padding: Callable[[torch.Size], Padding]  # for an input's shape (1, in, h, w)

    def reach(self, axis: int) -> int:
        """From the first to the last input that one output sees, along an axis (0: rows), in pixels."""
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1

    def transposed(self, s: Tensor, weight: Tensor, cut: tuple[int, int]) -> Tensor:
        """The transposed convolution of s (1, out, h, w), less ``cut`` rows and columns at either end."""
        if self.kernel == self.stride == (1, 1) and self.groups == 1 and cut == (0, 0):
            # as a matrix product, which needs no preparation for every new window size
            return F.linear(s.permute(0, 2, 3, 1), weight.flatten(1).t()).permute(0, 3, 1, 2)
        padding = self.reach(0) - 1 - cut[0], self.reach(1) - 1 - cut[1]
        if self.groups > 1 and self.stride == (1, 1) and min(padding) >= 0:
            # as a convolution, which is many times faster on a CPU
            return F.conv2d(s, self._turned(weight), None, 1, padding, self.dilation, self.groups)
        return F.conv_transpose2d(
            s, weight, stride=self.stride, padding=cut, dilation=self.dilation, groups=self.groups
        )

    def _turned(self, weight: Tensor) -> Tensor:
        """A grouped weight with its inputs and outputs exchanged and its kernel turned by 180 degrees."""
        outputs, inputs, *kernel = weight.shape
        grouped = weight.reshape(self.groups, outputs // self.groups, inputs, *kernel)
        return grouped.transpose(1, 2).flip(3, 4).reshape(self.groups * inputs, -1, *kernel)


class ZPlus:
    """A convolution under the ZPlus rule: weight (out, in / groups, kh, kw), bias (out,) or None."""

    def __init__(self, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> None:
        self.weight = weight
        self.bias = bias
        self.geometry = geometry
        self._keeps_split = weight.numel() <= _KEPT_ELEMENTS
        self._held: Callable[[], Tensor | None] = lambda: None

    def forward(self, x: Tensor) -> tuple[Tensor, ZPlusStep]:
        padding = self.geometry.padding(x.shape)
        return self.convolve(x, self.weight, self.bias, padding), ZPlusStep(self, x, padding)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: Padding) -> Tensor:
        """The same geometry with other numbers."""
        left, right, top, bottom = padding
        geometry = self.geometry
        if (left, top) == (right, bottom):
            return F.conv2d(x, weight, bias, geometry.stride, (top, left), geometry.dilation, geometry.groups)
        return F.conv2d(
            F.pad(x, padding), weight, bias, geometry.stride, 0, geometry.dilation, geometry.groups
        )

    @property
    def positive(self) -> Tensor:
        """W+, of the weight's shape."""
        return self.weight.clamp(min=0)

    @property
    def negative(self) -> Tensor:
        """W-, of the weight's shape."""
        return self.weight.clamp(max=0)

    @property
    def stacked(self) -> Tensor:
        """W+ and W- side by side, (out, 2 * in, kh, kw); of an ungrouped convolution. Made anew if nobody holds it."""
        held = self._held()
        if held is None:
            held = _halves_stacked(self.weight)
            self._held = (lambda: held) if self._keeps_split else weakref.ref(held)
        return held

    def keep_split(self) -> None:
        """Keep the stacked halves of the weight for good, as for a rule that many relevances pass."""
        self._keeps_split = True


class ConvolutionStep:
    """One convolution of one photo: what its way back is made of.

    The input is kept channels last, in which the way back is fastest. Forward, the model's own format and
    order of summation stand: its activations decide where relevance goes, down to the last bit.
    """

    def __init__(self, rule: ZPlus, x: Tensor, padding: Padding) -> None:
        self.has_negative = bool(x.amin() < 0)
        self.input_shape = x.shape
        self._rule = rule
        self._padding = padding
        self._uses_stacked = self.has_negative and rule.geometry.groups == 1

    def denominator_for(self, x: Tensor) -> Tensor:
        """stab(z), (1, out, h, w), from the activations alone: it serves every relevance that is sent back."""
        rule = self._rule
        bias = torch.full((rule.weight.shape[0],), STABILIZER, dtype=x.dtype, device=x.device)
        if rule.bias is not None:
            bias += rule.bias.clamp(min=0)
        # z is a sum of what is not negative: its sign is +, and stab(z) = z + 1e-6
        z = self._z(x, bias)
        return z.clamp_(min=STABILIZER) if z.is_cuda else z  # a GPU's fast algorithms may round below zero

    def _z(self, x: Tensor, bias: Tensor) -> Tensor:
        rule, padding = self._rule, self._padding
        if not self.has_negative:
            return rule.convolve(x, rule.positive, bias, padding)
        if self._uses_stacked:
            return rule.convolve(_halves_stacked(x), rule.stacked, bias, padding)
        z = rule.convolve(x.clamp(min=0), rule.positive, bias, padding)
        return z.add_(rule.convolve(x.clamp(max=0), rule.negative, None, padding))

    def halves_sent_back(self, s: Relevance) -> tuple[Relevance, Tensor, Tensor | None]:
        """convT(s, W+) and convT(s, W-) with the window that they lie in; None where no input is negative."""
        if not self.has_negative:
            sent = self._transpose(s, self._rule.positive)
            return sent, sent.values, None
        if self._uses_stacked:
            sent, channels = self._transpose(s, self._rule.stacked), self.input_shape[1]
            return sent, sent.values[:, :channels], sent.values[:, channels:]
        sent, second = self._transpose(s, self._rule.positive), self._transpose(s, self._rule.negative)
        return sent, sent.values, second.values

    def _transpose(self, s: Relevance, weight: Tensor) -> Relevance:
        """The adjoint of the convolution: from a window of its output to the window that it saw."""
        geometry = self._rule.geometry
        rows = _Span.seen(s.top, s.bottom, self._padding[2], geometry, 0, self.input_shape[2])
        columns = _Span.seen(s.left, s.right, self._padding[0], geometry, 1, self.input_shape[3])
        values = geometry.transposed(s.values, weight, (rows.both, columns.both))
        values = columns.fit(rows.fit(values, 2), 3)
        return Relevance(values, self.input_shape, rows.first, columns.first)


class ZPlusStep(ConvolutionStep):
    """One convolution of one photo under ZPlus.

    Where many relevances will come (see ``serve_many``), denominators are kept, and the factors x+ and x- instead of
    x. Where relevance goes on from here through nothing but Pass to another convolution (the one *below*), that one's
    division is folded in: the factors are x+ / stab(z_below) and x- / stab(z_below).
    """

    def __init__(self, rule: ZPlus, x: Tensor, padding: Padding) -> None:
        super().__init__(rule, x, padding)
        # a copy in any case: a model may change its own in place
        self._x: Tensor | None = x.clone(memory_format=torch.channels_last)
        self._keeps_denominator = True
        self._keeps_factors = False
        self._below: ZPlusStep | None = None
        self._is_folded = False  # the convolution above divides
        self._denominator: Tensor | None = None
        self._factors: Factors | None = None
        self._lock = threading.Lock()

    def serve_one(self) -> None:
        """Keep nothing for a second relevance: it seldom comes, and denominators are as large as activations."""
        self._keeps_denominator = False

    def serve_many(self, below: ZPlusStep | None) -> None:
        """Prepare for many relevances, all on one way; ``below`` is the convolution to fold in, if there is one."""
        self._keeps_factors = True
        self._rule.keep_split()
        self._below = below
        if below is not None:
            below._is_folded = True

    def kept(self) -> list[Tensor]:
        parts = [self._x, self._denominator, *(self._factors or ())]
        return [part for part in parts if part is not None]

    def send_back(self, relevance: Relevance) -> Relevance:
        split = self._rule.stacked if self._uses_stacked else None  # while it is held, it is not made again
        s, factors = self._divided(relevance)
        sent, up, down = self.halves_sent_back(s)
        del split
        positive, negative = (
            self._split(sent.window_of(self._input())) if factors is None else _window_of(sent, factors)
        )
        values = up * positive
        if down is not None and negative is not None:
            values.addcmul_(down, negative)
        return sent.with_values(values)

    def _divided(self, relevance: Relevance) -> tuple[Relevance, Factors | None]:
        """R / stab(z), and the factors if they are kept.

        Relevance comes here from the convolution above: what that one needs of this input, it has had by then.
        """
        with self._lock:
            denominator = self._denominator
            if denominator is None and not self._is_folded:
                denominator = self.denominator_for(self._input())
                self._denominator = denominator if self._keeps_denominator else None
            if self._factors is None and self._keeps_factors:
                self._factors = self._split_in_place(self._input())
                self._x = None
                if self._below is not None:
                    _divide(self._factors, self._below.denominator_for(self._below._input()))
            factors = self._factors
        if denominator is None:
            return relevance, factors
        return relevance.with_values(relevance.values / relevance.window_of(denominator)), factors

    def _split(self, x: Tensor) -> Factors:
        """x+ and x-; None where no input is negative."""
        return (x.clamp(min=0), x.clamp(max=0)) if self.has_negative else (x, None)

    def _split_in_place(self, x: Tensor) -> Factors:
        """The same, where x is not needed any more."""
        negative = x.clamp(max=0) if self.has_negative else None
        return x.clamp_(min=0), negative

    def _input(self) -> Tensor:
        if self._x is None:
            raise AssertionError("relevance reached a convolution before the one that it comes from")
        return self._x


@dataclass(frozen=True, slots=True)
class _Span:
    """What a window of a convolution's output saw of its input, along one axis."""

    first: int  # in the input
    length: int
    both: int  # pixels of padding that the transposed convolution takes off at either end
    before: int  # and that are still to be taken off at the beginning

    @classmethod
    def seen(cls, begin: int, end: int, padding: int, geometry: Geometry, axis: int, size: int) -> _Span:
        start = begin * geometry.stride[axis] - padding
        stop = (end - 1) * geometry.stride[axis] - padding + geometry.reach(axis)
        over = max(0, -start), max(0, stop - size)
        both = min(over)
        length = max(0, min(size, stop) - max(0, start))  # 0: it saw nothing but padding
        return cls(max(0, start), length, both, over[0] - both if length else 0)

    def fit(self, values: Tensor, dim: int) -> Tensor:
        if (self.before, self.length) == (0, values.shape[dim]):
            return values
        return values.narrow(dim, self.before, self.length)


def _halves_stacked(x: Tensor) -> Tensor:
    """x+ and x- side by side, (1, 2 * C, h, w)."""
    channels = x.shape[1]
    shape = (x.shape[0], 2 * channels, *x.shape[2:])
    both = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    torch.clamp(x, min=0, out=both[:, :channels])
    torch.clamp(x, max=0, out=both[:, channels:])
    return both


def _window_of(relevance: Relevance, factors: Factors) -> Factors:
    positive, negative = factors
    return relevance.window_of(positive), None if negative is None else relevance.window_of(negative)


def _divide(factors: Factors, denominator: Tensor) -> None:
    """Divide factors by a denominator, in place."""
    for part in factors:
        if part is not None:
            part.div_(denominator)
