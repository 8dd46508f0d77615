"""load_model: from a name, a folder or a checkpoint to an EmbeddingModel."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from pairx_core.addresses import without_password
from pairx_core.errors import ModelError
from pairx_core.models.card import ModelOrigin
from pairx_core.models.checkpoints import Checkpoint, listing, load_weights, read_checkpoint
from pairx_core.models.embedding_model import EmbeddingModel, tried
from pairx_core.models.hook import is_hook, load_hook
from pairx_core.models.hub import ModelFiles, Progress, files_in, files_of_repository
from pairx_core.models.known_models import KNOWN_MODELS, KnownModel, known_model, model_in_card
from pairx_core.models.miewid import MIEWID_BACKBONE, MiewID, embedder_weights, is_miewid
from pairx_core.models.preprocessing import IMAGENET_MEAN, NORMALISATIONS
from pairx_core.models.stated import (
    INPUT_SIZES,
    MIEWID,
    assumptions,
    model_arguments,
    preprocessing_of,
    pretrained,
    stated_size,
)
from pairx_core.models.swin import swin_architecture, tidy_swin
from pairx_core.models.torchvision_ops import ensure_torchvision_operators
from pairx_core.paths import tidy_path

DEMO_CHECKPOINT = Path(__file__).resolve().parents[2] / "data_samples" / "demo_model.safetensors"
_CHECKPOINT_ENDINGS = (".safetensors", ".pth", ".pt", ".bin")
_WITH_FILE = re.compile(  # an architecture has two letters at least: C:\\weights.pth is a path
    rf"(?P<architecture>[\w.-]{{2,}}):(?P<file>.+(?:{'|'.join(map(re.escape, _CHECKPOINT_ENDINGS))}))",
    re.I | re.S,
)
_REPOSITORY = re.compile(r"(?P<place>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True, slots=True)
class _Found:
    """What a user's words mean."""

    label: str  # on screen and in the record
    weights: Path
    source: str
    architecture: str = ""  # timm's name; empty: as the checkpoint tells
    config: Mapping[str, Any] = field(default_factory=dict)  # the hub's config.json
    known: KnownModel | None = None
    taken_for: str = ""  # why it is taken for the known one, where it only seems to be; empty: it is that one
    licence: str = ""
    is_published: bool = False  # by timm, with a configuration that can be relied on


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
    _check_choices(input_size, normalisation)
    if checkpoint in (None, "") and is_hook(name.strip()) and not _is_architecture_with_file(name.strip()):
        return tried(_with_choices(load_hook(name.strip()), input_size, normalisation))
    return _loaded(_resolve(name, checkpoint, progress), input_size, normalisation)


def _loaded(found: _Found, input_size: int | None, normalisation: str | None) -> EmbeddingModel:
    """The model in some files, tried once."""
    weights = read_checkpoint(found.weights)
    module, architecture = _built(found, weights, input_size)
    module.eval().requires_grad_(False)
    if found.known is not None and not found.known.is_built_as(architecture):
        found = replace(found, known=None)
    chosen = {"input_size": input_size is not None, "normalisation": bool(normalisation)}
    assumed = _assumed(found, weights, architecture, {one for one, is_chosen in chosen.items() if is_chosen})
    if weights.ignored:
        count = f"{len(weights.ignored):,} of the file's weights are taken to be no part of the model."
        assumed = (*assumed, f"{count} {listing('Left out', weights.ignored)}")
    model = EmbeddingModel(
        module,
        preprocessing_of(module, weights, found.config, architecture, found.known),
        found.label,
        recommended_layer=weights.metadata.get("recommended_layer"),
        origin=ModelOrigin(found.source, found.licence or weights.metadata.get("license", ""), assumed),
    )
    return tried(_with_choices(model, input_size, normalisation))


def _resolve(name: str, checkpoint: str | Path | None, progress: Progress | None) -> _Found:
    """What the user wrote, as files."""
    name = name.strip().strip("\"'")
    given = str(checkpoint or "").strip()
    _refuse_addresses(name, given)
    if given:
        path = _path(given)
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


def _refuse_addresses(*written: str) -> None:
    address = next((one for one in written if "://" in one), None)
    if address is not None:
        raise ModelError(
            f"“{without_password(address)}” is an address, from which nothing is loaded. Download the file and give "
            "its path, or owner/name of a model on the hub."
        )


def with_absolute_path(name: str) -> str:
    """A model's name as another process may take it, which runs in another folder."""
    name = name.strip().strip("\"'")
    if name == "demo" or is_hook(name):
        return name
    if _is_architecture_with_file(name):
        architecture, _, rest = name.partition(":")
        return f"{architecture}:{_path(rest)}"
    return str(_path(name)) if name.lower().endswith(_CHECKPOINT_ENDINGS) or _is_folder(name) else name


def _is_architecture_with_file(name: str) -> bool:
    """Whether a name is ARCHITECTURE:PATH, and not a path with a colon in it."""
    return _WITH_FILE.fullmatch(name) is not None and not _is_file(name)


def _is_file(name: str) -> bool:
    try:
        return bool(name) and _path(name).is_file()
    except (ModelError, OSError):  # a name that no path has
        return False


def _checkpoint(architecture: str, path: Path) -> _Found:
    label = f"{architecture} ({path.name})" if architecture else path.stem
    known, taken_for = (known_model(architecture) if architecture else None), ""
    is_timm = architecture not in ("", MIEWID) and known is None
    if known is None and "megadescriptor" in path.name.casefold():
        known = KNOWN_MODELS["megadescriptor-t-224"]  # which one of them, the weights tell
        taken_for = "the file's name has it"
    return _Found(label, path, str(path), architecture if is_timm else "", known=known, taken_for=taken_for)


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
    found = _of_files(files, repository, f"{repository} on the Hugging Face hub, commit {commit[:12]}", known)
    return replace(found, is_published=repository.startswith("timm/"))


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
    licence = found.licence or config.license or ""
    return replace(found, architecture=name, licence=licence, is_published=True)


def _of_files(files: ModelFiles, label: str, source: str, known: KnownModel | None) -> _Found:
    config, metadata = _config(files.config), _metadata(files.card)
    taken_for = ""
    if known is None and files.card is not None:
        text = files.card.read_text(encoding="utf-8", errors="replace")
        known, taken_for = model_in_card(text, metadata)
    if taken_for and pretrained(config).get("mean") not in (None, [*IMAGENET_MEAN]):
        known, taken_for = None, ""  # ImageNet's is left over from the start; another one was meant
    licence = (
        metadata.get("license_name") or metadata.get("license") or pretrained(config).get("license") or ""
    )
    architecture = str(config.get("architecture") or "")
    return _Found(label, files.weights, source, architecture, config, known, taken_for, str(licence))


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


def _metadata(card: Path | None) -> dict[str, Any]:
    """The head of a model's page."""
    if card is None:
        return {}
    from huggingface_hub import metadata_load
    from yaml import YAMLError  # type: ignore[import-untyped]

    try:
        return dict(metadata_load(card) or {})
    except (ValueError, YAMLError):  # a head of the page that is no YAML
        return {}


def _path(text: str) -> Path:
    return tidy_path(text, ModelError)


def _is_folder(name: str) -> bool:
    try:
        return bool(name) and _path(name).is_dir()
    except (ModelError, OSError):  # a name that no path has
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
    if is_miewid(checkpoint.weights):
        backbone = named or str(found.config.get("model_name") or MIEWID_BACKBONE)
        _check_architecture(backbone)
        with _buildable(backbone):
            module: nn.Module = MiewID(backbone)
        load_weights(module, replace(checkpoint, weights=embedder_weights(checkpoint.weights)))
        return module, MIEWID
    architecture = named or swin_architecture(checkpoint.weights)
    if not architecture:
        raise ModelError(
            f"{checkpoint.path}: this checkpoint does not say its architecture; give it before the path, "
            f"such as efficientnet_b0:{checkpoint.path}."
        )
    _check_architecture(architecture)
    module = _timm(architecture, _options(architecture, found, checkpoint, input_size))
    if architecture.startswith("swin_"):
        checkpoint = replace(checkpoint, weights=tidy_swin(checkpoint.weights))
    load_weights(module, checkpoint)
    return module, architecture


def _options(
    architecture: str, found: _Found, checkpoint: Checkpoint, input_size: int | None
) -> dict[str, Any]:
    """What the architecture is built with; one that takes inputs of one size only is built for that."""
    import timm

    options = model_arguments(found.config)
    usual = timm.get_pretrained_cfg(architecture)
    if usual is None or not usual.fixed_input_size:
        return options
    stated = stated_size(found.config, checkpoint.metadata, checkpoint.path)
    is_itself = found.known is not None and not found.taken_for  # whose size is known, whatever its files say
    if input_size is not None:
        options["img_size"] = input_size
    elif stated not in (None, usual.input_size[1:]) and (
        not is_itself or "input_size" in checkpoint.metadata
    ):
        options.setdefault("img_size", stated)
    return options


def _timm(architecture: str, options: Mapping[str, Any]) -> nn.Module:
    """A timm architecture with pooled features as its output."""
    import timm

    with _buildable(architecture, options):
        return timm.create_model(architecture, pretrained=False, num_classes=0, **options)


@contextmanager
def _buildable(architecture: str, options: Mapping[str, Any] | None = None) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # values from somebody's file meet a thousand constructors: any kind of error
        raise ModelError(
            f"The architecture {architecture} cannot be built with {dict(options or {}) or 'its defaults'} "
            f"({type(error).__name__}: {error}). Leave out the input size, or correct model_args in config.json."
        ) from error


def _assumed(
    found: _Found, checkpoint: Checkpoint, architecture: str, chosen: Collection[str]
) -> tuple[str, ...]:
    if found.known is not None and found.taken_for and "normalisation" not in chosen:
        return (
            f"The normalisation is “half”, MegaDescriptor's: it is taken for one because {found.taken_for}.",
        )
    is_clear = found.known is not None or found.is_published or architecture == MIEWID
    if is_clear or found.weights == DEMO_CHECKPOINT:
        return ()
    return assumptions(checkpoint, found.config, architecture, chosen)


def _check_choices(input_size: int | None, normalisation: str | None) -> None:
    if input_size is not None and input_size not in INPUT_SIZES:
        raise ModelError(f"The input size {input_size} cannot be: 32 to 2048 pixels a side are possible.")
    if normalisation and normalisation not in NORMALISATIONS:
        raise ModelError(
            f"There is no normalisation “{normalisation}”. There are: {', '.join(NORMALISATIONS)}."
        )


def _with_choices(model: EmbeddingModel, input_size: int | None, normalisation: str | None) -> EmbeddingModel:
    """The model with the input size and normalisation that the user chose."""
    if input_size is None and not normalisation:
        return model
    if model.preprocessing is None:
        raise ModelError(f"The model {model.name} has no preprocessing, so none can be chosen.")
    changed = model.preprocessing
    if input_size is not None:
        changed = replace(changed, input_size=(input_size, input_size))
    if normalisation:
        mean, std = NORMALISATIONS[normalisation]
        changed = replace(changed, mean=mean, std=std)
    return model.with_preprocessing(changed)
