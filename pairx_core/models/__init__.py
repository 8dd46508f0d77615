"""The embedders: from a photo to a vector."""

from pairx_core.models.card import ModelCard, model_card
from pairx_core.models.embedding_model import EmbeddingModel, LayerInfo, ModelOrigin
from pairx_core.models.known_models import KNOWN_MODELS, KnownModel
from pairx_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, NORMALISATIONS, Preprocessing
from pairx_core.models.registry import load_model

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "KNOWN_MODELS",
    "NORMALISATIONS",
    "EmbeddingModel",
    "KnownModel",
    "LayerInfo",
    "ModelCard",
    "ModelOrigin",
    "Preprocessing",
    "load_model",
    "model_card",
]
