"""The seeded models behind the golden numbers, and the pictures they were shown.

Every tensor is drawn from NumPy's PCG64, keyed by seed 0 and the CRC-32 of the tensor's own name, so that the
weights depend on no other library's random numbers: running variances and one-dimensional weights uniform in
0.5-1.5, other one-dimensional tensors normal with deviation 0.1, all others normal with deviation
sqrt(2 / fan-in). GeM's exponent keeps its 3.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from pairx_core.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from pairx_core.models.torchvision_ops import ensure_torchvision_operators

GOLDEN = Path(__file__).parent / "golden"


class GeneralisedMean(nn.Module):
    """GeM pooling as MiewID has it: the p-th root of the mean p-th power, after a clamp at 1e-6."""

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, x: Tensor) -> Tensor:
        powered = x.clamp(min=1e-6).pow(self.p)
        return nn.functional.avg_pool2d(powered, powered.shape[2:]).pow(1.0 / self.p)


class MiewIdLike(nn.Module):
    """timm features, GeM, batch norm; tensor names as in MiewID's checkpoints."""

    def __init__(self, architecture: str) -> None:
        super().__init__()
        import timm

        self.backbone = timm.create_model(architecture, pretrained=False)
        width = self.backbone.classifier.in_features
        self.backbone.classifier = self.backbone.global_pool = nn.Identity()
        self.pooling = GeneralisedMean()
        self.bn = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.pooling(self.backbone(x)).flatten(1))


def seeded_model(name: str) -> nn.Module:
    """The model a golden file is named after, in evaluation mode."""
    ensure_torchvision_operators()
    import timm

    if name.startswith("miewid_"):
        model: nn.Module = MiewIdLike(name.removeprefix("miewid_"))
    else:
        model = timm.create_model(name, pretrained=False, num_classes=0)
    fill(model)
    return model.eval()


def fill(model: nn.Module) -> None:
    """Give every tensor of a model its seeded values, in place."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not name.endswith("pooling.p"):
            tensor.copy_(torch.from_numpy(_values(name, tuple(tensor.shape)).astype(np.float32)))


def golden_input(name: str) -> Tensor:
    """ "query" or "candidate" as a normalised (1, 3, 128, 128) tensor."""
    pixels = np.asarray(Image.open(GOLDEN / f"{name}.png").convert("RGB"), np.float32) / 255.0
    normalised = (pixels - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)
    return torch.from_numpy(normalised.transpose(2, 0, 1)[None].copy())


def _values(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    random = np.random.Generator(np.random.PCG64([0, zlib.crc32(name.encode())]))
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return random.uniform(0.5, 1.5, shape)
    if len(shape) <= 1:
        return np.asarray(0.1 * random.standard_normal(shape))
    return random.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))
