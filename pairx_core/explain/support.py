"""Which models can be explained, and by which rules."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from pairx_core.errors import ExplanationError
from pairx_core.explain.attnlrp import needs_attnlrp
from pairx_core.explain.conversion import GATES
from pairx_core.explain.options import Rules

_KNOWN_WITH_WEIGHTS = (nn.Conv2d, nn.Linear, nn.Embedding)
_UNSUPPORTED = (
    nn.InstanceNorm2d, nn.MultiheadAttention, nn.RNNBase, nn.ConvTranspose2d, nn.Conv1d, nn.Conv3d, nn.Bilinear,
)  # fmt: skip


def rules_for(module: nn.Module) -> Rules:
    """AttnLRP for models with layer norms (transformers, ConvNeXt), EpsilonPlus for all others."""
    return "AttnLRP" if needs_attnlrp(module) else "EpsilonPlus"


def check_supported(module: nn.Module) -> None:
    """Refuse a model with modules that no rule covers, before any work is done.

    Raises:
        ExplanationError: naming the first such module and its path inside the model.
    """
    for path, part in _outside_gates(module):
        own = list(part.parameters(recurse=False))
        is_leaf = next(part.children(), None) is None
        unknown = is_leaf and any(p.ndim >= 2 for p in own) and not isinstance(part, _KNOWN_WITH_WEIGHTS)
        if isinstance(part, _UNSUPPORTED) or (unknown and not _only_holds_constants(part)):
            raise ExplanationError(
                f"PAIR-X has no relevance rule for the module {type(part).__name__} at “{path or 'the top'}”. "
                "Models built of convolutions, linear layers, attention written out, and the usual norms and "
                "activations can be explained; this one can still propose candidates, without explanations."
            )


def _outside_gates(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """All modules with their paths, but for what lies inside a gate, which relevance passes as a whole."""
    yield path, module
    if type(module).__name__ not in GATES:
        for name, child in module.named_children():
            yield from _outside_gates(child, f"{path}.{name}" if path else name)


def _only_holds_constants(part: nn.Module) -> bool:
    """Whether a module's weights are added or scaled with: position tables, layer scales, norms, GeM."""
    name = type(part).__name__.lower()
    return any(word in name for word in ("pos", "rope", "scale", "norm", "gem", "affine", "token"))
