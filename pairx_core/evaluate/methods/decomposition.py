"""The similarity as a sum over pairs of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from pairx_core.errors import ExplanationError
from pairx_core.evaluate.evidence import Evidence, Floats, View
from pairx_core.evaluate.methods.recent import Recent
from pairx_core.evaluate.methods.tapped_model import TappedModel, last_feature_map
from pairx_core.explain.matching import column_row
from pairx_core.explain.pairing import cosine_with_gradients
from pairx_core.explain.picture import picture_of_tensor
from pairx_core.models.embedding_model import EmbeddingModel

Partners = Literal["direction", "share"]
_AT_ONCE = 1 << 25  # numbers in a batch of feature maps


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """A similarity, shared out among pairs of cells."""

    shares: Floats  # (h, w, h', w') of the query's cell (row, column) and the candidate's, signed
    cosine: float  # of the two embeddings

    @property
    def rest(self) -> float:
        """What of the cosine belongs to no pair of cells: 0 where the decomposition is complete."""
        return self.cosine - float(self.shares.sum())


@dataclass(frozen=True, eq=False)
class _Parts:
    embedding: Tensor  # (1, D)
    of_cells: Floats  # (h * w, D): what each cell gives to the embedding
    grid: tuple[int, int]  # rows, columns

    @property
    def directions(self) -> Floats:
        """The same at unit length, (h * w, D); zeros stay."""
        lengths = np.linalg.norm(self.of_cells, axis=1, keepdims=True)
        return self.of_cells / np.where(lengths > 0, lengths, 1)

    def xy(self, view: View, cells: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Centres of cells (N,), in pixels of the picture, (N, 2)."""
        rows, columns = self.grid
        return view.frame.cells_to_photo(column_row(cells, columns), (columns, rows))


class ActivationDecomposition:
    """Pairwise decomposition of activations (Zhu, Yang, Chen 2019 and 2021, arXiv 1909.12977).

    With F the last feature map before the embedding e, and J the derivative of e by F, a cell i gives v_i = J (F masked
    to i), and a pair of cells has the share v_i · v_j / (|e| |e'|) of the cosine. The shares sum to
    (J F) · (J' F') / (|e| |e'|), which is the cosine wherever J F = e: where all that follows F is homogeneous of
    degree one, such as average, maximum or generalised-mean pooling, linear layers without bias, ReLU. For average
    pooling this is the published method; the rest is its first-order form. A bias or a batch norm's shift belongs to
    no cell and stays out (``Decomposition.rest``), and layers of other forms leave a rest too.

    A cell of a map (h, w) is the sum of its shares, or 0 where that is negative. Lines, which the paper does not draw,
    join cells that are each other's best partner and have a positive share, which is the line's weight.
    """

    draws_lines = True
    draws_maps = True

    def __init__(self, model: EmbeddingModel, partners: Partners = "direction") -> None:
        """Set it up.

        Args:
            model: the embedding model.
            partners: what the best partner of a cell is: the cell whose v has the most similar direction, or the one
                with which it has the largest share. By shares few cells have each other: a cell with a long v is the
                best partner of all.

        Raises:
            ExplanationError: no such choice.
        """
        if partners not in get_args(Partners):
            raise ExplanationError(
                f"partners is “{partners}”; choose one of {', '.join(get_args(Partners))}."
            )
        self._model = model
        self._partners = partners
        self._tapped: TappedModel | None = None
        self._parts: Recent[_Parts] = Recent()

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the pair cannot be explained.
        """
        first, second = self._parts_of(query), self._parts_of(candidate)
        shares = _shared_out(first, second).shares
        flat = shares.reshape(len(first.of_cells), -1)
        by = flat if self._partners == "share" else first.directions @ second.directions.T
        cells, partners = _best_partners(by)
        weight = flat[cells, partners]
        order = np.argsort(-weight, kind="stable")[: (weight > 0).sum()]
        return Evidence(
            first.xy(query, cells[order]),
            second.xy(candidate, partners[order]),
            weight[order],
            shares.sum((2, 3)).clip(0),
            shares.sum((0, 1)).clip(0),
        )

    def decompose(self, query: View, candidate: View) -> Decomposition:
        """Share a pair's similarity out among pairs of cells.

        Raises:
            ExplanationError: an embedding is zero or not finite, no cells lead to it, or a layer between them has no
                directional derivative in torch.
        """
        return _shared_out(self._parts_of(query), self._parts_of(candidate))

    def _parts_of(self, view: View) -> _Parts:
        if self._tapped is None:
            self._tapped = TappedModel(self._model, last_feature_map(self._model, view.frame.input_size))
        picture, tapped = picture_of_tensor(view.inputs, "photo"), self._tapped
        return self._parts.get(picture.key, lambda: _parts(tapped, picture.inputs))


@torch.inference_mode(False)
@torch.no_grad()
def _parts(tapped: TappedModel, inputs: Tensor) -> _Parts:
    features, embedding = tapped.features_and_embedding(inputs)
    rows, columns = features.shape[2:]
    at_once = max(1, _AT_ONCE // features[0].numel())
    numbers = torch.arange(rows * columns, device=features.device).split(at_once)
    of_cells = torch.cat([_directional(tapped, inputs, features, some) for some in numbers])
    return _Parts(embedding, of_cells.cpu().double().numpy(), (rows, columns))


def _directional(tapped: TappedModel, inputs: Tensor, features: Tensor, numbers: Tensor) -> Tensor:
    """J (F masked to a cell), (N, D), for each of N flat cell numbers; features F (1, C, h, w)."""
    masks = torch.nn.functional.one_hot(numbers, features[0, 0].numel()).to(features.dtype)
    tangents = features * masks.reshape(-1, 1, *features.shape[2:])

    def with_tangents(cells: Tensor) -> Tensor:
        dual: Tensor = forward_ad.make_dual(cells.expand_as(tangents).contiguous(), tangents)
        return dual

    try:
        with forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):  # other attention has no such derivative
            embedding = tapped.embed_changed(inputs, with_tangents)
            tangent: Tensor = forward_ad.unpack_dual(embedding).tangent
            return tangent.clone()
    except NotImplementedError as error:
        raise ExplanationError(
            f"What follows the layer “{tapped.layer}” has no directional derivative ({error})."
        ) from error


def _shared_out(first: _Parts, second: _Parts) -> Decomposition:
    cosine, _ = cosine_with_gradients(first.embedding, second.embedding)
    lengths = [float(parts.embedding.double().norm()) for parts in (first, second)]
    shares = first.of_cells @ second.of_cells.T / (lengths[0] * lengths[1])
    return Decomposition(shares.reshape(*first.grid, *second.grid), cosine)


def _best_partners(by: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Cells (N,) of the query and the candidate that are each other's largest value; by (n, n')."""
    partners = by.argmax(1)
    cells = np.flatnonzero(by.argmax(0)[partners] == np.arange(len(by)))
    return cells, partners[cells]
