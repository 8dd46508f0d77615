"""A model whose cells at one layer can be watched and replaced, whatever form they have there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pairx_core.errors import ExplanationError
from pairx_core.explain.computing import compute_in_full
from pairx_core.models.cell_grid import CellGrid, gives_channels_last, is_feature_map, prefix_tokens
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.module_copy import frozen_copy

Size = tuple[int, int]  # (width, height) of the model's input, in pixels
Change = Callable[[Tensor], Tensor]  # takes cells (N, C, h, w) and gives cells


class TappedModel:
    """A private copy of a model that shares its weights; at one layer all cells go through ``cells``.

    They do so as (N, C, h, w), also where the layer gives channels last or tokens; class and register tokens go past.
    With gradients on, the record begins at the cells unless the input asks for one itself. For one thread.
    """

    def __init__(self, model: EmbeddingModel, layer: str) -> None:
        """Tap a model.

        Args:
            model: not touched.
            layer: dotted path, such as "blocks.3".

        Raises:
            ExplanationError: no such layer.
        """
        self.cells = nn.Identity()
        self.layer = layer
        self._name = model.name
        self._module = private_copy(model)
        self._prefix = prefix_tokens(model.module)
        self._channels_last = gives_channels_last(model.module)
        self._passes = 0
        self._input_size: Size = (0, 0)
        if not layer or layer not in dict(self._module.named_modules()):
            raise ExplanationError(
                f"The model {model.name} has no layer “{layer}”. Layers to choose from: "
                f"{', '.join(model.stage_names())}."
            )
        self._module.get_submodule(layer).register_forward_hook(self._pass_on)

    def embed(self, inputs: Tensor) -> Tensor:
        """Embeddings (N, D) of inputs (N, 3, H, W).

        Raises:
            ExplanationError: the layer is run more than once or not at all, or gives no grid of cells; or the model
                gives no embeddings.
        """
        self._input_size, self._passes = (inputs.shape[3], inputs.shape[2]), 0
        embedding = run(self._module, inputs, self._name)
        if self._passes != 1:
            raise ExplanationError(
                f"The layer “{self.layer}” runs {self._passes} times for a photo, not once."
            )
        return embedding

    def embed_changed(self, inputs: Tensor, change: Change) -> Tensor:
        """Embeddings (N', D) of inputs (N, 3, H, W) after the cells (N, C, h, w) were changed (to N').

        Raises:
            ExplanationError: as ``embed``.
        """
        handle = self.cells.register_forward_hook(lambda _, __, cells: change(cells))
        try:
            return self.embed(inputs)
        finally:
            handle.remove()

    def features(self, inputs: Tensor) -> Tensor:
        """The cells (N, C, h, w) of inputs (N, 3, H, W).

        Raises:
            ExplanationError: as ``embed``.
        """
        return self.features_and_embedding(inputs)[0]

    def features_and_embedding(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The cells (N, C, h, w) and embeddings (N, D) of inputs (N, 3, H, W).

        Raises:
            ExplanationError: as ``embed``.
        """
        seen: list[Tensor] = []

        def noted(cells: Tensor) -> Tensor:
            seen.append(cells)
            return cells

        embedding = self.embed_changed(inputs, noted)
        return seen[0], embedding

    def _pass_on(self, _: nn.Module, __: Any, output: Any) -> Tensor:
        self._passes += 1
        grid = self._grid(output)
        if grid is None:
            raise ExplanationError(
                f"The layer “{self.layer}” has no grid of cells. Choose a stage with a feature map, such as "
                "“blocks.3” or “layer3”."
            )
        cells = grid.feature_map(output)
        if torch.is_grad_enabled() and not cells.requires_grad:
            cells = cells.detach().requires_grad_()
        return _restored(grid, output, self.cells(cells))

    def _grid(self, output: Any) -> CellGrid | None:
        if not is_feature_map(output):
            return None
        return CellGrid.of(output, self._input_size, self._prefix, channels_last=self._channels_last)


def private_copy(model: EmbeddingModel) -> nn.Module:
    """A copy of a model's module that shares its weights, needs no gradients of them, and changes nothing in place.

    On a CUDA device, the process computes full float32 from then on, as with PAIR-X.
    """
    if model.device.type == "cuda":
        compute_in_full()
    private = frozen_copy(model.module).eval()
    for part in private.modules():
        if getattr(part, "inplace", False):
            part.inplace = False  # type: ignore[assignment]
    return private


def run(module: nn.Module, inputs: Tensor, name: str) -> Tensor:
    """Embeddings (N, D) of inputs (N, 3, H, W), in the module's own precision and place.

    Raises:
        ExplanationError: it gives none, or they are not finite.
    """
    own = next(module.parameters(), inputs)
    embedding: Any = module(inputs.to(own.device, own.dtype))
    if not isinstance(embedding, Tensor) or embedding.ndim != 2:
        raise ExplanationError(f"The model {name} does not map (N, 3, H, W) to embeddings of shape (N, D).")
    if not bool(embedding.isfinite().all()):
        raise ExplanationError(f"The model {name} gives an embedding that is not finite; check its weights.")
    return embedding


def matching_layer(model: EmbeddingModel, input_size: Size) -> str:
    """The layer that PAIR-X takes where none is named.

    Raises:
        ModelError: no stage gives a feature map.
    """
    return model.recommended_layer if model.preprocessing is not None else model.recommend_layer(input_size)


def last_stage(model: EmbeddingModel, input_size: Size) -> str:
    """Dotted path of the last stage with cells that the embedding depends on.

    In a transformer that embeds by its class token this is the last block but one: what the last one makes of the
    other tokens goes nowhere.

    Raises:
        ExplanationError: there is none.
    """
    return _last_that_counts(model, _stages(model, input_size), input_size)


def last_feature_map(model: EmbeddingModel, input_size: Size) -> str:
    """Dotted path of the last module with cells that the embedding depends on: a stage, or what follows them all.

    Raises:
        ExplanationError: there is none.
    """
    paths = [*_stages(model, input_size), *_modules_with_cells(model, input_size)[-1:]]
    return _last_that_counts(model, paths, input_size)


def _stages(model: EmbeddingModel, input_size: Size) -> list[str]:
    return [stage.path for stage in model.layers(input_size)]


def _modules_with_cells(model: EmbeddingModel, input_size: Size) -> list[str]:
    """Paths of the modules that are run once and give cells, in the order in which they end."""
    private = private_copy(model)
    prefix, last = prefix_tokens(private), gives_channels_last(private)
    ended: list[str] = []

    def noting(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if is_feature_map(output) and CellGrid.of(output, input_size, prefix, channels_last=last):
                ended.append(path)

        return hook

    for path, part in private.named_modules():
        part.register_forward_hook(noting(path))
    with torch.no_grad():
        run(private, _noise(input_size), model.name)
    times = Counter(ended)
    return [path for path in ended if path and times[path] == 1]


def _last_that_counts(model: EmbeddingModel, paths: Sequence[str], input_size: Size) -> str:
    for path in reversed(paths):
        if _counts(TappedModel(model, path), input_size):
            return path
    raise ExplanationError(
        f"The model {model.name} has no stage with cells that its embedding depends on: name a layer."
    )


def _counts(tapped: TappedModel, input_size: Size) -> bool:
    """Whether the embedding depends on the cells."""
    with torch.enable_grad():
        cells, embedding = tapped.features_and_embedding(_noise(input_size))
        (sent,) = torch.autograd.grad(embedding.square().sum(), cells, allow_unused=True)
    return sent is not None and bool(sent.any())


def _noise(input_size: Size) -> Tensor:
    width, height = input_size
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def _restored(grid: CellGrid, output: Tensor, cells: Tensor) -> Tensor:
    """A layer's output with other cells (N, C, h, w), in its own form and in new memory."""
    if grid.form == "NCHW":
        return cells.clone()
    if grid.form == "NHWC":
        return cells.permute(0, 2, 3, 1).clone()
    others = output[:, : grid.prefix].expand(len(cells), -1, -1)
    return torch.cat([others, cells.flatten(2).transpose(1, 2)], 1)
