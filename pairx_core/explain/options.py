"""How explanations are made: the exact default, and what departs from it by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args, get_type_hints

from pairx_core.errors import ExplanationError

if TYPE_CHECKING:
    import torch

ChannelReduction = Literal["abs_of_sum", "sum_of_abs"]
Distance = Literal["euclidean", "cosine"]
Descriptor = Literal["layer", "hypercolumn"]
Precision = Literal["float32", "float64", "bfloat16"]
Rules = Literal["EpsilonPlus", "AttnLRP"]  # by which relevance is propagated


@dataclass(frozen=True, slots=True)
class ExplanationOptions:
    """The parameters of PAIR-X. The defaults are the published method, exactly."""

    channel_reduction: ChannelReduction = "abs_of_sum"  # of layer relevance; WildMe's fork: "sum_of_abs"
    distance: Distance = "euclidean"  # between cells' feature vectors
    descriptor: Descriptor = "layer"  # of a cell: its feature vector, or those of several stages together
    agreement: bool = False  # lines in the order of relevance times agreement with the matches beside them
    refine_matches: bool = False  # line ends between cells' centres, where the distance is least
    conserve_skips: bool = False  # share relevance out at skip additions; the reference doubles it there
    precision: Precision = "float32"  # bfloat16 is inexact
    input_size: tuple[int, int] | None = (
        None  # (width, height) of the model's input; other than its own: inexact
    )

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ExplanationError: a value is not among the choices.
        """
        kinds = get_type_hints(type(self))
        for name in ("channel_reduction", "distance", "descriptor", "precision"):
            choices = get_args(kinds[name])
            if getattr(self, name) not in choices:
                raise ExplanationError(
                    f"{name} is “{getattr(self, name)}”; choose one of {', '.join(choices)}."
                )
        if self.input_size is not None and not all(32 <= side <= 4096 for side in self.input_size):
            raise ExplanationError(f"input_size is {self.input_size}; each side must have 32 to 4096 pixels.")

    @property
    def dtype(self) -> torch.dtype:
        """The precision as torch names it."""
        import torch

        dtype: torch.dtype = getattr(torch, self.precision)
        return dtype

    def departures(self) -> tuple[str, ...]:
        """In words, what is not as published; empty for the default."""
        words = {
            "relevance reduced as the sum of absolute values": self.channel_reduction != "abs_of_sum",
            "cells matched by cosine": self.distance == "cosine",
            "cells described by several stages": self.descriptor == "hypercolumn",
            "lines in the order of relevance and local agreement": self.agreement,
            "match positions refined between cells": self.refine_matches,
            "relevance conserved at skip connections": self.conserve_skips,
            "inexact: bfloat16": self.precision == "bfloat16",
            "float64": self.precision == "float64",
            f"inexact: input of {_size(self.input_size)} pixels": self.input_size is not None,
        }
        return tuple(text for text, holds in words.items() if holds)


def _size(size: tuple[int, int] | None) -> str:
    return "" if size is None else f"{size[0]}×{size[1]}"
