"""A tiny network and a pair of inputs for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pairx_core import EmbeddingModel, PairExplainer


def block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, 2, 1), nn.BatchNorm2d(outside), nn.ReLU(inplace=True))


class TinyNet(nn.Module):
    """Three strided blocks, average pooling, a linear neck."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(3, 8), block(8, 12), block(12, 16))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.neck = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.neck(self.pool(self.blocks(x)).flatten(1))


class SkipNet(nn.Module):
    """Two convolutions with a skip around the second, added in place or not."""

    def __init__(self, in_place: bool = False) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, 2, 1)
        self.entry = nn.Identity()
        self.branch = nn.Conv2d(6, 6, 3, 1, 1)
        self.stages = nn.ModuleList([nn.Conv2d(6, 8, 3, 2, 1)])
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(self.stem(x).relu() + 0.1)
        y = self.branch(x)
        if self.in_place:
            y += x
        else:
            y = y + x
        return self.stages[0](y).relu().mean((2, 3))


def tiny_net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    net = TinyNet()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_var, 0.5, 1.5)
            nn.init.normal_(part.running_mean)
    return net.eval()


def tiny_inputs(count: int = 2, size: tuple[int, int] = (64, 48)) -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(1, 3, *size) for _ in range(count)]


def explainer_of(module: nn.Module, **options) -> PairExplainer:
    return PairExplainer(EmbeddingModel(module, None, "tiny"), **{"layer": "blocks.1", **options})
