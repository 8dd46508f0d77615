"""Where explanations are computed, and what is said when there is too little memory for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pairx_core.errors import ExplanationError

_OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


def device_named(name: str, of_model: torch.device) -> torch.device:
    """The device to compute on; "auto" is a CUDA device if there is one, or else the model's own.

    Where that is a CUDA device, the process computes full float32 from then on (see :func:`compute_in_full`).

    Raises:
        ExplanationError: there is no such device.
    """
    device = _device_named(name, of_model)
    if device.type == "cuda":
        compute_in_full()
    return device


def compute_in_full() -> None:
    """Keep CUDA from rounding the factors of float32 products to TF32 (10 bits), as torch lets convolutions do.

    Rounded so, embeddings and relevance differ from the CPU's in the third digit, and the order of matches with them.
    """
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]  # made at run time
    torch.backends.cuda.matmul.fp32_precision = "ieee"


def _device_named(name: str, of_model: torch.device) -> torch.device:
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


def is_lack_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out."""
    known = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, known) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)
