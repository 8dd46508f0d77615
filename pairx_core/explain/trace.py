"""One photo's way through a model, kept so that relevance can be sent back along it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pairx_core.errors import ExplanationError
from pairx_core.explain.attnlrp import ATTNLRP, FunctionRules, with_attnlrp
from pairx_core.explain.conversion import EPSILON_PLUS, merge_batch_norms, with_epsilon_plus
from pairx_core.explain.options import Rules
from pairx_core.explain.propagation import Edge, Tape, Uses, edge_of
from pairx_core.explain.relevance import Relevance
from pairx_core.explain.rules.conserved_sum import conserved_sum
from pairx_core.explain.support import check_supported, rules_for
from pairx_core.models.cell_grid import CellGrid, gives_channels_last, is_feature_map, prefix_tokens
from pairx_core.models.module_copy import frozen_copy


class RelevanceModel:
    """A private copy of a model through which relevance travels. Made once; threads may share it."""

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[str],
        example: Tensor,
        *,
        conserve_skips: bool = False,
        stages: Sequence[str] = (),
    ) -> None:
        """Convert a model.

        Args:
            module: the user's model, in evaluation mode; it is not touched, its weights are shared.
            layers: dotted paths of the layers whose cells are asked for.
            example: one input (1, 3, H, W) of the precision and on the device to be used.
            conserve_skips: share relevance out at additions, which the reference sends in full to both sides.
            stages: dotted paths of further layers whose feature maps are kept, to describe cells by.

        Raises:
            ExplanationError: no such layer, or a module without a propagation rule.
        """
        check_supported(module)
        self.rules: Rules = rules_for(module)
        self._layers = tuple(layers)
        self._prefix = prefix_tokens(module)
        self._channels_last = gives_channels_last(module)
        private = _private_copy(module, example)
        merged = self.rules == "EpsilonPlus" and merge_batch_norms(private, example)
        ruled = with_epsilon_plus(private) if self.rules == "EpsilonPlus" else with_attnlrp(private)
        self._stages = tuple(stages)
        self._relevant = _Watched(ruled, layers, records=True, notes=() if merged else stages)
        self._plain = (
            _Watched(_private_copy(module, example), layers, records=False, notes=stages) if merged else None
        )
        self._table = dict(ATTNLRP if self.rules == "AttnLRP" else EPSILON_PLUS)
        if conserve_skips and self.rules == "EpsilonPlus":  # by AttnLRP it is conserved anyway
            self._table |= {torch.add: _sum, Tensor.add: _sum, Tensor.add_: _sum_in_place}

    @torch.inference_mode(False)
    def trace(self, inputs: Tensor) -> Trace:
        """Run one input (1, 3, H, W) forward and keep what the way back needs.

        Raises:
            ExplanationError: a layer is not run exactly once, or its output is no grid of cells.
        """
        pixels = inputs.detach().clone().requires_grad_()
        with torch.enable_grad(), FunctionRules(self._table):
            embedding, layers = self._relevant.run(pixels)
        if self._plain is None:
            own_embedding, own_layers = embedding, layers
        else:  # merging batch norms moved the copy's activations a little: show the model's own
            with torch.no_grad():
                own_embedding, own_layers = self._plain.run(inputs)
        size = (inputs.shape[3], inputs.shape[2])
        states = {}
        for path in self._layers:
            seen = layers[path]
            grid = self._grid(path, seen.output, size)
            features = grid.feature_map(own_layers[path].output)
            if seen.edge is not None:
                states[path] = LayerState(grid, features, seen.output, seen.edge)
        stages = [(path, own_layers[path].output) for path in self._stages]
        maps = tuple(self._grid(path, output, size).feature_map(output) for path, output in stages)
        return Trace(self.rules, pixels, embedding, own_embedding.detach(), states, maps)

    def _grid(self, path: str, output: Tensor, input_size: tuple[int, int]) -> CellGrid:
        grid = CellGrid.of(output, input_size, self._prefix, channels_last=self._channels_last)
        if grid is None:
            raise ExplanationError(
                f"The layer “{path}” has no grid of cells (its output has the shape {tuple(output.shape)}). "
                "Choose a stage with a feature map, such as “blocks.3” or “layer3”."
            )
        return grid


@dataclass(frozen=True, eq=False)
class LayerState:
    """What a layer gave for one photo."""

    grid: CellGrid
    features: Tensor  # (1, C, h, w), the model's own
    output: Tensor  # of the relevance copy, as the layer gave it; detached
    edge: Edge  # where it stands in autograd's record


class Trace:
    """The activations of one photo, and the record of how they came about. Threads may share it."""

    def __init__(
        self,
        rules: Rules,
        pixels: Tensor,
        end: Tensor,
        embedding: Tensor,
        layers: dict[str, LayerState],
        stages: tuple[Tensor, ...] = (),
    ) -> None:
        """Take a recorded pass from the pixels (1, 3, H, W) to its end, the relevance copy's embedding (1, D).

        The feature maps of ``stages``, (1, C, h, w) each, only describe cells; nothing is sent back from them.
        """
        self.rules = rules
        self.embedding = embedding  # (1, D), the model's own
        self.relevance_embedding = end.detach()  # (1, D), of the relevance copy
        self.layers = layers
        self.stages = stages
        self._pixels = pixels
        start = edge_of(pixels)
        early: Uses = "many" if len(layers) == 1 else "several"  # several layers' tapes have steps in common
        late: Uses = "one" if len(layers) == 1 else "several"
        self._early = {path: Tape(start, state.edge, uses=early) for path, state in layers.items()}
        self._late = {path: Tape(state.edge, edge_of(end), uses=late) for path, state in layers.items()}
        self._whole = None if layers else Tape(start, edge_of(end), uses="one")

    @property
    def is_complete(self) -> bool:
        """Whether relevance can still be sent back from the embedding."""
        return bool(self._late)

    @property
    def nbytes(self) -> int:
        """Memory held by activations and denominators, in bytes."""
        whole = () if self._whole is None else (self._whole,)
        tapes = (*self._early.values(), *self._late.values(), *whole)
        steps = [step for tape in tapes for step in tape.steps]
        kept = {tensor.data_ptr(): tensor for step in steps for tensor in step.kept()}
        return sum(tensor.numel() * tensor.element_size() for tensor in kept.values())

    @torch.inference_mode(False)
    def layer_relevance(self, layer: str, seed: Tensor) -> Tensor:
        """Relevance of a layer's cells, (1, C, h, w), for a relevance of the embedding, (1, D).

        Raises:
            ExplanationError: the embedding does not depend on the layer.
        """
        state = self.layers[layer]
        sent = self._late[layer].send_back(Relevance.whole(seed.to(self._pixels.dtype)))
        if sent is None:
            raise ExplanationError(f"The model's embedding does not depend on the layer “{layer}”.")
        values = sent.full()
        return state.grid.feature_map(values * state.output if self.rules == "AttnLRP" else values)

    @torch.inference_mode(False)
    def pixel_relevance(self, seed: Tensor) -> Tensor:
        """Relevance of the pixels, (1, 3, H, W), for a relevance of the embedding, (1, D).

        Only a trace without layers has it: layers' tapes are prepared for cells, on the same record.

        Raises:
            ExplanationError: the trace has layers, or the embedding does not depend on the pixels.
        """
        if self._whole is None:
            raise ExplanationError("Relevance of the pixels needs a trace of its own, without layers.")
        sent = self._whole.send_back(Relevance.whole(seed.to(self._pixels.dtype)))
        if sent is None:
            raise ExplanationError("The model's embedding does not depend on the pixels.")
        values = sent.full()
        return values * self._pixels.detach() if self.rules == "AttnLRP" else values

    @torch.inference_mode(False)
    def color_map(self, layer: str, column: int, row: int) -> Relevance:
        """What a cell looked at: (1, 1, H, W) in input pixels, not negative, zero outside its window.

        The layer is seeded with the activations of this one cell, which are sent back to the pixels (Shrack et
        al. 2025, section 3).
        """
        sent = self._early[layer].send_back(self._seed(self.layers[layer], column, row))
        shape = torch.Size((1, 1, *self._pixels.shape[2:]))
        if sent is None:
            return Relevance(torch.zeros(1, 1, 1, 1, dtype=self._pixels.dtype), shape)
        values = sent.values
        if self.rules == "AttnLRP":
            values = values * sent.window_of(self._pixels.detach())
        return Relevance(values.sum(1, keepdim=True).abs(), shape, sent.top, sent.left)

    def without_way_to_embedding(self) -> Trace:
        """The same without what only layer relevance needs. Color maps can still be asked for."""
        other = copy.copy(self)
        other._late = {}
        return other

    def _seed(self, state: LayerState, column: int, row: int) -> Relevance:
        """The activations of one cell as relevance (for AttnLRP: a modified gradient of one)."""
        activations = state.output if self.rules == "EpsilonPlus" else torch.ones_like(state.output)
        if state.grid.form == "NCHW":
            cell = activations[:, :, row : row + 1, column : column + 1]
            return Relevance(cell, state.output.shape, row, column)
        seed = torch.zeros_like(state.output)
        state.grid.feature_map(seed)[:, :, row, column] = state.grid.feature_map(activations)[
            :, :, row, column
        ]
        return Relevance.whole(seed)


@dataclass(frozen=True, eq=False)
class _Seen:
    output: Tensor
    edge: Edge | None  # None where nothing is recorded


class _Watched:
    """A private model whose layers' outputs are noted, each thread's apart."""

    def __init__(
        self, module: nn.Module, layers: Sequence[str], *, records: bool, notes: Sequence[str] = ()
    ) -> None:
        self._module = module
        self._records = records
        self._layers = tuple(dict.fromkeys((*layers, *notes)))
        self._seen = threading.local()
        for path in self._layers:
            try:
                watched = module.get_submodule(path)
            except AttributeError:
                raise ExplanationError(
                    f"The layer “{path}” does not exist in this model, or lies inside a module that relevance "
                    "passes as a whole. Choose a stage, such as “blocks.3” or “layer3”."
                ) from None
            watched.register_forward_hook(self._noting(path))

    def run(self, inputs: Tensor) -> tuple[Tensor, dict[str, _Seen]]:
        outputs: list[tuple[str, _Seen]] = []
        self._seen.outputs = outputs
        try:
            embedding = self._module(inputs)
        finally:
            self._seen.outputs = []
        for path in self._layers:
            times = sum(name == path for name, _ in outputs)
            if times != 1:
                raise ExplanationError(f"The layer “{path}” runs {times} times for a photo, not once.")
        if not isinstance(embedding, Tensor) or embedding.ndim != 2:
            raise ExplanationError("The model does not map (N, 3, H, W) to embeddings of shape (N, D).")
        return embedding, dict(outputs)

    def _noting(self, path: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if not is_feature_map(output):
                raise ExplanationError(
                    f"The layer “{path}” does not give a feature map. Choose a stage, such as “blocks.3”."
                )
            if self._records and not output.requires_grad:
                raise ExplanationError(
                    f"No relevance reaches the layer “{path}”: it lies inside a module that relevance passes as a "
                    "whole, or the model switches gradients off on the way. Choose a stage, such as “blocks.3”."
                )
            edge = edge_of(output) if output.requires_grad else None
            self._seen.outputs.append((path, _Seen(output.detach().clone(), edge)))

        return hook


def _private_copy(module: nn.Module, example: Tensor) -> nn.Module:
    private = frozen_copy(module).eval().to(device=example.device, dtype=example.dtype)
    for part in private.modules():
        if getattr(part, "inplace", False):
            part.inplace = False  # type: ignore[assignment]
    return private


def _sum(func: Any, first: Any, second: Any, **kwargs: Any) -> Any:
    if _are_alike(first, second) and kwargs.get("alpha", 1) == 1:
        return conserved_sum(first, second)
    return func(first, second, **kwargs)


def _sum_in_place(func: Any, first: Tensor, second: Any, **kwargs: Any) -> Any:
    if _are_alike(first, second) and kwargs.get("alpha", 1) == 1:
        return conserved_sum(first, second, in_place=True)
    return func(first, second, **kwargs)


def _are_alike(first: Any, second: Any) -> bool:
    """Whether two values are activations of one shape: the two sides of a skip connection."""
    return (
        all(isinstance(x, Tensor) and x.requires_grad for x in (first, second))
        and first.shape == second.shape
    )
