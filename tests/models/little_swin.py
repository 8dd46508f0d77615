"""A Swin transformer small enough to be built in every test, known to timm under a name of its own."""

from __future__ import annotations

from typing import Any

from pairx_core.models.torchvision_ops import ensure_torchvision_operators

ensure_torchvision_operators()

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model  # noqa: E402
from timm.models.swin_transformer import SwinTransformer  # noqa: E402

LITTLE_SWIN = "swin_little_patch4_window7_224"
_INPUT = {"input_size": (3, 224, 224), "fixed_input_size": True, "first_conv": "patch_embed.proj"}
default_cfgs = generate_default_cfgs(
    {
        f"{LITTLE_SWIN}.lab": {
            **_INPUT,
            "mean": (0.485, 0.456, 0.406),
            "std": (0.229, 0.224, 0.225),
            "interpolation": "bicubic",
            "classifier": "head.fc",
            "num_classes": 0,
        }
    }
)


@register_model
def swin_little_patch4_window7_224(pretrained: bool = False, **more: Any) -> SwinTransformer:
    """Two blocks of a few channels."""
    shape = {"patch_size": 4, "window_size": 7, "embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2)}
    return build_model_with_cfg(SwinTransformer, LITTLE_SWIN, pretrained, **shape, **more)
