"""Where explanations are computed, and what is said when there is too little memory for it."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

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
        if not is_lack_of_memory(error):
            raise
        raise ExplanationError(
            "There is not enough memory to explain this pair. Lower the explainer's memory_budget, choose a smaller "
            "input_size in its options, explain fewer pairs at once, or close other programs."
        ) from error


def give_memory_back() -> None:
    """Hand memory that is no longer used back to the system, where the C library does so only when asked.

    A forward pass leaves freed blocks between those that are kept; glibc would hold on to them, some 0.3 GB a photo
    of MiewID's size. Elsewhere than on Linux with glibc, nothing is done.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    try:
        trim: Callable[[int], int] = ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):  # another C library
        return None
    return trim


def is_lack_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out."""
    known = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, known) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)
