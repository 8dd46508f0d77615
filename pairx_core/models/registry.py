"""load_model: from a name, a folder or a checkpoint to an EmbeddingModel."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

from torch import nn

from pairx_core.errors import ModelError
from pairx_core.models.checkpoints import Checkpoint, load_weights, numbers, read_checkpoint
from pairx_core.models.embedding_model import EmbeddingModel, ModelOrigin
from pairx_core.models.hook import is_hook, load_hook
from pairx_core.models.hub import ModelFiles, Progress, files_in, files_of_repository
from pairx_core.models.known_models import KNOWN_MODELS, KnownModel, known_model
from pairx_core.models.miewid import MIEWID_BACKBONE, MIEWID_INPUT, MiewID, embedder_weights, is_miewid
from pairx_core.models.preprocessing import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NORMALISATIONS,
    Interpolation,
    Preprocessing,
)
from pairx_core.models.swin import swin_architecture, tidy_swin
from pairx_core.models.torchvision_ops import ensure_torchvision_operators

DEMO_CHECKPOINT = Path(__file__).resolve().parents[2] / "data_samples" / "demo_model.safetensors"
_CHECKPOINT_ENDINGS = (".safetensors", ".pth", ".pt", ".bin")
_REPOSITORY = re.compile(r"(?P<place>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
_MIEWID = "miewid"
_INPUT_SIZES = range(32, 2049)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a user's words mean."""

    label: str  # on screen and in the record
    weights: Path
    source: str
    architecture: str = ""  # timm's name; empty: as the checkpoint tells
    config: Mapping[str, Any] = field(default_factory=dict)  # the hub's config.json
    known: KnownModel | None = None
    licence: str = ""


def load_model(
    name: str = "demo",
    *,
    checkpoint: str | Path | None = None,
    input_size: int | None = None,
    normalisation: str | None = None,
    progress: Progress | None = None,
) -> EmbeddingModel:
    """Load an embedding model. Only models of the hub that are not in its cache are downloaded, once.

    Args:
        name: "demo" (the bundled one); a short name in ``KNOWN_MODELS`` such as "miewid" or "megadescriptor-t-224"; a
            model of the Hugging Face hub, ``owner/name`` or ``owner/name@revision``; a timm architecture such as
            "efficientnet_b0", with its published weights or with ``checkpoint``; the path of a ``.safetensors`` or
            ``.pth`` checkpoint that tells its architecture, or of a folder with one; "efficientnet_b0:weights.pth";
            or ``module:function``, Python of your own (:func:`pairx_core.models.hook.load_hook`).
        checkpoint: a ``.safetensors`` or ``.pth`` file with the weights of that architecture.
        input_size: pixels a side; None: as the model's files say.
        normalisation: "imagenet", "half" (mean and deviation 0.5) or "clip"; None: as the model's files say.
        progress: told how many bytes of a download are done.

    Returns:
        The model in evaluation mode; its embedding is the pooled feature vector before any classifier.

    Raises:
        ModelError: no such model or file, weights that do not fit, or a model that cannot be downloaded.
    """
    if checkpoint in (None, "") and is_hook(name.strip()) and not _is_architecture_with_file(name.strip()):
        return _with_choices(load_hook(name.strip()), input_size, normalisation)
    found = _resolve(name, checkpoint, progress)
    weights = read_checkpoint(found.weights)
    module, architecture = _built(found, weights, input_size)
    module.eval().requires_grad_(False)
    preprocessing, assumed = _preprocessing(module, found, weights, architecture)
    model = EmbeddingModel(
        module,
        preprocessing,
        found.label,
        recommended_layer=weights.metadata.get("recommended_layer"),
        origin=ModelOrigin(found.source, found.licence or weights.metadata.get("license", ""), assumed),
    )
    return _with_choices(model, input_size, normalisation)


def _resolve(name: str, checkpoint: str | Path | None, progress: Progress | None) -> _Found:
    """What the user wrote, as files."""
    name = name.strip()
    if checkpoint is not None and str(checkpoint).strip():
        path = _path(str(checkpoint).strip())
        if name in ("", "demo"):  # the demo's name was left standing: the file may say its architecture
            return _checkpoint("", path)
        return _checkpoint(name, path)
    if name == "demo":
        return _Found("demo", DEMO_CHECKPOINT, "bundled; trained on drawn animals", licence="MIT")
    if _is_architecture_with_file(name):
        architecture, _, rest = name.partition(":")
        return _checkpoint(architecture, _path(rest))
    if name.lower().endswith(_CHECKPOINT_ENDINGS):
        return _checkpoint("", _path(name))
    if _is_folder(name):
        folder = _path(name)
        return _of_files(files_in(folder), folder.name, str(folder), known_model(folder.name))
    repository = _repository(name)
    if repository is not None:
        return _of_hub(*repository, progress)
    return _of_timm(name, progress)


def _is_architecture_with_file(name: str) -> bool:
    architecture, colon, rest = name.partition(":")
    return bool(colon) and rest.lower().endswith(_CHECKPOINT_ENDINGS) and len(architecture) > 1


def _checkpoint(architecture: str, path: Path) -> _Found:
    label = f"{architecture} ({path.name})" if architecture else path.stem
    known = known_model(architecture) if architecture else None
    if known is None and "megadescriptor" in path.name.casefold():
        known = KNOWN_MODELS["megadescriptor-t-224"]  # which one of them, the weights tell
    is_timm = architecture not in ("", _MIEWID) and known_model(architecture) is None
    return _Found(label, path, str(path), architecture if is_timm else "", known=known)


def _repository(name: str) -> tuple[str, str | None, KnownModel | None] | None:
    """(owner/name, revision, what is known of it) of a model on the hub; None: the name means something else."""
    known = known_model(name)
    if known is not None and "/" not in name:
        return known.repository, None, known
    found = _REPOSITORY.fullmatch(name.removeprefix("hf-hub:").removeprefix("hf_hub:"))
    return None if found is None else (found["place"], found["revision"], known)


def _of_hub(
    repository: str, revision: str | None, known: KnownModel | None, progress: Progress | None
) -> _Found:
    files = files_of_repository(repository, revision, progress)
    commit = files.weights.parent.name  # the cache keeps each commit in a folder of its own
    return _of_files(files, repository, f"{repository} on the Hugging Face hub, commit {commit[:12]}", known)


def _of_timm(name: str, progress: Progress | None) -> _Found:
    """An architecture alone: with the weights that timm publishes for it."""
    _check_architecture(name)
    import timm

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        raise ModelError(
            f"The model “{name}” needs its weights: give the path of a checkpoint (.safetensors or .pth), "
            f"for instance {name}:weights.safetensors."
        )
    found = _of_hub(config.hf_hub_id, None, None, progress)
    return replace(found, architecture=name, licence=found.licence or config.license or "")


def _of_files(files: ModelFiles, label: str, source: str, known: KnownModel | None) -> _Found:
    config = _config(files.config)
    card = "" if files.card is None else files.card.read_text(encoding="utf-8", errors="replace")
    if known is None and "MegaDescriptor" in card:
        known = KNOWN_MODELS["megadescriptor-t-224"]
    licence = _licence(files.card) or str(_pretrained(config).get("license") or "")
    return _Found(label, files.weights, source, str(config.get("architecture") or ""), config, known, licence)


def _config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path}: this is no configuration of a model ({error}). Download it again."
        ) from None
    if not isinstance(config, dict):
        raise ModelError(f"{path}: this is no configuration of a model. Download it again.")
    return config


def _pretrained(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub's configuration says of input and normalisation."""
    inner = config.get("pretrained_cfg")
    return dict(inner) if isinstance(inner, dict) else {}


def _licence(card: Path | None) -> str:
    if card is None:
        return ""
    from huggingface_hub import metadata_load

    try:
        metadata = metadata_load(card) or {}
    except ValueError:  # a head of the page that is no YAML
        return ""
    return str(metadata.get("license_name") or metadata.get("license") or "")


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ModelError(
            f"{text}: there is no such home folder. Write the whole path of the checkpoint."
        ) from None


def _is_folder(name: str) -> bool:
    try:
        return bool(name) and _path(name).is_dir()
    except OSError:  # a name that is too long for a path
        return False


def _check_architecture(architecture: str) -> None:
    """Make sure that timm knows an architecture.

    Raises:
        ModelError: it does not; similar names are suggested.
    """
    ensure_torchvision_operators()
    import timm

    if timm.is_model(architecture):
        return
    names = [*timm.list_models(), *KNOWN_MODELS]
    close = difflib.get_close_matches(architecture, names, n=3)
    hint = f" Did you mean {', '.join(close)}?" if close else ""
    raise ModelError(
        f"There is no model “{architecture}”: use “demo”, {', '.join(list(KNOWN_MODELS)[:3])}, a timm architecture, "
        f"owner/name on the hub, or the path of a checkpoint.{hint}"
    )


def _built(found: _Found, checkpoint: Checkpoint, input_size: int | None) -> tuple[nn.Module, str]:
    """The module with its weights, and its architecture: timm's name, or miewid."""
    named = found.architecture or checkpoint.metadata.get("architecture", "")
    if is_miewid(checkpoint.plain):
        backbone = named or str(found.config.get("model_name") or MIEWID_BACKBONE)
        _check_architecture(backbone)
        module: nn.Module = MiewID(backbone)
        load_weights(module, replace(checkpoint, weights=embedder_weights(checkpoint.plain)))
        return module, _MIEWID
    architecture = named or swin_architecture(checkpoint.plain)
    if not architecture:
        raise ModelError(
            f"{checkpoint.path}: this checkpoint does not say its architecture; give it before the path, "
            f"such as efficientnet_b0:{checkpoint.path}."
        )
    _check_architecture(architecture)
    module = _timm(architecture, found.config, input_size)
    if architecture.startswith("swin_"):
        checkpoint = replace(checkpoint, weights=tidy_swin(checkpoint.plain))
    load_weights(module, checkpoint)
    return module, architecture


def _timm(architecture: str, config: Mapping[str, Any], input_size: int | None) -> nn.Module:
    """A timm architecture with pooled features as its output."""
    import timm

    arguments = config.get("model_args")
    options: dict[str, Any] = dict(arguments) if isinstance(arguments, dict) else {}
    usual = timm.get_pretrained_cfg(architecture)
    if input_size is not None and usual is not None and usual.fixed_input_size:
        options["img_size"] = input_size
    try:
        return timm.create_model(architecture, pretrained=False, num_classes=0, **options)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise ModelError(
            f"The architecture {architecture} cannot be built with {options or 'its defaults'} ({error}). Leave out "
            "the input size, or correct model_args in config.json."
        ) from error


def _preprocessing(
    module: nn.Module, found: _Found, checkpoint: Checkpoint, architecture: str
) -> tuple[Preprocessing, tuple[str, ...]]:
    """What is done to a photo, and what of it nothing says: the checkpoint's word first, timm's last."""
    path, metadata, stated = checkpoint.path, checkpoint.metadata, _pretrained(found.config)
    usual: dict[str, Any] = dict(getattr(module, "pretrained_cfg", None) or {})
    if found.known is not None:
        start = found.known.preprocessing
        height = usual.get("input_size", (3, *start.input_size))[
            1
        ]  # of the architecture that the weights tell
        start = replace(start, input_size=(height, height))
    elif architecture == _MIEWID:
        start = Preprocessing((MIEWID_INPUT, MIEWID_INPUT), IMAGENET_MEAN, IMAGENET_STD, "bilinear")
    else:
        start = _of_config(path, {**usual, **stated})
    chosen = Preprocessing(
        input_size=_input_size(path, metadata, start.input_size),
        mean=numbers(path, metadata, "mean") or start.mean,
        std=numbers(path, metadata, "std") or start.std,
        interpolation=_interpolation(path, metadata.get("interpolation", start.interpolation)),
    )
    return chosen, _assumed(found, metadata, stated, architecture)


def _assumed(
    found: _Found, metadata: Mapping[str, str], stated: Mapping[str, Any], architecture: str
) -> tuple[str, ...]:
    if found.known is not None or architecture == _MIEWID or found.weights == DEMO_CHECKPOINT:
        return ()
    assumed = []
    if "mean" not in metadata and "mean" not in stated:
        hint = " MegaDescriptor's is “half”." if architecture.startswith("swin_") else ""
        assumed.append(
            f"The normalisation is timm's for {architecture}: the checkpoint does not say it.{hint}"
        )
    if "input_size" not in metadata and "input_size" not in stated:
        assumed.append(f"The input size is timm's for {architecture}: the checkpoint does not say it.")
    return tuple(assumed)


def _of_config(path: Path, config: Mapping[str, Any]) -> Preprocessing:
    try:
        height, width = (int(side) for side in config.get("input_size", (3, 224, 224))[1:])
        mean, std = (tuple(map(float, config.get(key, usual))) for key, usual in _USUAL.items())
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or {height, width} - set(_INPUT_SIZES):
            raise ValueError("numbers that cannot be")
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: the configuration's input_size, mean or std makes no sense ({error}). Correct config.json."
        ) from None
    interpolation = _interpolation(path, str(config.get("interpolation", "bicubic")))
    return Preprocessing((width, height), cast(Any, mean), cast(Any, std), interpolation)


_USUAL = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}


def _interpolation(path: Path, text: str) -> Interpolation:
    if text not in get_args(Interpolation):
        raise ModelError(f"{path}: interpolation “{text}” is none of {', '.join(get_args(Interpolation))}.")
    return cast(Interpolation, text)


def _input_size(path: Path, metadata: Mapping[str, str], otherwise: tuple[int, int]) -> tuple[int, int]:
    text = metadata.get("input_size")
    if text is None:
        return otherwise
    if not text.isdecimal() or len(text) > 4 or int(text) not in _INPUT_SIZES:
        raise ModelError(f"{path}: metadata “input_size” is “{text}”; a number from 32 to 2048 is needed.")
    return int(text), int(text)


def _with_choices(model: EmbeddingModel, input_size: int | None, normalisation: str | None) -> EmbeddingModel:
    """The model with the input size and normalisation that the user chose."""
    if input_size is None and not normalisation:
        return model
    if model.preprocessing is None:
        raise ModelError(f"The model {model.name} has no preprocessing, so none can be chosen.")
    changed = model.preprocessing
    if input_size is not None:
        if input_size not in _INPUT_SIZES:
            raise ModelError(f"The input size {input_size} cannot be: 32 to 2048 pixels a side are possible.")
        changed = replace(changed, input_size=(input_size, input_size))
    if normalisation:
        if normalisation not in NORMALISATIONS:
            raise ModelError(
                f"There is no normalisation “{normalisation}”. There are: {', '.join(NORMALISATIONS)}."
            )
        mean, std = NORMALISATIONS[normalisation]
        changed = replace(changed, mean=mean, std=std)
    return model.with_preprocessing(changed)
