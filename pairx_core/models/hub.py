"""Models of the Hugging Face hub: downloaded once by the hub's own client, from its cache afterwards."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairx_core.errors import ModelError

WEIGHTS_NAMES = (
    "model.safetensors",
    "pytorch_model.safetensors",
    "pytorch_model.bin",
    "model.bin",
    "model.pth",
)
CONFIG_NAME, CARD_NAME = "config.json", "README.md"

Progress = Callable[[int, int], None]  # called with (bytes done, bytes in all)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What a repository, or a folder, holds of a model."""

    weights: Path
    config: Path | None = None
    card: Path | None = None


def files_in(folder: Path) -> ModelFiles:
    """The files of a model in a folder, named as on the hub; or its only checkpoint, whatever it is called.

    Raises:
        ModelError: there is none, or one of several.
    """
    named = next((folder / name for name in WEIGHTS_NAMES if (folder / name).is_file()), None)
    if named is None:
        found = sorted(
            file for file in folder.iterdir() if file.suffix in {".safetensors", ".pth", ".pt", ".bin"}
        )
        if len(found) != 1:
            what = (
                "no checkpoint"
                if not found
                else f"several checkpoints ({', '.join(f.name for f in found[:5])})"
            )
            raise ModelError(
                f"{folder}: there is {what} in this folder. Give the path of a .safetensors or .pth file."
            )
        named = found[0]
    return ModelFiles(named, _if_there(folder / CONFIG_NAME), _if_there(folder / CARD_NAME))


def files_of_repository(
    repository: str, revision: str | None = None, progress: Progress | None = None
) -> ModelFiles:
    """The files of a model on the hub: from the cache where they are there, or else downloaded.

    What is in the cache is used as it is; the network is not asked whether there is something newer. The cache is the
    hub's own (``HF_HOME``, ``HF_HUB_CACHE``), so that what other programs have downloaded is found too.

    Args:
        repository: ``owner/name``.
        revision: a branch, tag or commit; None: the main branch.
        progress: told how much of the weights has come.

    Raises:
        ModelError: there is no such repository or model in it, it may not be read, or there is no network; the
            message says what to put where.
    """
    cached = _cached(repository, revision)
    return cached if cached is not None else _download(repository, revision, progress)


def _cached(repository: str, revision: str | None) -> ModelFiles | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    def cached(name: str) -> Path | None:
        found = try_to_load_from_cache(repository, name, revision=revision)
        return Path(found) if isinstance(found, str) else None

    try:
        weights = next((path for name in WEIGHTS_NAMES if (path := cached(name)) is not None), None)
        return None if weights is None else ModelFiles(weights, cached(CONFIG_NAME), cached(CARD_NAME))
    except HFValidationError as error:
        raise ModelError(
            f"“{repository}” is no name of a model on the hub ({error}). Write owner/name."
        ) from None


def _download(repository: str, revision: str | None, progress: Progress | None) -> ModelFiles:
    from huggingface_hub import errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of its HTTP library: no network

    place = f"{repository}, revision {revision}" if revision else repository
    try:
        config = _get(repository, CONFIG_NAME, revision)
        card = _get(repository, CARD_NAME, revision)
        for name in WEIGHTS_NAMES:
            weights = _get(repository, name, revision, progress)
            if weights is not None:
                return ModelFiles(weights, config, card)
    except errors.GatedRepoError:
        raise ModelError(
            f"{place}: its owners give this model only to people who have asked for it. Ask on its page on the hub, "
            "then set HF_TOKEN to your access token."
        ) from None
    except errors.RepositoryNotFoundError:
        raise ModelError(
            f"{place}: the hub has no such model, or it is a private one. Check the spelling; for a private one, set "
            "HF_TOKEN to your access token."
        ) from None
    except errors.RevisionNotFoundError:
        raise ModelError(f"{place}: the model has no such revision. Leave out what follows the @.") from None
    except (HTTPError, OSError) as error:
        raise ModelError(_without_network(place, repository, error)) from error
    raise ModelError(
        f"{place}: there are no weights in this repository ({', '.join(WEIGHTS_NAMES)}). Choose another model."
    )


def _get(repository: str, name: str, revision: str | None, progress: Progress | None = None) -> Path | None:
    """A file of a repository; None where it has no such file."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    try:
        return Path(
            hf_hub_download(
                repository,
                name,
                revision=revision,
                endpoint=os.environ.get("HF_ENDPOINT"),
                tqdm_class=_bar(progress),
            )
        )
    except RemoteEntryNotFoundError:
        return None


def _bar(progress: Progress | None) -> Any:
    """What the hub's client tells about its progress, passed on; nothing is written to the terminal."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)  # of the hub's own bars
            super().__init__(*arguments, **{**options, "file": io.StringIO(), "disable": False})

        def update(self, n: float = 1) -> Any:
            told = super().update(n)
            if progress is not None:
                progress(int(self.n), int(self.total or self.n))
            return told

    return Bar


def _without_network(place: str, repository: str, error: Exception) -> str:
    from huggingface_hub import constants

    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return (
        f"{place}: the model is not in the cache ({constants.HF_HUB_CACHE}) and could not be downloaded ({reason}). "
        f"On a computer with a network, download {CONFIG_NAME}, model.safetensors (or pytorch_model.bin) and "
        f"{CARD_NAME}, which says how photos are prepared, from https://huggingface.co/{repository}, put them into one "
        "folder here, and give that folder as the model. Or copy the other computer's cache here and set HF_HOME to "
        "it."
    )


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
