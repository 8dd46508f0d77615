"""What the weights of a Swin transformer tell about it: MegaDescriptor's checkpoints do not name their architecture."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

_SIZES = {
    (96, 6): "tiny",
    (96, 18): "small",
    (128, 18): "base",
    (192, 18): "large",
}  # width, depth of stage 3
_WINDOWS = {13 * 13: "window7_224", 23 * 23: "window12_384"}  # rows of the table of relative positions
_BUFFERS = ("relative_position_index", "attn_mask")  # which older versions of timm saved as well
_DEEP_STAGE = re.compile(r"layers\.2\.blocks\.(\d+)\.")


def swin_architecture(weights: Mapping[str, Tensor]) -> str:
    """Timm's name of the Swin transformer that has these weights; empty: they are of something else."""
    patches = weights.get("patch_embed.proj.weight")
    positions = weights.get("layers.0.blocks.0.attn.relative_position_bias_table")
    if patches is None or positions is None or not patches.ndim or not positions.ndim:
        return ""
    blocks = {int(found[1]) for name in weights if (found := _DEEP_STAGE.match(name))}
    size, window = _SIZES.get((len(patches), len(blocks))), _WINDOWS.get(len(positions))
    return f"swin_{size}_patch4_{window}" if size and window else ""


def tidy_swin(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names that timm has now.

    Older versions put the merging of patches at a stage's end, now it is at the next one's beginning.
    """
    is_old = any(name.startswith("layers.0.downsample.") for name in weights)

    def renamed(name: str) -> str:
        if not is_old:
            return name
        return re.sub(r"^layers\.(\d+)\.downsample", lambda at: f"layers.{int(at[1]) + 1}.downsample", name)

    return {renamed(name): tensor for name, tensor in weights.items() if not name.endswith(_BUFFERS)}
