"""load_model: from a name or a checkpoint to an EmbeddingModel."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, cast, get_args

from torch import nn

from pairx_core.errors import ModelError
from pairx_core.models.checkpoints import load_weights, numbers, read_checkpoint
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Interpolation, Preprocessing
from pairx_core.models.torchvision_ops import ensure_torchvision_operators

DEMO_CHECKPOINT = Path(__file__).resolve().parents[2] / "data_samples" / "demo_model.safetensors"
_CHECKPOINT_ENDINGS = (".safetensors", ".pth", ".pt", ".bin")


def load_model(name: str = "demo", *, checkpoint: str | Path | None = None) -> EmbeddingModel:
    """Load an embedding model. Nothing is downloaded.

    Args:
        name: "demo" (the bundled one); the path of a ``.safetensors`` checkpoint that names its architecture
            in its metadata; a timm architecture such as "efficientnet_b0", with ``checkpoint``; or both in
            one string, "efficientnet_b0:weights.pth".
        checkpoint: a ``.safetensors`` or ``.pth`` file with the weights of that architecture.

    Returns:
        The model in evaluation mode; its embedding is the pooled feature vector before any classifier.

    Raises:
        ModelError: no such architecture or file, or weights that do not fit it.
    """
    architecture, path, label = _resolve(name, checkpoint)
    weights = read_checkpoint(path)
    metadata = weights.metadata
    architecture = architecture or metadata.get("architecture", "")
    if not architecture:
        raise ModelError(
            f"{path}: this checkpoint does not say its architecture; give it before the path, "
            f"such as efficientnet_b0:{path}."
        )
    module = _build(architecture)
    load_weights(module, weights)
    module.eval().requires_grad_(False)
    preprocessing = _preprocessing(module, path, metadata)
    return EmbeddingModel(module, preprocessing, label, recommended_layer=metadata.get("recommended_layer"))


def _resolve(name: str, checkpoint: str | Path | None) -> tuple[str, Path, str]:
    """(architecture or "", path of the weights, label) for what the user wrote."""
    name = name.strip()
    if checkpoint is not None and str(checkpoint).strip():
        path = _path(str(checkpoint).strip())
        if name in ("", "demo"):  # the demo's name was left standing: the file may say its architecture
            return "", path, path.stem
        return name, path, f"{name} ({path.name})"
    if name == "demo":
        return "", DEMO_CHECKPOINT, "demo"
    architecture, colon, rest = name.partition(":")
    if colon and rest.lower().endswith(_CHECKPOINT_ENDINGS) and len(architecture) > 1:
        path = _path(rest)
        return architecture, path, f"{architecture} ({path.name})"
    if name.lower().endswith(_CHECKPOINT_ENDINGS):
        path = _path(name)
        return "", path, path.stem
    _build(name, pretend=True)
    raise ModelError(
        f"The model “{name}” needs its weights: give the path of a checkpoint (.safetensors or .pth), "
        f"for instance {name}:weights.safetensors. Nothing is downloaded."
    )


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ModelError(
            f"{text}: there is no such home folder. Write the whole path of the checkpoint."
        ) from None


def _build(architecture: str, *, pretend: bool = False) -> nn.Module:
    """A timm architecture with pooled features as its output.

    Raises:
        ModelError: timm does not know it; similar names are suggested.
    """
    ensure_torchvision_operators()
    import timm

    if not timm.is_model(architecture):
        close = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise ModelError(f"There is no model “{architecture}”: use “demo” or a timm architecture.{hint}")
    if pretend:
        return nn.Identity()
    return timm.create_model(architecture, pretrained=False, num_classes=0)


def _preprocessing(module: nn.Module, path: Path, metadata: dict[str, str]) -> Preprocessing:
    """What the checkpoint says; where it is silent, timm's configuration of the architecture."""
    config: dict[str, Any] = dict(getattr(module, "pretrained_cfg", None) or {})
    height, width = config.get("input_size", (3, 224, 224))[1:]
    interpolation = metadata.get("interpolation", config.get("interpolation", "bicubic"))
    if "input_size" in metadata:
        width = height = _whole_number(path, metadata["input_size"])
    if interpolation not in get_args(Interpolation):
        raise ModelError(
            f"{path}: interpolation “{interpolation}” is none of {', '.join(get_args(Interpolation))}."
        )
    return Preprocessing(
        input_size=(width, height),
        mean=numbers(path, metadata, "mean") or tuple(config.get("mean", IMAGENET_MEAN)),
        std=numbers(path, metadata, "std") or tuple(config.get("std", IMAGENET_STD)),
        interpolation=cast(Interpolation, interpolation),
    )


def _whole_number(path: Path, text: str) -> int:
    if not text.isdigit() or not 32 <= int(text) <= 2048:
        raise ModelError(f"{path}: metadata “input_size” is “{text}”; a number from 32 to 2048 is needed.")
    return int(text)
