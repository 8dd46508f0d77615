"""The embedders: from a photo to a vector."""

from pairx_core.models.embedding_model import EmbeddingModel, LayerInfo
from pairx_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from pairx_core.models.registry import load_model

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "EmbeddingModel", "LayerInfo", "Preprocessing", "load_model"]
