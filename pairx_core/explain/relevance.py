"""Relevance at one tensor of a network, zero outside a window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """Relevance at a tensor. Outside the window it is exactly zero, and nothing is stored or computed.

    A single cell's relevance spreads backwards no further than its receptive field, which is what makes
    windows pay. Only tensors of four dimensions have windows smaller than themselves, in their last two.
    """

    values: Tensor  # (N, C, height, width) in the window; the whole tensor where it has not four dimensions
    shape: torch.Size  # of the whole tensor
    top: int = 0  # first row of the window
    left: int = 0  # first column of the window

    @classmethod
    def whole(cls, values: Tensor) -> Relevance:
        """Relevance that may be anywhere in a tensor."""
        return cls(values, values.shape)

    @property
    def bottom(self) -> int:
        """The row after the window's last."""
        return self.top + self.values.shape[-2]

    @property
    def right(self) -> int:
        """The column after the window's last."""
        return self.left + self.values.shape[-1]

    @property
    def is_whole(self) -> bool:
        """Whether the window is the whole tensor."""
        return self.values.shape[-2:] == self.shape[-2:]

    def window_of(self, tensor: Tensor) -> Tensor:
        """The part of a tensor (N, C', h, w) that lies in this window, as a view."""
        if self.is_whole:
            return tensor
        return tensor[..., self.top : self.bottom, self.left : self.right]

    def full(self) -> Tensor:
        """The whole tensor of relevance, with its zeros."""
        if self.is_whole:
            return self.values
        whole = _zeros(self.values, self.shape)
        self.window_of(whole).copy_(self.values)
        return whole

    def with_values(self, values: Tensor) -> Relevance:
        """Other values in the same window."""
        return Relevance(values, self.shape, self.top, self.left)

    def plus(self, other: Relevance) -> Relevance:
        """The sum of two relevances at the same tensor."""
        if (self.top, self.left, self.values.shape) == (other.top, other.left, other.values.shape):
            return self.with_values(self.values + other.values)
        union = self._union(other)
        for part in (self, other):
            rows = slice(part.top - union.top, part.bottom - union.top)
            columns = slice(part.left - union.left, part.right - union.left)
            union.values[..., rows, columns] += part.values
        return union

    def cropped(self) -> Relevance:
        """The same relevance in the smallest window that holds it."""
        if self.values.ndim != 4:
            return self
        occupied = (self.values != 0).flatten(0, 1).any(0)
        rows, columns = occupied.any(1).nonzero().flatten(), occupied.any(0).nonzero().flatten()
        if len(rows) == 0:
            return self.with_values(self.values[..., :1, :1])
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        values = self.values[..., top:bottom, left:right]
        return Relevance(values, self.shape, self.top + top, self.left + left)

    def _union(self, other: Relevance) -> Relevance:
        """Zeros in the smallest window around both."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        height = max(self.bottom, other.bottom) - top
        width = max(self.right, other.right) - left
        shape = torch.Size((*self.shape[:-2], height, width))
        return Relevance(_zeros(self.values, shape), self.shape, top, left)


def _zeros(like: Tensor, shape: torch.Size) -> Tensor:
    """Zeros of a shape, in the memory format that convolutions here use."""
    format_ = torch.channels_last if len(shape) == 4 else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=format_).zero_()
