"""EpsilonPlus: from the user's convolutional model to a private copy whose modules leave rules' steps behind.

Which module gets which rule is zennit's ``EpsilonPlus`` composite, which PAIR-X uses (Shrack et al. 2025):
ZPlus for convolutions, Epsilon for linear layers, Norm for average pooling modules, Pass for activations and
batch norms. What is left (additions, GeM, flattening, functional pooling) keeps its plain gradient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pairx_core.explain.rules import Epsilon, Norm, Pass, ZPlus, record
from pairx_core.explain.rules.recording import Rule
from pairx_core.explain.rules.zplus import Geometry, Padding

Forward = Callable[[Tensor], Tensor]
ACTIVATIONS = (
    nn.ELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardtanh, nn.Hardswish, nn.LeakyReLU, nn.LogSigmoid, nn.PReLU,
    nn.ReLU, nn.RReLU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softshrink,
    nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip
AVERAGE_POOLING = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
GATES = {"SqueezeExcite", "SEModule", "EffectiveSEModule", "SqueezeExciteCl", "EcaModule", "CecaModule"}


def merge_batch_norms(private: nn.Module, example: Tensor) -> bool:
    """Fold batch norms into the convolution or linear layer right before them, as the reference does.

    A merged norm stays and still divides by sqrt(1 + eps), as in the reference, so that the copy's activations
    lie some 1e-4 beside the model's own.

    Args:
        private: a copy of the user's model, in evaluation mode; it is changed in place.
        example: one input (1, 3, H, W), run once to see which norms follow a convolution directly.

    Returns:
        Whether there were any.
    """
    pairs = _merging_pairs(private, example)
    for layer, norm in pairs:
        _merge(layer, norm)
    return bool(pairs)


def with_epsilon_plus(module: nn.Module) -> nn.Module:
    """Put a private copy of a convolutional model under the rules.

    Modules stay where they are, with their attributes and hooks; only what they do forward is exchanged. One that
    stands in several places is exchanged once.
    """
    rule = _rule_for(module)
    if rule is not None:
        module.forward = rule
    else:
        for child in module.children():
            if "forward" not in child.__dict__:
                with_epsilon_plus(child)
    return module


def convolution_geometry(
    weight: Tensor,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Geometry:
    """The geometry of a call of ``torch.nn.functional.conv2d``."""
    kernel = (weight.shape[2], weight.shape[3])
    if padding == "same":
        spare = [reach * (size - 1) for reach, size in zip(_two(dilation), kernel, strict=True)]
        zeros: Padding = (spare[1] // 2, spare[1] - spare[1] // 2, spare[0] // 2, spare[0] - spare[0] // 2)
    else:
        above, left = (0, 0) if isinstance(padding, str) else _two(padding)
        zeros = (left, left, above, above)
    return Geometry(kernel, _two(stride), _two(dilation), groups, lambda _: zeros)


def _zplus(source: nn.Conv2d) -> Forward:
    before, padding = _padding(source)
    geometry = Geometry(
        kernel=_two(source.kernel_size),
        stride=_two(source.stride),
        dilation=_two(source.dilation),
        groups=source.groups,
        padding=padding,
    )
    bias = None if source.bias is None else source.bias.detach()
    rule = ZPlus(source.weight.detach(), bias, geometry)
    return lambda x: record(x if before is None else before(x), rule)


def _convolution(
    func: Any, input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any
) -> Tensor:
    """A convolution that a module of its own kind calls, with weights that it made on the way."""
    geometry = convolution_geometry(weight, *args, **kwargs)
    if input.ndim != 4:
        return func(input, weight, bias, *args, **kwargs)  # type: ignore[no-any-return]
    return record(input, ZPlus(weight, bias, geometry))


EPSILON_PLUS: dict[Any, Callable[..., Any]] = {F.conv2d: _convolution}


def _rule_for(module: nn.Module) -> Forward | None:
    """What a module does forward under its rule; None where its plain gradient or its children's rules apply."""
    kind = type(module)
    if isinstance(module, nn.Conv2d):  # a kind of its own is caught where it calls conv2d
        usual = all(getattr(kind, name) is getattr(nn.Conv2d, name) for name in ("forward", "_conv_forward"))
        return _zplus(module) if usual or kind.__name__ == "Conv2dSame" else None
    if isinstance(module, nn.Linear) and kind.forward is nn.Linear.forward:
        bias = None if module.bias is None else module.bias.detach()
        return _recording(Epsilon(module.weight.detach(), bias))
    if isinstance(module, AVERAGE_POOLING):
        return _recording(Norm(module.forward))
    if isinstance(module, (*ACTIVATIONS, _BatchNorm)) or kind.__name__ in GATES:
        return _recording(Pass(module.forward))
    return None


def _recording(rule: Rule) -> Forward:
    return lambda x: record(x, rule)


def _merging_pairs(module: nn.Module, example: Tensor) -> list[tuple[nn.Conv2d | nn.Linear, _BatchNorm]]:
    """Convolutions and linear layers whose output goes straight into a plain batch norm, as run once.

    A batch norm that contains its activation (timm's ``BatchNormAct2d``) is not plain: it has children.
    """
    leaves = [leaf for leaf in module.modules() if next(leaf.children(), None) is None]
    pairs = [
        (first, second)
        for first, second in itertools.pairwise(leaves)
        if isinstance(first, (nn.Conv2d, nn.Linear)) and isinstance(second, _BatchNorm)
    ]
    if not pairs:
        return []
    outputs: dict[nn.Module, Tensor] = {}
    inputs: dict[nn.Module, Tensor] = {}
    handles = [first.register_forward_hook(_keep_output(outputs)) for first, _ in pairs]
    handles += [second.register_forward_hook(_keep_input(inputs)) for _, second in pairs]
    with torch.no_grad():
        module(example)
    for handle in handles:
        handle.remove()
    return [(first, second) for first, second in pairs if inputs.get(second) is outputs.get(first)]


def _keep_output(store: dict[nn.Module, Tensor]) -> Callable[[nn.Module, object, Tensor], None]:
    def hook(module: nn.Module, _: object, output: Tensor) -> None:
        store[module] = output

    return hook


def _keep_input(store: dict[nn.Module, Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        store[module] = inputs[0]

    return hook


def _merge(layer: nn.Conv2d | nn.Linear, norm: _BatchNorm) -> None:
    """Fold a batch norm into the layer before it, leaving an empty norm that divides by sqrt(1 + eps).

    New tensors are made: the old ones are the user's.
    """
    if norm.running_mean is None or norm.running_var is None:
        return
    gain = torch.ones_like(norm.running_var) if norm.weight is None else norm.weight
    shift = torch.zeros_like(norm.running_var) if norm.bias is None else norm.bias
    scale = gain / (norm.running_var + norm.eps).sqrt()
    bias = torch.zeros_like(scale) if layer.bias is None else layer.bias
    columns = scale.reshape(-1, *([1] * (layer.weight.ndim - 1)))
    layer.weight = _frozen(layer.weight * columns)
    layer.bias = _frozen((bias - norm.running_mean) * scale + shift)
    norm.running_mean = torch.zeros_like(norm.running_mean)
    norm.running_var = torch.ones_like(norm.running_var)
    if norm.affine:
        norm.weight = _frozen(torch.ones_like(scale))
        norm.bias = _frozen(torch.zeros_like(scale))


def _frozen(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.detach(), requires_grad=False)


class _Border(nn.Module):
    """A border that is not of zeros, put around a convolution's input."""

    def __init__(self, source: nn.Conv2d) -> None:
        super().__init__()
        self._border: list[int] = list(source._reversed_padding_repeated_twice)
        self._mode = source.padding_mode

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self._border, mode=self._mode)


def _padding(source: nn.Conv2d) -> tuple[nn.Module | None, Callable[[torch.Size], Padding]]:
    """What comes before a convolution, and the zeros that it puts around its input."""
    if type(source).__name__ == "Conv2dSame":
        return None, _same_padding(_two(source.kernel_size), _two(source.stride), _two(source.dilation))
    border = list(source._reversed_padding_repeated_twice)  # left, right, top, bottom
    if source.padding_mode != "zeros":
        return _Border(source), lambda _: (0, 0, 0, 0)
    zeros: Padding = (border[0], border[1], border[2], border[3])
    return None, lambda _: zeros


def _same_padding(
    kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Callable[[torch.Size], Padding]:
    """TensorFlow's "SAME": zeros enough for ceil(size / stride) outputs, the odd one after the picture."""

    def along(axis: int, size: int) -> tuple[int, int]:
        outputs = -(-size // stride[axis])
        zeros = max((outputs - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - size, 0)
        return zeros // 2, zeros - zeros // 2

    return lambda shape: (*along(1, shape[3]), *along(0, shape[2]))


def _two(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return (value, value)
    return (int(value[0]), int(value[-1]))
