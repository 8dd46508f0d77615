"""Where explanations are computed, and what is said when there is too little memory for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pairx_core.errors import ExplanationError

_OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


def device_named(name: str, of_model: torch.device) -> torch.device:
    """The device to compute on; "auto" is a CUDA device if there is one, or else the model's own.

    Raises:
        ExplanationError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda") if torch.cuda.is_available() else of_model
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ExplanationError(
            f"The device “{name}” cannot be used ({error}). Choose “auto” or “cpu”."
        ) from None
    return device


@contextmanager
def memory_watched() -> Iterator[None]:
    """Turn running out of memory into a message that says which knob to turn.

    Raises:
        ExplanationError: there was too little memory for what ran inside.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        raise ExplanationError(
            "There is not enough memory to explain this pair. Lower the explainer's memory_budget, choose a smaller "
            "input_size in its options, explain fewer pairs at once, or close other programs."
        ) from error


def _is_lack_of_memory(error: Exception) -> bool:
    known = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, known) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)
