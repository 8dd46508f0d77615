"""AttnLRP: networks with attention or layer norms (Achtibat et al. 2024).

What travels back is a modified gradient g; relevance at a tensor x is x * g. The rules stand at functions, not at
modules, so that any module built from them is covered:

===========================  ====================================================================
GELU, SiLU and their like    g times f(x) / x (``self_gated``)
layer, group and RMS norms   the standard deviation is held constant (``frozen_norm``)
product of two activations   the ordinary gradient, half of it to each factor: in attention a half to
                             the values, a quarter to queries and keys; softmax keeps its own gradient
convolution                  ZPlus (``zplus_gradient``)
all else                     the ordinary gradient: linear layers, additions, pooling, position biases
===========================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pairx_core.errors import ExplanationError
from pairx_core.explain.conversion import convolution_geometry
from pairx_core.explain.rules import FrozenNorm, Scale, SelfGated, ZPlusGradient, record

Replacement = Callable[..., Any]  # takes the function and its arguments

_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_NORMS_BY_NAME = ("RmsNorm", "SimpleNorm")
_SELF_GATED_BY_NAME = {"QuickGELU", "Swish", "HardSwish", "HardSwishMe", "Mish", "MishMe", "GELUTanh"}


def needs_attnlrp(module: nn.Module) -> bool:
    """Whether a model has layer norms or attention, and so is no plain convolutional network."""
    return any(
        isinstance(part, _NORMS) or name.startswith(_NORMS_BY_NAME) or "Attention" in name
        for part, name in ((part, type(part).__name__) for part in module.modules())
    )


def with_attnlrp(private: nn.Module) -> nn.Module:
    """Put those few modules of a private copy under rules that functions alone do not tell."""
    for name, child in private.named_children():
        setattr(private, name, _replacement(child) or with_attnlrp(child))
    return private


class FunctionRules(TorchFunctionMode):
    """While it is entered, functions of activations leave rules' steps behind. One thread sees only its own."""

    def __init__(self, table: dict[Any, Replacement]) -> None:
        super().__init__()
        self._table = table

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        replacement = self._table.get(func) if torch.is_grad_enabled() else None
        if replacement is None:
            return func(*args, **(kwargs or {}))
        return replacement(func, *args, **(kwargs or {}))


class _Factor(nn.Module):
    """A module y = x * c(x) + b whose factor c is held constant."""

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.source = source

    def forward(self, x: Tensor) -> Tensor:
        return record(x, SelfGated(self.source))


class _ResponseNorm(nn.Module):
    """Global response norm (ConvNeXt V2), x + w * (x * n) + b, with the response n held constant."""

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.source = source

    def forward(self, x: Tensor) -> Tensor:
        source: Any = self.source
        response = x.detach().norm(p=2, dim=source.spatial_dim, keepdim=True)
        response = response / (response.mean(dim=source.channel_dim, keepdim=True) + source.eps)
        bias, weight = source.bias.view(source.wb_shape), source.weight.view(source.wb_shape)
        return x + torch.addcmul(bias, weight, x * response)


def _replacement(module: nn.Module) -> nn.Module | None:
    name = type(module).__name__
    if name == "GlobalResponseNorm":
        return _ResponseNorm(module)
    if name in _SELF_GATED_BY_NAME or name.startswith(("RmsNorm", "SimpleNorm")):
        return _Factor(module)
    return None


def _self_gated(func: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    if not x.requires_grad:
        return func(x, *args, **kwargs)  # type: ignore[no-any-return]
    kwargs.pop("inplace", None)
    return record(x, SelfGated(lambda value: func(value, *args, **kwargs)))


def _layer_norm(
    func: Any,
    x: Tensor,
    shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    dimensions = len(shape)
    rule = FrozenNorm(
        lambda value: func(value, shape, weight, bias, eps),
        lambda value: value.flatten(-dimensions),
        weight,
        eps,
    )
    return record(x, rule)


def _rms_norm(
    func: Any, x: Tensor, shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    dimensions = len(shape)
    rule = FrozenNorm(
        lambda value: func(value, shape, weight, eps),
        lambda value: value.flatten(-dimensions),
        weight,
        torch.finfo(x.dtype).eps if eps is None else eps,
        centered=False,
    )
    return record(x, rule)


def _group_norm(
    func: Any,
    x: Tensor,
    groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    per_channel = None if weight is None else weight.reshape(-1, *([1] * (x.ndim - 2)))
    rule = FrozenNorm(
        lambda value: func(value, groups, weight, bias, eps),
        lambda value: value.reshape(value.shape[0], groups, -1),
        per_channel,
        eps,
    )
    return record(x, rule)


def _convolution(
    func: Any, input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any
) -> Tensor:
    if input.ndim != 4:
        return func(input, weight, bias, *args, **kwargs)  # type: ignore[no-any-return]
    return record(input, ZPlusGradient(weight, bias, convolution_geometry(weight, *args, **kwargs)))


def _product(func: Any, input: Any, other: Any, **kwargs: Any) -> Any:
    if _is_activation(input) and _is_activation(other):
        return func(_scaled(input, 0.5), _scaled(other, 0.5), **kwargs)
    return func(input, other, **kwargs)


def _product_in_place(func: Any, input: Tensor, other: Any) -> Any:
    if _is_activation(input) and _is_activation(other):
        raise ExplanationError(
            "This model multiplies two activations in place, for which PAIR-X has no relevance rule. "
            "Write the product as x = x * y in the model's code."
        )
    return func(input, other)


def _sum_of_products(func: Any, equation: str, *operands: Any) -> Any:
    flat = (
        list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(operands)
    )
    if sum(_is_activation(operand) for operand in flat) == 2:
        flat = [_scaled(operand, 0.5) if _is_activation(operand) else operand for operand in flat]
    return func(equation, *flat)


def _attention(func: Any, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
    share = 0.25 if _is_activation(query) and _is_activation(key) else 0.5
    query, key = (_scaled(x, share) if _is_activation(x) else x for x in (query, key))
    return func(query, key, _scaled(value, 0.5) if _is_activation(value) else value, *args, **kwargs)


def _is_activation(x: Any) -> bool:
    """Whether a value depends on the photo; the weights of a private copy need no gradient."""
    return isinstance(x, Tensor) and x.requires_grad


def _scaled(x: Tensor, factor: float) -> Tensor:
    return record(x, Scale(factor))


ATTNLRP: dict[Any, Replacement] = {
    F.gelu: _self_gated,
    F.silu: _self_gated,
    F.mish: _self_gated,
    F.hardswish: _self_gated,
    F.relu6: _self_gated,
    F.hardtanh: _self_gated,
    F.layer_norm: _layer_norm,
    F.rms_norm: _rms_norm,
    F.group_norm: _group_norm,
    F.conv2d: _convolution,
    torch.mul: _product,
    torch.multiply: _product,
    Tensor.mul: _product,
    Tensor.multiply: _product,
    Tensor.mul_: _product_in_place,
    torch.matmul: _product,
    torch.bmm: _product,
    Tensor.matmul: _product,
    Tensor.bmm: _product,
    torch.einsum: _sum_of_products,
    F.scaled_dot_product_attention: _attention,
}
