"""From the user's model to a private copy of it through which relevance can travel."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pairx_core.errors import ExplanationError
from pairx_core.explain.rules import ConvolutionSpec, Epsilon, Norm, Pass, ZPlus
from pairx_core.models.module_copy import shared_copy

ACTIVATIONS = (
    nn.ELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardtanh, nn.Hardswish, nn.LeakyReLU, nn.LogSigmoid, nn.PReLU,
    nn.ReLU, nn.RReLU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Softplus, nn.Softshrink,
    nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip
AVERAGE_POOLING = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
GATES = {"SqueezeExcite", "SEModule", "EffectiveSEModule", "SqueezeExciteCl"}  # timm's, by class name
UNSUPPORTED = (
    nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d, nn.MultiheadAttention, nn.Embedding, nn.RNNBase,
    nn.ConvTranspose2d, nn.Conv1d, nn.Conv3d,
)  # fmt: skip


class ZPlusConvolution(nn.Module):
    """A convolution under the ZPlus rule."""

    def __init__(self, source: nn.Conv2d) -> None:
        super().__init__()
        self.pad = _explicit_padding(source)
        self.spec = ConvolutionSpec(
            weight=source.weight.detach(),
            bias=None if source.bias is None else source.bias.detach(),
            stride=_two(source.stride),
            padding=(0, 0) if self.pad is not None else _two(source.padding),
            dilation=_two(source.dilation),
            groups=source.groups,
        )

    def forward(self, x: Tensor) -> Tensor:
        return ZPlus.apply(x if self.pad is None else self.pad(x), self.spec)  # type: ignore[no-untyped-call, no-any-return]


class EpsilonLinear(nn.Module):
    """A linear layer under the Epsilon rule."""

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        self.weight = source.weight.detach()
        self.bias = None if source.bias is None else source.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        return Epsilon.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call, no-any-return]


class Passing(nn.Module):
    """A module that relevance passes unchanged."""

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.source = source

    def forward(self, x: Tensor) -> Tensor:
        return Pass.apply(x, self.source)  # type: ignore[no-untyped-call, no-any-return]


class NormPooling(nn.Module):
    """An average pooling under the Norm rule."""

    def __init__(self, source: nn.Module) -> None:
        super().__init__()
        self.source = source

    def forward(self, x: Tensor) -> Tensor:
        return Norm.apply(x, self.source)  # type: ignore[no-untyped-call, no-any-return]


def convert(module: nn.Module, example: Tensor) -> tuple[nn.Module, bool]:
    """A private copy of a model that carries relevance backwards instead of gradients.

    Args:
        module: the user's model in evaluation mode. It is not touched; the copy shares its weights.
        example: one input (1, 3, H, W), run once to see which batch norms follow a convolution directly.

    Returns:
        The copy, and whether batch norms were merged. A merged norm still divides by sqrt(1 + eps), as in the
        reference, so that the copy's activations lie some 1e-4 beside the model's own.

    Raises:
        ExplanationError: a module of the model has no propagation rule; the message names it and its path.
    """
    check_supported(module)
    private = shared_copy(module)
    pairs = _merging_pairs(private, example)
    for layer, norm in pairs:
        _merge(layer, norm)
    return _with_rules(private), bool(pairs)


def check_supported(module: nn.Module) -> None:
    """Refuse a model with modules that no rule covers, before any work is done.

    Raises:
        ExplanationError: naming the first such module and its path inside the model.
    """
    for path, part in module.named_modules():
        own = list(part.parameters(recurse=False))
        is_leaf = next(part.children(), None) is None
        unknown = is_leaf and any(p.ndim >= 2 for p in own) and not isinstance(part, (nn.Conv2d, nn.Linear))
        if isinstance(part, UNSUPPORTED) or unknown:
            raise ExplanationError(
                f"PAIR-X has no relevance rule for the module {type(part).__name__} at “{path}”. "
                "Explanations work for convolutional models such as EfficientNet, MobileNet and ResNet; "
                "this model can still propose candidates, without explanations."
            )


def _with_rules(module: nn.Module) -> nn.Module:
    replacement = _replacement(module)
    if replacement is not None:
        return replacement
    for name, child in module.named_children():
        setattr(module, name, _with_rules(child))
    return module


def _replacement(module: nn.Module) -> nn.Module | None:
    """The module under its rule; None where the plain gradient or its children's rules apply."""
    if isinstance(module, nn.Conv2d):
        return ZPlusConvolution(module)
    if isinstance(module, nn.Linear):
        return EpsilonLinear(module)
    if isinstance(module, AVERAGE_POOLING):
        return NormPooling(module)
    if isinstance(module, (*ACTIVATIONS, _BatchNorm)) or type(module).__name__ in GATES:
        return Passing(_never_in_place(module))
    return None


def _never_in_place(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if getattr(part, "inplace", False):
            part.inplace = False  # type: ignore[assignment]
    return module


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


def _explicit_padding(source: nn.Conv2d) -> Callable[[Tensor], Tensor] | None:
    """Padding to be done before the convolution, where it is not a fixed border of zeros."""
    if type(source).__name__ == "Conv2dSame":
        from timm.layers.padding import pad_same

        return lambda x: pad_same(x, list(source.kernel_size), list(source.stride), list(source.dilation))
    if source.padding_mode != "zeros" or isinstance(source.padding, str):
        mode = "constant" if source.padding_mode == "zeros" else source.padding_mode
        border = source._reversed_padding_repeated_twice
        return lambda x: F.pad(x, border, mode=mode)
    return None


def _two(value: int | tuple[int, ...] | str) -> tuple[int, int]:
    if isinstance(value, tuple):
        return (int(value[0]), int(value[1]))
    return (int(value), int(value))
