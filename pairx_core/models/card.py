"""What a user should know of a model before trusting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pairx_core.errors import ModelError

if TYPE_CHECKING:
    from pairx_core.models.embedding_model import EmbeddingModel


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer at which a model can be explained."""

    path: str  # dotted module path
    channels: int
    grid_size: tuple[int, int]  # (columns, rows) of cells
    of_tokens: bool = False  # a transformer's: all its blocks have one grid


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """Where a model comes from."""

    source: str  # a path, a repository with its revision, a function
    licence: str = ""  # as the source names it; empty: it does not
    assumed: tuple[str, ...] = ()  # what the source does not say, and what was taken instead


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model, for the screen."""

    name: str
    source: str
    licence: str  # as its source names it; empty: it does not
    weights: int  # numbers in all
    megabytes: float  # of 10^6 bytes, in memory
    dimensions: int  # of an embedding
    input: str  # what is done to a photo
    layers: tuple[LayerInfo, ...]  # at which it can be explained
    recommended_layer: str  # empty: none
    assumed: tuple[str, ...]  # what its source does not say, and what was taken instead
    fingerprint: str


def model_card(model: EmbeddingModel) -> ModelCard:
    """The card of a model; runs a blank photo through it.

    Raises:
        ModelError: it has no preprocessing.
    """
    tensors = list(model.module.state_dict().values())
    layers = tuple(model.layers())
    try:
        recommended = model.recommended_layer
    except ModelError:  # no stage with a feature map
        recommended = ""
    return ModelCard(
        name=model.name,
        source=model.origin.source,
        licence=model.origin.licence,
        weights=sum(tensor.numel() for tensor in tensors),
        megabytes=sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6,
        dimensions=model.dimensions,
        input=model.preprocessing_in_words,
        layers=layers,
        recommended_layer=recommended,
        assumed=model.origin.assumed,
        fingerprint=model.fingerprint,
    )
