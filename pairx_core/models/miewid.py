"""MiewID, rebuilt from timm: none of the code that its repository carries is needed or run.

Wild Me's and Conservation X Labs' embedder of many species (``conservationxlabs/miewid-msv2`` and later): features of
an EfficientNetV2, generalised-mean pooling (Radenović et al. 2018, eq. 3), and batch norm.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from pairx_core.models.torchvision_ops import ensure_torchvision_operators

MIEWID_BACKBONE = "efficientnetv2_rw_m"
MIEWID_INPUT = 440  # pixels a side
_POOLING = "pooling.p"
_EPSILON = 1e-6


class GeneralisedMean(nn.Module):
    """GeM pooling: the p-th root of the mean p-th power of a feature map's cells, with a learned p."""

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, 1, 1)."""
        powered = x.clamp(min=_EPSILON).pow(self.p)
        return functional.avg_pool2d(powered, powered.shape[2:]).pow(1.0 / self.p)


class MiewID(nn.Module):
    """(N, 3, H, W) to embeddings (N, D), not normalised; its weights have the names that MiewID's have."""

    def __init__(self, backbone: str = MIEWID_BACKBONE) -> None:
        """Build it, with weights yet to be loaded.

        Args:
            backbone: a timm architecture that gives a feature map.
        """
        super().__init__()
        ensure_torchvision_operators()
        import timm

        self.backbone = timm.create_model(backbone, pretrained=False, num_classes=0, global_pool="")
        self.pooling = GeneralisedMean()
        self.bn = nn.BatchNorm1d(int(self.backbone.num_features))  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Photos to embeddings."""
        return self.bn(self.pooling(self.backbone(x)).flatten(1))  # type: ignore[no-any-return]


def is_miewid(weights: Mapping[str, Tensor]) -> bool:
    """Whether weights have MiewID's names."""
    return _POOLING in weights and any(name.startswith("backbone.") for name in weights)


def embedder_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the weights that make the embedding: a checkpoint from training also has a classifier of some kind."""
    return {
        name: tensor
        for name, tensor in weights.items()
        if name.startswith(("backbone.", "pooling.", "bn.")) and not name.startswith("backbone.classifier.")
    }
