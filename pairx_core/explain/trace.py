"""One photo's way through a model, kept so that relevance can be sent back along it."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pairx_core.errors import ExplanationError
from pairx_core.explain.conversion import convert
from pairx_core.models.module_copy import shared_copy


class RelevanceModel:
    """A private copy of a model, cut at one layer, through which relevance travels. Threads may share it."""

    def __init__(self, module: nn.Module, layer: str, example: Tensor) -> None:
        """Convert a model.

        Args:
            module: the user's model, in evaluation mode; it is not touched.
            layer: dotted path of the layer at which to cut.
            example: one input (1, 3, H, W).

        Raises:
            ExplanationError: no such layer, or a module without a propagation rule.
        """
        converted, merged = convert(module, example)
        self._relevant = _CutModel(converted, layer)
        self._plain = _CutModel(shared_copy(module), layer) if merged else None

    def trace(self, inputs: Tensor) -> Trace:
        """Run one input (1, 3, H, W) forward and keep what the way back needs.

        Raises:
            ExplanationError: the layer is not run exactly once, or its output is no feature map.
        """
        pixels = inputs.detach().clone().requires_grad_()
        with torch.enable_grad():
            path = self._relevant.run(pixels)
        if self._plain is None:
            return Trace(pixels, path, path)
        with torch.no_grad():
            return Trace(pixels, path, self._plain.run(inputs))


class Trace:
    """The activations of one photo, from the pixels to the layer and from the layer to the embedding."""

    def __init__(self, pixels: Tensor, path: _Path, plain: _Path) -> None:
        self._pixels = pixels
        self._path = path
        self.features: Tensor = plain.head.detach()  # (1, C, h, w), the model's own
        self.embedding: Tensor = plain.embedding.detach()  # (1, D), the model's own

    def layer_relevance(self, seed: Tensor) -> Tensor:
        """Relevance at the layer, (1, C, h, w), for a relevance of the embedding, (1, D)."""
        path = self._path
        (relevance,) = torch.autograd.grad(path.embedding, path.tail, seed, retain_graph=True)
        return relevance

    def color_map(self, column: int, row: int) -> npt.NDArray[np.float32]:
        """What the cell looked at: (H, W) in input pixels, not negative.

        The layer is seeded with the activations of this one cell, which are sent back to the pixels.
        """
        head = self._path.head
        seed = torch.zeros_like(head)
        seed[:, :, row, column] = head.detach()[:, :, row, column]
        (relevance,) = torch.autograd.grad(head, self._pixels, seed, retain_graph=True)
        return relevance[0].sum(0).abs().float().cpu().numpy()


class _Path:
    """One forward pass: up to the layer's output (head), and on from a fresh copy of it (tail)."""

    def __init__(self, head: Tensor, tail: Tensor, embedding: Tensor) -> None:
        self.head = head
        self.tail = tail
        self.embedding = embedding


class _CutModel:
    """A private model whose layer's output is kept. What it keeps is kept per thread."""

    def __init__(self, module: nn.Module, layer: str) -> None:
        self._module = module
        self._layer = layer
        self._kept = threading.local()
        parent_path, _, name = layer.rpartition(".")
        try:
            parent = module.get_submodule(parent_path)
            inner = parent.get_submodule(name)
        except AttributeError:
            raise ExplanationError(
                f"The layer “{layer}” does not exist in this model, or lies inside a module that relevance "
                "passes as a whole. Choose a stage, such as “blocks.3” or “layer3”."
            ) from None
        setattr(parent, name, _Cut(inner, self))

    def run(self, inputs: Tensor) -> _Path:
        self._kept.outputs = []
        embedding = self._module(inputs)
        outputs: list[tuple[Tensor, Tensor]] = self._kept.outputs
        self._kept.outputs = []
        if len(outputs) != 1:
            raise ExplanationError(
                f"The layer “{self._layer}” runs {len(outputs)} times for a photo, not once."
            )
        if not isinstance(embedding, Tensor) or embedding.ndim != 2:
            raise ExplanationError("The model does not map (N, 3, H, W) to embeddings of shape (N, D).")
        head, tail = outputs[0]
        return _Path(head, tail, embedding)

    def cut(self, output: Tensor) -> Tensor:
        """Keep the layer's output, and let the rest of the model start from a fresh copy of it."""
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ExplanationError(
                f"The layer “{self._layer}” does not give a feature map (N, C, h, w). "
                "Choose a convolutional stage."
            )
        tail = output.detach().requires_grad_()
        self._kept.outputs.append((output, tail))
        return tail


class _Cut(nn.Module):
    """The layer at which a model is cut."""

    def __init__(self, inner: nn.Module, owner: _CutModel) -> None:
        super().__init__()
        self.inner = inner
        self._keep = owner.cut

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._keep(self.inner(*inputs))
