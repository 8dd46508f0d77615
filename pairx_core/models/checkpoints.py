"""Reading weights from files: safetensors, or .pth without running anything in it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pairx_core.errors import ModelError

_HEADS = (
    "classifier.",
    "fc.",
    "head.fc.",
    "head.classifier.",
    "head.weight",
    "head.bias",
)  # classification layers, not part of an embedder
_PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "net.",
)  # what DataParallel, torch.compile and trainers put first


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights, and what the file says about itself."""

    path: Path
    weights: dict[str, Tensor]  # under their names in the module, without what training wraps around it
    metadata: dict[str, str]
    ignored: tuple[str, ...] = ()  # what the file holds besides, such as a loss


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a ``.safetensors`` file, or a ``.pth``/``.pt``/``.bin`` one as weights only.

    Raises:
        ModelError: missing, empty, damaged, not a checkpoint, or one that would have to run code.
    """
    if not path.is_file():
        raise ModelError(
            f"{path}: there is no such checkpoint file. Give the path of a .safetensors or .pth file."
        )
    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the checkpoint file is empty; copy or download it again.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix in {".pth", ".pt", ".bin"}:
        return _read_pickled_weights(path)
    raise ModelError(f"{path}: a checkpoint must be a .safetensors, .pth, .pt or .bin file.")


def load_weights(module: nn.Module, checkpoint: Checkpoint) -> None:
    """Load all of a checkpoint's weights into a module; every weight of the module must be there.

    Weights of a classification head are ignored.

    Raises:
        ModelError: weights missing, left over or of another shape, each named.
    """
    weights = {key: value for key, value in checkpoint.weights.items() if not key.startswith(_HEADS)}
    expected = module.state_dict()
    optional = {key for key in expected if key.endswith("num_batches_tracked")}
    missing = sorted(expected.keys() - weights.keys() - optional)
    extra = sorted(weights.keys() - expected.keys())
    misfits = [
        f"{key} is {tuple(weights[key].shape)}, not {tuple(expected[key].shape)}"
        for key in sorted(expected.keys() & weights.keys())
        if weights[key].shape != expected[key].shape
    ]
    differences = [("Missing", missing), ("Not in the model", extra), ("Of another shape", misfits)]
    if any(keys for _, keys in differences):
        differences.append(("Not looked at", list(checkpoint.ignored)))
        listed = " ".join(listing(label, keys) for label, keys in differences if keys)
        raise ModelError(
            f"{checkpoint.path}: these weights are of another model. {listed} "
            "Choose the architecture that the checkpoint was trained with."
        )
    module.load_state_dict(
        {key: value.to(expected[key].dtype) for key, value in weights.items()}, strict=False
    )


def numbers(path: Path, metadata: dict[str, str], key: str) -> tuple[float, float, float] | None:
    """Three numbers that a checkpoint's metadata gives as a JSON list; None where it does not.

    Raises:
        ModelError: the entry is there but is not three numbers.
    """
    if key not in metadata:
        return None
    try:
        first, second, third = (float(value) for value in json.loads(metadata[key]))
        if not all(map(math.isfinite, (first, second, third))):
            raise ValueError("not finite")
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise ModelError(
            f"{path}: metadata “{key}” is “{metadata[key]}”; three numbers are needed."
        ) from None
    return (first, second, third)


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
            return _unwrapped(path, weights, dict(file.metadata() or {}))
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None


def _read_pickled_weights(path: Path) -> Checkpoint:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler meets foreign bytes: any of a dozen kinds of error
        raise _damaged(path, error) from None
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(_is_weight(*item) for item in content.items()):
        raise ModelError(f"{path}: there are no weights in this file (a dictionary of tensors is needed).")
    return _unwrapped(path, content, {})


def _is_weight(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor)


def _unwrapped(path: Path, weights: dict[str, Tensor], metadata: dict[str, str]) -> Checkpoint:
    """The weights of the module within the modules that training put around it, layer by layer.

    The module is where most weights are; those beside it, such as a loss or a copy, are not part of it.
    """
    ignored: list[str] = []
    passed = ""
    while weights:
        counts = {prefix: sum(key.startswith(prefix) for key in weights) for prefix in _PREFIXES}
        prefix = max(_PREFIXES, key=counts.__getitem__)
        if 2 * counts[prefix] < len(weights):
            break
        ignored += (passed + key for key in weights if not key.startswith(prefix))
        passed += prefix
        weights = {
            key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)
        }
    return Checkpoint(path, weights, metadata, tuple(sorted(ignored)))


def listing(label: str, keys: Sequence[str], most: int = 5) -> str:
    """Names for a message: “Missing: a, b and 7 more.”"""
    more = f" and {len(keys) - most} more" if len(keys) > most else ""
    return f"{label}: {', '.join(keys[:most])}{more}."


def _damaged(path: Path, error: Exception) -> ModelError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return ModelError(
        f"{path}: this checkpoint cannot be read ({reason}). It may be cut short, of another format, or hold "
        "more than weights, which is never loaded; copy it again or save the weights alone as .safetensors."
    )
