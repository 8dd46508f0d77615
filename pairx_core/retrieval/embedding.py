"""Embedding as tasks: some photos in, their embeddings and what could not be read out."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pairx_core.catalogue import Photo, open_photo
from pairx_core.errors import ModelError, PhotoError
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.memory import bytes_a_photo, free_memory, photos_at_once
from pairx_core.models.named import NamedModel
from pairx_core.retrieval.digests import FileDigest, is_current

_A_TASK = 8  # photos, on a CPU: what is lost at most when the program is killed, for each task under way
_OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


@dataclass(frozen=True, slots=True)
class EmbeddingTask:
    """Photos to embed, and the content of their files, by which the embeddings will be found."""

    photos: tuple[Photo, ...]
    digests: tuple[FileDigest, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedBatch:
    """What came of a task."""

    places: tuple[int, ...]  # of the photos in the task that could be embedded
    vectors: npt.NDArray[np.float32]  # (len(places), D), as the model gives them
    errors: tuple[tuple[int, str], ...]  # place in the task, and why the photo cannot be used


class PhotoEmbedder:
    """Embeds photos with a private copy of a model, laid out as it is fastest here. For several threads.

    On a CPU, each photo goes through the model by itself: its embedding then depends on nothing but the photo, not on
    which others come along, and is no slower. On a CUDA device, as many go at once as the memory bears, one batch
    after the other, while others are decoded.
    """

    def __init__(self, model: EmbeddingModel) -> None:
        """Take the model; it is not touched.

        Raises:
            ModelError: it has no preprocessing, or does not embed.
        """
        on_cuda = torch.cuda.is_available() or model.device.type == "cuda"
        self.device = torch.device("cuda") if on_cuda else model.device
        self._model = EmbeddingModel(_laid_out(model.module, self.device), model.preprocessing, model.name)
        self._bytes = bytes_a_photo(self._model.module, self._example())
        free = free_memory(self.device)
        self.photos_a_task = photos_at_once(self._bytes, free) if on_cuda else _A_TASK
        self._most = self.photos_a_task if on_cuda else 1  # photos that go through the model at once
        self._turn = (
            threading.Lock() if on_cuda else nullcontext()
        )  # a GPU has memory for one batch at a time

    def workers(self, wanted: int) -> int:
        """How many tasks may run at once on this computer, at most so many: each holds a photo's activations."""
        if self.device.type == "cuda":
            return wanted
        return photos_at_once(self._bytes, free_memory(self.device), wanted)

    def embed(self, task: EmbeddingTask) -> EmbeddedBatch:
        """Embed the photos of a task, as far as they can be read.

        Raises:
            ModelError: the model does not give one finite vector a photo, or there is too little memory for one.
        """
        inputs: list[Tensor] = []
        places: list[int] = []
        errors: list[tuple[int, str]] = []
        for place, (photo, digest) in enumerate(zip(task.photos, task.digests, strict=True)):
            try:
                inputs.append(self._read(photo, digest))
                places.append(place)
            except PhotoError as error:
                errors.append((place, str(error)))
        return EmbeddedBatch(tuple(places), self._embedded(inputs), tuple(errors))

    def _read(self, photo: Photo, digest: FileDigest) -> Tensor:
        prepared = self._model.preprocess([open_photo(photo)])  # the large picture is let go here
        if not is_current(digest, photo):
            raise PhotoError(
                f"{photo.path} was replaced while it was being embedded. Open the catalogue again to use the new one."
            )
        return prepared

    def _embedded(self, inputs: Sequence[Tensor]) -> npt.NDArray[np.float32]:
        most = self._most
        chunks = [inputs[start : start + most] for start in range(0, len(inputs), most)]
        rows = [row for chunk in chunks for row in self._forward(chunk)]
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)

    def _forward(self, inputs: Sequence[Tensor]) -> list[npt.NDArray[np.float32]]:
        """The embeddings of some inputs, in halves where the memory does not bear them together."""
        try:
            with self._turn:
                return [self._model.embed_inputs([_as_laid_out(one) for one in inputs])]
        except (MemoryError, RuntimeError) as error:
            if not _is_lack_of_memory(error):
                raise
        if len(inputs) > 1:
            half = len(inputs) // 2
            return [*self._forward(inputs[:half]), *self._forward(inputs[half:])]
        raise ModelError(
            f"There is too little memory to embed even one photo with {self._model.name}. Close other programs, or "
            "choose a smaller input size."
        )

    def _example(self) -> Tensor:
        if self._model.preprocessing is None:
            raise ModelError(f"The model {self._model.name} has no preprocessing: it cannot take photos.")
        width, height = self._model.preprocessing.input_size
        dtype = next(self._model.module.parameters(), torch.zeros(())).dtype
        return _as_laid_out(torch.zeros(1, 3, height, width, device=self.device, dtype=dtype))


def embed_batch(source: PhotoEmbedder | NamedModel, task: EmbeddingTask) -> EmbeddedBatch:
    """What a runner is given: embed a task's photos with a model that is at hand, or that is to be loaded by name."""
    embedder = _embedder_of(source) if isinstance(source, NamedModel) else source
    return embedder.embed(task)


@lru_cache(maxsize=1)
def _embedder_of(named: NamedModel) -> PhotoEmbedder:
    """One for a process: workers of a cluster are asked again and again."""
    return PhotoEmbedder(named.load())


def _laid_out(module: nn.Module, device: torch.device) -> nn.Module:
    """A copy on the device, with channels last, in which convolutions are faster."""
    private = copy.deepcopy(module).eval().to(device)
    return private.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _as_laid_out(inputs: Tensor) -> Tensor:
    return inputs.contiguous(memory_format=torch.channels_last)


def _is_lack_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in str(error).lower() for words in _OUT_OF_MEMORY
    )
