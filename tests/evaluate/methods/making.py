"""Views and models that the tests of methods share."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from pairx_core.evaluate.evidence import View
from pairx_core.models.embedding_model import EmbeddingModel
from pairx_core.models.torchvision_ops import ensure_torchvision_operators
from tests.explain.seeded_models import fill
from tests.explain.tiny_models import block

PHOTO = (96, 160)  # width, height: another shape than the input


def texture(seed: int, size: tuple[int, int] = PHOTO) -> Image.Image:
    """A picture with detail at several scales."""
    random = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(random.integers(0, 256, (n, n), dtype=np.uint8)).resize(
                size, Image.Resampling.BICUBIC
            ),
            np.float64,
        )
        for n in (8, 24, 64)
    ]
    return Image.fromarray(np.mean(layers, axis=0).astype(np.uint8)).convert("RGB")


def view(seed: int, size: tuple[int, int] = (64, 64), dtype: torch.dtype = torch.float32) -> View:
    """A picture, and inputs (1, 3, rows, columns) that are not made of it."""
    generator = torch.Generator().manual_seed(seed)
    return View(texture(seed), torch.randn(1, 3, *size, generator=generator, dtype=dtype))


def pair(size: tuple[int, int] = (64, 64), dtype: torch.dtype = torch.float32) -> tuple[View, View]:
    return view(1, size, dtype), view(2, size, dtype)


def wrapped(module: nn.Module) -> EmbeddingModel:
    return EmbeddingModel(module.eval(), None, "tiny")


class PooledNet(nn.Module):
    """Two strided blocks, average pooling: nothing after it."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(3, 8), block(8, 12))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x).mean((2, 3))


def seeded(module: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    fill(module)
    return module.to(dtype).eval()


def tiny_swin(dtype: torch.dtype = torch.float32) -> nn.Module:
    """Channels last; input 32 × 32, stages of 16 × 16 and 8 × 8 cells."""
    ensure_torchvision_operators()
    from timm.models.swin_transformer import SwinTransformer

    swin = SwinTransformer(
        img_size=32, patch_size=2, window_size=4, embed_dim=12, depths=(2, 2), num_heads=(2, 2), num_classes=0
    )
    return seeded(swin, dtype)


def tiny_vit(dtype: torch.dtype = torch.float32) -> nn.Module:
    """Tokens, the first of them the class token that is the embedding; input 32 × 32, 8 × 8 cells."""
    ensure_torchvision_operators()
    from timm.models.vision_transformer import VisionTransformer

    vit = VisionTransformer(img_size=32, patch_size=4, embed_dim=12, depth=3, num_heads=2, num_classes=0)
    return seeded(vit, dtype)


def efficientnet(dtype: torch.dtype = torch.float32) -> nn.Module:
    ensure_torchvision_operators()
    import timm

    return seeded(timm.create_model("test_efficientnet", pretrained=False, num_classes=0), dtype)
