"""From a photo to what the model sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)  # mean and deviation of models that see colours from -1 to 1
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
NORMALISATIONS = {
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
    "half": (HALF, HALF),
    "clip": (CLIP_MEAN, CLIP_STD),
}  # by name: (mean, std) of RGB in 0-1
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Stretch the cropped photo to the model's input size with Pillow, then normalise.

    Stretching, rather than cropping the middle, is what re-identification models are trained with: no part of
    the animal may be lost. The resizer is stated because Pillow's and OpenCV's move embeddings apart.
    """

    input_size: tuple[int, int]  # (width, height) in pixels
    mean: tuple[float, float, float] = IMAGENET_MEAN  # of RGB in 0-1
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: Interpolation = "bicubic"

    def __call__(self, image: Image.Image) -> Tensor:
        """An RGB picture as a float32 tensor (3, H, W)."""
        import torch

        resized = image.resize(self.input_size, _RESAMPLING[self.interpolation])
        pixels = np.asarray(resized, np.float32) / 255.0
        normalised = (pixels - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return torch.from_numpy(np.ascontiguousarray(normalised.transpose(2, 0, 1)))

    def __str__(self) -> str:
        width, height = self.input_size
        mean = ", ".join(f"{value:g}" for value in self.mean)
        std = ", ".join(f"{value:g}" for value in self.std)
        return f"stretched to {width}×{height} (Pillow {self.interpolation}), mean {mean}, std {std}"
