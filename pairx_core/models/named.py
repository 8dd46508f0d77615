"""A model by its name, as data: what another process needs to load the same one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pairx_core.errors import ModelError
from pairx_core.paths import tidy_path

if TYPE_CHECKING:
    from pairx_core.models.embedding_model import EmbeddingModel


@dataclass(frozen=True, slots=True)
class NamedModel:
    """What :func:`load_model` takes, and which model must come of it."""

    model: str  # a name, a checkpoint, ARCHITECTURE:CHECKPOINT; paths absolute
    fingerprint: str  # of the model; another one is refused
    checkpoint: str = ""  # empty: none needed
    input_size: int | None = None
    normalisation: str | None = None

    @classmethod
    def of(cls, model: EmbeddingModel, name: str, checkpoint: str | Path | None = None) -> NamedModel:
        """A model that was loaded, as data.

        Args:
            model: what was loaded.
            name: the name that it was loaded by.
            checkpoint: the file, where one was given beside the name.

        Raises:
            ModelError: no system has such a path.
        """
        from pairx_core.models.registry import with_absolute_path

        file = "" if checkpoint in (None, "") else str(tidy_path(str(checkpoint), ModelError))
        return cls(with_absolute_path(name), model.fingerprint, file)

    def load(self) -> EmbeddingModel:
        """The model, loaded once a process.

        Raises:
            ModelError: it cannot be loaded, or it is another one than the fingerprint says.
        """
        return _loaded(self)


@lru_cache(maxsize=2)
def _loaded(named: NamedModel) -> EmbeddingModel:
    from pairx_core.models.registry import load_model

    model = load_model(
        named.model,
        checkpoint=named.checkpoint or None,
        input_size=named.input_size,
        normalisation=named.normalisation,
    )
    if model.fingerprint != named.fingerprint:
        raise ModelError(
            f"The model “{named.model}” is another one here (fingerprint {model.fingerprint}) than where the job was "
            f"begun ({named.fingerprint}). Give all computers the same files and the same versions of the packages."
        )
    return model
