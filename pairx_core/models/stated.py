"""What a model's files state of its input, checked; and what has to be assumed where they are silent."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

from torch import nn

from pairx_core.errors import ModelError
from pairx_core.models.checkpoints import Checkpoint, numbers
from pairx_core.models.known_models import KnownModel
from pairx_core.models.miewid import MIEWID_INPUT
from pairx_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Interpolation, Preprocessing

MIEWID = "miewid"  # an architecture that is not timm's
INPUT_SIZES = range(32, 2049)  # pixels a side
_USUAL = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
_ARGUMENTS = frozenset(  # of timm's models that a configuration may set: what the weights were made with
    [
        "img_size",
        "window_size",
        "patch_size",
        "global_pool",
        "class_token",
        "reg_tokens",
        "no_embed_class",
        "pos_embed",
        "pre_norm",
        "final_norm",
        "fc_norm",
        "qkv_bias",
        "qk_norm",
        "init_values",
        "ls_init_value",
        "mlp_ratio",
        "dynamic_img_size",
        "dynamic_img_pad",
        "always_partition",
        "strict_img_size",
        "output_stride",
    ]
)
_OF_TRAINING = frozenset(  # and what makes no difference to an embedding
    [
        "num_classes",
        "pretrained",
        "drop_rate",
        "drop_path_rate",
        "proj_drop_rate",
        "attn_drop_rate",
        "pos_drop_rate",
        "patch_drop_rate",
    ]
)


def pretrained(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub's configuration says of input and normalisation."""
    inner = config.get("pretrained_cfg")
    return dict(inner) if isinstance(inner, dict) else {}


def model_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a configuration gives the architecture.

    Raises:
        ModelError: one that is not known to be harmless, or a value that cannot be.
    """
    arguments = config.get("model_args")
    given = dict(arguments) if isinstance(arguments, dict) else {}
    if given.get("in_chans") == 3:  # as everywhere here
        del given["in_chans"]
    chosen = {name: value for name, value in given.items() if name not in _OF_TRAINING}
    odd = [name for name, value in chosen.items() if name not in _ARGUMENTS or not _is_plain(value)]
    if "img_size" in chosen and not _sides(chosen["img_size"]) <= set(INPUT_SIZES):
        odd.append("img_size")
    if odd:
        raise ModelError(
            f"The model cannot be built with model_args as config.json has them: {', '.join(map(repr, odd[:5]))} "
            "cannot be taken over. Correct config.json, or save the model without them."
        )
    return chosen


def stated_size(config: Mapping[str, Any], metadata: Mapping[str, str], path: Path) -> tuple[int, int] | None:
    """(height, width) in pixels that the checkpoint or the configuration states; None: neither does, in earnest.

    Raises:
        ModelError: the checkpoint's own metadata holds no size.
    """
    if "input_size" in metadata:
        width, height = _input_size(path, metadata, (0, 0))
        return height, width
    size = pretrained(config).get("input_size")
    if not isinstance(size, list) or len(size) != 3 or not _sides(size[1:]) <= set(INPUT_SIZES):
        return None
    return int(size[1]), int(size[2])


def preprocessing_of(
    module: nn.Module,
    checkpoint: Checkpoint,
    config: Mapping[str, Any],
    architecture: str,
    known: KnownModel | None,
) -> Preprocessing:
    """What is done to a photo: the checkpoint's word first, timm's last.

    Raises:
        ModelError: numbers that cannot be.
    """
    path, metadata = checkpoint.path, checkpoint.metadata
    usual: dict[str, Any] = dict(getattr(module, "pretrained_cfg", None) or {})
    if architecture == MIEWID:
        start = Preprocessing((MIEWID_INPUT, MIEWID_INPUT), IMAGENET_MEAN, IMAGENET_STD, "bilinear")
    elif known is not None:
        start = known.preprocessing
        height, width = usual.get("input_size", (3, *start.input_size))[1:]  # which of them, the weights tell
        start = replace(start, input_size=(width, height))
    else:
        start = _of_config(path, {**usual, **pretrained(config)})
    chosen = Preprocessing(
        input_size=_input_size(path, metadata, start.input_size),
        mean=numbers(path, metadata, "mean") or start.mean,
        std=_deviations(path, metadata) or start.std,
        interpolation=_interpolation(path, metadata.get("interpolation", start.interpolation)),
    )
    return replace(chosen, input_size=_built_for(module) or chosen.input_size)


def assumptions(
    checkpoint: Checkpoint, config: Mapping[str, Any], architecture: str, chosen: Collection[str] = ()
) -> tuple[str, ...]:
    """What the files of a model of unknown origin leave open, and what was taken instead.

    Args:
        checkpoint: the weights.
        config: of the hub; empty where there is none.
        architecture: timm's name.
        chosen: "input_size" and "normalisation" where the user chose them; nothing is assumed of them.
    """
    stated, metadata = pretrained(config), checkpoint.metadata
    said: list[str] = []
    if "normalisation" not in chosen and "mean" not in metadata:
        said += _of_normalisation(stated, architecture)
    if "input_size" not in {*chosen, *metadata, *stated} and "img_size" not in model_arguments(config):
        said.append(f"The input size is timm's for {architecture}: the checkpoint does not say it.")
    return tuple(said)


def _of_normalisation(stated: Mapping[str, Any], architecture: str) -> list[str]:
    is_swin = architecture.startswith("swin_")
    if "mean" not in stated:
        hint = " MegaDescriptor's is “half”." if is_swin else ""
        return [f"The normalisation is timm's for {architecture}: the checkpoint does not say it.{hint}"]
    if is_swin and stated["mean"] == [*IMAGENET_MEAN]:
        return [
            "The normalisation is ImageNet's, as config.json has it. MegaDescriptor's config.json has it too, but its "
            "card says “half”: if these are weights of MegaDescriptor, choose “half”, or put its README.md beside them."
        ]
    return []


def _built_for(module: nn.Module) -> tuple[int, int] | None:
    """(width, height) of the one input that a module with a fixed input takes; None: it takes others too."""
    fixed = (getattr(module, "pretrained_cfg", None) or {}).get("fixed_input_size")
    size = getattr(getattr(module, "patch_embed", None), "img_size", None)
    if not fixed or not isinstance(size, tuple) or len(size) != 2:
        return None
    return int(size[1]), int(size[0])


def _of_config(path: Path, config: Mapping[str, Any]) -> Preprocessing:
    try:
        height, width = (int(side) for side in config.get("input_size", (3, 224, 224))[1:])
        mean, std = (tuple(map(float, config.get(key, usual))) for key, usual in _USUAL.items())
        is_finite = all(map(math.isfinite, (*mean, *std)))
        if len(mean) != 3 or len(std) != 3 or not is_finite or min(std) <= 0:
            raise ValueError("mean and std are three numbers each, std above 0")
        if {height, width} - set(INPUT_SIZES):
            raise ValueError("32 to 2048 pixels a side are possible")
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelError(
            f"{path}: the configuration's input_size, mean or std makes no sense ({error}). Correct config.json."
        ) from None
    interpolation = _interpolation(path, str(config.get("interpolation", "bicubic")))
    return Preprocessing((width, height), cast(Any, mean), cast(Any, std), interpolation)


def _interpolation(path: Path, text: str) -> Interpolation:
    if text not in get_args(Interpolation):
        raise ModelError(f"{path}: interpolation “{text}” is none of {', '.join(get_args(Interpolation))}.")
    return cast(Interpolation, text)


def _deviations(path: Path, metadata: dict[str, str]) -> tuple[float, float, float] | None:
    std = numbers(path, metadata, "std")
    if std is not None and min(std) <= 0:
        raise ModelError(f"{path}: metadata “std” is “{metadata['std']}”; three numbers above 0 are needed.")
    return std


def _input_size(path: Path, metadata: Mapping[str, str], otherwise: tuple[int, int]) -> tuple[int, int]:
    text = metadata.get("input_size")
    if text is None:
        return otherwise
    if not text.isdecimal() or len(text) > 4 or int(text) not in INPUT_SIZES:
        raise ModelError(f"{path}: metadata “input_size” is “{text}”; a number from 32 to 2048 is needed.")
    return int(text), int(text)


def _sides(size: object) -> set[object]:
    """The sides in a size that is one number or two; a value that no size has where it is something else."""
    sides = size if isinstance(size, list) else [size]
    is_size = 1 <= len(sides) <= 2 and all(type(side) is int for side in sides)
    return set(sides) if is_size else {None}


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= 8 and all(type(one) in (int, float) and math.isfinite(one) for one in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)
