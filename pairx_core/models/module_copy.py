"""Private copies of a user's module."""

from __future__ import annotations

import copy

from torch import nn


def shared_copy(module: nn.Module) -> nn.Module:
    """A copy of a module's structure that shares its weights: no hook or replacement reaches the original."""
    tensors = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})
