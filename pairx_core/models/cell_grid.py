"""The cells of a layer: where they are in its output, whatever form that has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

_PREFIXES = range(17)  # class and register tokens before the grid, where the model does not say how many
_TOLERANCE = 0.2  # how far a grid's aspect may lie from the input's, relatively


@dataclass(frozen=True, slots=True)
class CellGrid:
    """How a layer's output is a grid of cells.

    ``form`` is "NCHW" (1, C, h, w), "NHWC" (1, h, w, C) or "tokens" (1, prefix + h * w, C).
    """

    form: Literal["NCHW", "NHWC", "tokens"]
    columns: int
    rows: int
    prefix: int = 0  # tokens that are no cells: class and register tokens

    @classmethod
    def of(
        cls,
        output: Tensor,
        input_size: tuple[int, int],
        prefix: int | None = None,
        *,
        channels_last: bool = False,
    ) -> CellGrid | None:
        """The grid of a layer's output for an input of (width, height) pixels; None where there is none.

        Args:
            output: what the layer gave for one photo.
            input_size: (width, height) of the model's input.
            prefix: how many class and register tokens there are, where the model says so.
            channels_last: whether to take (1, h, w, C) where both forms are possible.
        """
        if output.ndim == 3:
            return cls._of_tokens(output.shape[1], input_size, prefix)
        if output.ndim != 4:
            return None
        _, first, second, third = output.shape
        found: list[CellGrid] = []
        if _similar_aspect((third, second), input_size):
            found.append(cls("NCHW", third, second))
        if _similar_aspect((second, first), input_size):
            found.append(cls("NHWC", second, first))
        found = [grid for grid in found if min(grid.columns, grid.rows) > 1]
        return None if not found else found[-1] if channels_last else found[0]

    @classmethod
    def _of_tokens(cls, tokens: int, input_size: tuple[int, int], prefix: int | None) -> CellGrid | None:
        for before in _PREFIXES if prefix is None else (prefix,):
            cells = tokens - before
            if cells < 4:
                continue
            nearest = math.sqrt(cells * input_size[1] / input_size[0])
            rows = min(_divisors(cells), key=lambda number: abs(math.log(number / nearest)))
            if rows > 1 and cells > rows and _similar_aspect((cells // rows, rows), input_size):
                return cls("tokens", cells // rows, rows, before)
        return None

    def feature_map(self, output: Tensor) -> Tensor:
        """The cells of a layer's output (or of anything of its shape) as (1, C, h, w), a view of it."""
        if self.form == "NCHW":
            return output
        if self.form == "NHWC":
            return output.permute(0, 3, 1, 2)
        cells: Tensor = torch.unflatten(output[:, self.prefix :], 1, (self.rows, self.columns))
        return cells.permute(0, 3, 1, 2)


def _similar_aspect(grid_size: tuple[int, int], input_size: tuple[int, int]) -> bool:
    """Whether cells of a grid (columns, rows) would be about square, or off by less than one cell."""
    columns, rows = grid_size
    wanted = rows * input_size[0] / input_size[1]
    return abs(columns - wanted) < max(1.0, _TOLERANCE * columns)


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def is_feature_map(output: object) -> bool:
    """Whether something can be a layer's output with cells at all."""
    return isinstance(output, torch.Tensor) and output.is_floating_point() and output.ndim in (3, 4)


def prefix_tokens(module: nn.Module) -> int | None:
    """How many class and register tokens a transformer says that it has."""
    said = {getattr(part, "num_prefix_tokens", None) for part in module.modules()}
    counts = [count for count in said if isinstance(count, int)]
    return counts[0] if len(counts) == 1 else None


def gives_channels_last(module: nn.Module) -> bool:
    """Whether a model says that its stages give (1, h, w, C), as timm's Swin does."""
    return any(str(getattr(part, "output_fmt", "")).endswith("NHWC") for part in module.modules())
