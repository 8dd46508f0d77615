"""The embedders: from a photo to a vector.

What runs them is loaded when it is first used; a model's card and its name need no torch.
"""

from typing import TYPE_CHECKING

from pairx_core.lazy import lazily
from pairx_core.models.card import LayerInfo, ModelCard, ModelOrigin, model_card
from pairx_core.models.known_models import KNOWN_MODELS, KnownModel
from pairx_core.models.named import NamedModel
from pairx_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, NORMALISATIONS, Preprocessing

if TYPE_CHECKING:
    from pairx_core.models.embedding_model import EmbeddingModel
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
    "NamedModel",
    "Preprocessing",
    "load_model",
    "model_card",
]

__getattr__, __dir__ = lazily(
    __name__, {"EmbeddingModel": "embedding_model", "load_model": "registry"}, __all__
)
