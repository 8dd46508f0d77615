"""EmbeddingModel: any torch module that turns photos into embeddings."""

from __future__ import annotations

import copy
import hashlib
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from pairx_core.catalogue import Photo, open_photo
from pairx_core.errors import ModelError
from pairx_core.models.card import LayerInfo, ModelOrigin
from pairx_core.models.cell_grid import CellGrid, gives_channels_last, is_feature_map, prefix_tokens
from pairx_core.models.module_copy import shared_copy
from pairx_core.models.preprocessing import Preprocessing

Progress = Callable[[int, int], None]  # called with (done, total)
_STAGE = re.compile(r"(^|\.)(blocks|layer|layers|stages|features|stage|denseblock|s)[._]?\d+$")
_GOOD_GRID = range(20, 33)  # cells a side: fine enough for a stripe, coarse enough to mean something


class EmbeddingModel:
    """A torch module that maps (N, 3, H, W) to embeddings (N, D), with the preprocessing that belongs to it.

    The module is used in evaluation mode; one that arrives in training mode is copied first, never changed.
    Use from several threads is safe.
    """

    def __init__(
        self,
        module: nn.Module,
        preprocessing: Preprocessing | None,
        name: str,
        *,
        recommended_layer: str | None = None,
        origin: ModelOrigin | None = None,
    ) -> None:
        """Wrap a module.

        Args:
            module: maps (N, 3, H, W) to (N, D).
            preprocessing: from photo to input; None where only preprocessed tensors are explained.
            name: what to call it on screen and in the decisions file.
            recommended_layer: the layer to explain; None finds a stage of about 20-32 cells a side.
            origin: where it comes from, for its card.
        """
        in_training = any(part.training for part in module.modules())
        self.module = copy.deepcopy(module).eval() if in_training else module
        self.preprocessing = preprocessing
        self.name = name
        self.origin = origin or ModelOrigin("a module in memory")
        self._recommended_layer = recommended_layer
        self._code = ""
        self._layers: dict[tuple[int, int], list[LayerInfo]] = {}  # by input size

    def made_by(self, code: str) -> EmbeddingModel:
        """The same model, whose fingerprint changes with the code that made it too.

        Args:
            code: a digest of it; what an embedding is may depend on more than on weights.
        """
        made = copy.copy(self)
        made.__dict__.pop("fingerprint", None)
        made._code = code
        return made

    def with_preprocessing(self, preprocessing: Preprocessing) -> EmbeddingModel:
        """The same module with another preprocessing."""
        changed = EmbeddingModel(
            self.module,
            preprocessing,
            self.name,
            recommended_layer=self._recommended_layer,
            origin=self.origin,
        )
        changed._layers = self._layers  # they hang on the module and the size alone
        return changed.made_by(self._code)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        tensor = next(itertools.chain(self.module.parameters(), self.module.buffers()), None)
        return torch.device("cpu") if tensor is None else tensor.device

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change with any weight, the architecture, the preprocessing or a lab's own code."""
        digest = hashlib.sha256(f"{self.module}\n{self.preprocessing}{self._code}".encode())
        for name, tensor in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()[:16]

    @property
    def preprocessing_in_words(self) -> str:
        """What is done to a photo, for the record."""
        return "as given" if self.preprocessing is None else str(self.preprocessing)

    @cached_property
    def dimensions(self) -> int:
        """D, the length of an embedding."""
        return int(self._embed(self._blank_input(self._input_size())).shape[1])

    @cached_property
    def recommended_layer(self) -> str:
        """The layer to explain where none is chosen.

        Raises:
            ModelError: there is no preprocessing to tell the input size, or no stage with a feature map.
        """
        return self._recommended_layer or self.recommend_layer(self._input_size())

    def recommend_layer(self, input_size: tuple[int, int]) -> str:
        """The first stage with 20 to 32 cells a side at an input size (width, height), or the nearest.

        Where all have the same grid, as in a transformer, the one in the middle.

        Raises:
            ModelError: no stage gives a feature map.
        """
        stages = self.layers(input_size)
        if not stages:
            raise ModelError(f"The model {self.name} has no stage with a feature map: name a layer.")
        good = [stage for stage in stages if max(stage.grid_size) in _GOOD_GRID]
        best = good or [
            stage for stage in stages if stage.grid_size == min(stages, key=_distance_from_good).grid_size
        ]
        return best[len(best) // 2 if best[0].of_tokens else 0].path

    def stage_names(self) -> list[str]:
        """Dotted paths of the modules that look like stages (``blocks.3``, ``layer2``, ...)."""
        return [
            path for path, _ in self.module.named_modules() if _STAGE.search(path) and path.count(".") <= 2
        ]

    def layers(self, input_size: tuple[int, int] | None = None) -> list[LayerInfo]:
        """The stages that give a feature map, first to last, found by running a blank input once for each size.

        Args:
            input_size: (width, height); None takes the preprocessing's.
        """
        size = input_size or self._input_size()
        if size not in self._layers:  # two threads at once find the same
            self._layers[size] = self._found_layers(size)
        return list(self._layers[size])

    def preprocess(self, images: Sequence[Image.Image], input_size: tuple[int, int] | None = None) -> Tensor:
        """Upright cropped RGB pictures as inputs (N, 3, H, W), float32, on the model's device.

        Args:
            images: the pictures.
            input_size: (width, height) in pixels; None takes the preprocessing's.

        Raises:
            ModelError: the model has no preprocessing.
        """
        if self.preprocessing is None:
            raise ModelError(
                f"The model {self.name} has no preprocessing, so it cannot take photos, only tensors."
            )
        steps = (
            self.preprocessing if input_size is None else replace(self.preprocessing, input_size=input_size)
        )
        return torch.stack([steps(image) for image in images]).to(self.device)

    def embed_inputs(self, inputs: Sequence[Tensor]) -> npt.NDArray[np.float32]:
        """Embeddings (N, D) of N preprocessed inputs (1, 3, H, W), in one batch.

        Raises:
            ModelError: the module does not give one finite vector an input.
        """
        return self._embed(torch.cat(list(inputs))).float().cpu().numpy()

    def embed(
        self, photos: Sequence[Photo], *, batch_size: int = 16, progress: Progress | None = None
    ) -> npt.NDArray[np.float32]:
        """Embeddings (N, D) of photos.

        Raises:
            PhotoError: a photo cannot be read.
            ModelError: the module does not give one finite vector a photo.
        """
        rows: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(photos), batch_size):
            batch = photos[start : start + batch_size]
            rows.append(self.embed_inputs([self.preprocess([open_photo(photo)]) for photo in batch]))
            if progress is not None:
                progress(min(start + batch_size, len(photos)), len(photos))
        return np.concatenate(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def _found_layers(self, size: tuple[int, int]) -> list[LayerInfo]:
        private = shared_copy(self.module).eval()
        outputs: list[tuple[str, Tensor]] = []
        for path in self.stage_names():
            private.get_submodule(path).register_forward_hook(_note(path, outputs))
        with torch.inference_mode():
            private(self._blank_input(size))
        prefix = prefix_tokens(self.module)
        last = gives_channels_last(self.module)
        grids = [
            (path, output, CellGrid.of(output, size, prefix, channels_last=last)) for path, output in outputs
        ]
        return [_layer_info(path, output, grid) for path, output, grid in grids if grid is not None]

    def _embed(self, inputs: Tensor) -> Tensor:
        with torch.inference_mode():
            embedding = self.module(inputs)
        if not isinstance(embedding, Tensor) or embedding.ndim != 2 or len(embedding) != len(inputs):
            shape = tuple(embedding.shape) if isinstance(embedding, Tensor) else type(embedding).__name__
            raise ModelError(
                f"The model {self.name} gives {shape} for {len(inputs)} photos; it must give (N, D)."
            )
        if not bool(embedding.isfinite().all()):
            raise ModelError(
                f"The model {self.name} gives embeddings that are not finite: its weights are damaged."
            )
        return embedding

    def _input_size(self) -> tuple[int, int]:
        if self.preprocessing is None:
            raise ModelError(
                f"The model {self.name} has no preprocessing to tell its input size: name a layer."
            )
        return self.preprocessing.input_size

    def _blank_input(self, input_size: tuple[int, int]) -> Tensor:
        width, height = input_size
        own = next(self.module.parameters(), torch.zeros(())).dtype
        return torch.zeros(1, 3, height, width, device=self.device, dtype=own)


def tried(model: EmbeddingModel) -> EmbeddingModel:
    """The model, once it has embedded a blank photo; how long its embeddings are need not be found out again.

    Raises:
        ModelError: it cannot, or gives something else than one finite vector.
    """
    try:
        model.dimensions  # noqa: B018  # found out here, not in the middle of a catalogue
    except ModelError:
        raise
    except Exception as error:  # torch, and perhaps a lab's own code, on whatever the files held
        raise ModelError(
            f"The model “{model.name}” cannot take a photo: {type(error).__name__}: {error}. The photo is "
            f"{model.preprocessing_in_words}: choose the input size that the model was made for, or correct its files."
        ) from error
    return model


def _note(path: str, outputs: list[tuple[str, Tensor]]) -> Callable[[nn.Module, object, object], None]:
    def hook(_: nn.Module, __: object, output: object) -> None:
        if isinstance(output, Tensor) and is_feature_map(output):
            outputs.append((path, output))

    return hook


def _layer_info(path: str, output: Tensor, grid: CellGrid) -> LayerInfo:
    channels = grid.feature_map(output).shape[1]
    return LayerInfo(path, channels, (grid.columns, grid.rows), grid.form == "tokens")


def _distance_from_good(stage: LayerInfo) -> float:
    return abs(float(np.log(max(stage.grid_size) / 26)))
