"""How much memory there is, and how much a photo takes on its way through a model."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

_SHARE = 0.5  # of the free memory, that is planned with
_MOST_AT_ONCE = 64  # photos in one batch: more gains nothing
_HELD = 3  # times the largest step's tensors: what a branch, a sum and the allocator hold besides


def free_memory(device: torch.device) -> int | None:
    """Bytes that may still be taken on a device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # another system
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return None if kilobytes is None else int(kilobytes) * 1024


def bytes_a_photo(module: nn.Module, example: Tensor) -> int:
    """About how many bytes a photo takes while it goes through a model without gradients.

    Args:
        module: the model.
        example: an input (1, 3, H, W).
    """
    largest = 0

    def watch(_: nn.Module, taken: tuple[object, ...], given: object) -> None:
        nonlocal largest
        tensors = [one for one in (*taken, given) if isinstance(one, Tensor)]
        largest = max(largest, sum(one.numel() * one.element_size() for one in tensors))

    leaves = [one for one in module.modules() if not any(one.children())]
    hooks = [leaf.register_forward_hook(watch) for leaf in leaves]
    try:
        with torch.inference_mode():
            module(example)
    finally:
        for hook in hooks:
            hook.remove()
    return _HELD * largest + example.numel() * example.element_size()


def photos_at_once(each: int, free: int | None, most: int = _MOST_AT_ONCE) -> int:
    """How many photos of so many bytes each may be worked on at once: at least one."""
    if free is None:
        return most
    return max(1, min(most, int(free * _SHARE) // max(each, 1)))
