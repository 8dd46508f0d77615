"""Private copies of a user's module."""

from __future__ import annotations

import copy

from torch import nn


def shared_copy(module: nn.Module) -> nn.Module:
    """A copy of a module's structure that shares its weights: no hook or replacement reaches the original."""
    tensors = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})


def frozen_copy(module: nn.Module) -> nn.Module:
    """A copy whose parameters share the user's memory but are objects of their own, and need no gradient.

    Converting the copy to another precision or moving it leaves the original as it is.
    """
    parameters = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in module.parameters()}
    buffers = {id(buffer): buffer.detach() for buffer in module.buffers()}
    return copy.deepcopy(module, {**parameters, **buffers})
