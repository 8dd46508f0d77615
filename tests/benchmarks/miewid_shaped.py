"""A model of MiewID's shape with random seeded weights, and photos for it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from pairx_core import EmbeddingModel, Photo, Preprocessing, open_photo, read_catalogue
from tests.explain.seeded_models import seeded_model

LAYER = "backbone.blocks.3"
SIZE = 440
SAMPLE = Path(__file__).resolve().parents[2] / "data_samples" / "metadata.csv"
_DAMPING = 0.1  # of what each block adds, so that the sum of sixty does not overflow


def miewid_shaped() -> nn.Module:
    """EfficientNetV2-RW-M features, GeM, batch norm: 2152 dimensions, 51 million weights."""
    module = seeded_model("miewid_efficientnetv2_rw_m")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "blocks." in name and name.endswith("bn3.weight"):
                parameter.mul_(_DAMPING)
    return module.requires_grad_(False)


def embedding_model(module: nn.Module, size: int = SIZE) -> EmbeddingModel:
    """The model with MiewID's preprocessing at an input size."""
    return EmbeddingModel(module, Preprocessing((size, size)), "MiewID-shaped", recommended_layer=LAYER)


def photos(count: int = 11) -> list[Photo]:
    """The sample's first photos."""
    return list(read_catalogue(SAMPLE).photos[:count])


def inputs(model: EmbeddingModel, chosen: list[Photo]) -> list[Tensor]:
    """Photos as inputs (1, 3, H, W)."""
    return [model.preprocess([open_photo(photo)]) for photo in chosen]
