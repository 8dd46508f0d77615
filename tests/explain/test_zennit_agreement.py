"""The engine against zennit's EpsilonPlus, on fresh seeded weights of timm architectures.

zennit passes relevance through squeeze-and-excitation by Pass, as PAIR-X's authors had it, and merges batch norms
where they follow a convolution directly.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pairx_core.explain.conversion import GATES
from pairx_core.explain.pairing import cosine_with_gradients
from pairx_core.explain.trace import RelevanceModel
from pairx_core.models.torchvision_ops import ensure_torchvision_operators
from tests.conftest import torch_threads
from tests.explain.seeded_models import fill

ensure_torchvision_operators()
timm = pytest.importorskip("timm")
zennit_canonizers = pytest.importorskip("zennit.canonizers")
zennit_composites = pytest.importorskip("zennit.composites")
zennit_rules = pytest.importorskip("zennit.rules")

SIZE = (120, 88)  # rows, columns: neither square nor a power of two, and small, for float64 is slow
CASES = [
    ("resnet18", "layer1"),
    ("resnet18", "layer3"),
    ("seresnet18", "layer2"),
    ("ecaresnet26t", "layer3"),
    ("resnext26ts", "stages.1"),
    ("regnety_004", "s2"),
    ("mobilenetv2_050", "blocks.3"),
    ("mobilenetv3_small_100", "blocks.1"),
    ("mobilenetv4_conv_small", "blocks.2"),
    ("efficientnet_lite0", "blocks.4"),
    ("tf_efficientnetv2_b0", "blocks.3"),
    ("densenet121", "features.denseblock2"),
]


@dataclass(frozen=True)
class Result:
    relevance: list[np.ndarray]  # of both photos
    maps: list[np.ndarray]  # of the first photo's cells


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with torch_threads(1):
        yield


def model_of(architecture: str) -> nn.Module:
    model = timm.create_model(architecture, num_classes=0).eval().requires_grad_(False)
    fill(model)
    return model


def inputs(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    first, second = (torch.randn(1, 3, *SIZE, generator=generator).to(dtype) for _ in range(2))
    return first, second


def by_zennit(
    model: nn.Module, layer: str, cells: list[tuple[int, int]], photos: tuple[Tensor, Tensor]
) -> Result:
    model = copy.deepcopy(model).to(photos[0].dtype)
    gates = tuple({type(part) for part in model.modules() if type(part).__name__ in GATES})
    composite = zennit_composites.EpsilonPlus(
        layer_map=[(gates, zennit_rules.Pass())] if gates else None,
        canonizers=[zennit_canonizers.SequentialMergeBatchNorm()],
    )
    with composite.context(model), torch.no_grad():
        _, seeds = cosine_with_gradients(*(model(photo) for photo in photos))
    relevance, maps = [], []
    for number, photo in enumerate(photos):
        with composite.context(model):  # one photo at a time: zennit remembers a module's last input only
            kept: list[Tensor] = []
            handle = model.get_submodule(layer).register_forward_hook(
                lambda _, __, out, kept=kept: kept.append(out)
            )
            pixels = photo.clone().requires_grad_()
            embedding = model(pixels)
            handle.remove()
            sent = torch.autograd.grad(embedding, kept[0], seeds[number], retain_graph=True)[0]
            relevance.append(sent[0].sum(0).abs().double().numpy())
            for column, row in cells if number == 0 else []:
                seed = torch.zeros_like(kept[0])
                seed[:, :, row, column] = kept[0].detach()[:, :, row, column]
                sent = torch.autograd.grad(kept[0], pixels, seed, retain_graph=True)[0]
                maps.append(sent[0].sum(0).abs().numpy())
    return Result(relevance, maps)


def by_us(
    model: nn.Module, layer: str, cells: list[tuple[int, int]], photos: tuple[Tensor, Tensor]
) -> Result:
    relevance_model = RelevanceModel(model.to(photos[0].dtype), [layer], photos[0])
    traces = [relevance_model.trace(photo) for photo in photos]
    _, seeds = cosine_with_gradients(*(trace.relevance_embedding for trace in traces))
    relevance = [
        trace.layer_relevance(layer, seed)[0].sum(0).abs().double().numpy()
        for trace, seed in zip(traces, seeds, strict=True)
    ]
    maps = [traces[0].color_map(layer, *cell).full()[0, 0].numpy() for cell in cells]
    return Result(relevance, maps)


def of_maximum(ours: np.ndarray, reference: np.ndarray) -> float:
    return float(np.abs(ours - reference).max() / np.abs(reference).max())


@pytest.mark.parametrize(("architecture", "layer"), CASES)
def test_color_maps_and_layer_relevance_are_zennit_s(architecture, layer):
    model = model_of(architecture)
    single, double = inputs(torch.float32), inputs(torch.float64)
    columns, rows = grid_of(model, layer, single[0])
    cells = [(0, 0), (columns // 2, rows // 3), (columns - 1, rows - 1)]
    reference, ours = (route(model, layer, cells, single) for route in (by_zennit, by_us))
    for our_map, reference_map in zip(ours.maps, reference.maps, strict=True):
        assert of_maximum(our_map, reference_map) <= 1e-5
    exact_reference, exact = (route(model, layer, [], double) for route in (by_zennit, by_us))
    for number in range(2):
        truth = exact_reference.relevance[number]
        assert of_maximum(exact.relevance[number], truth) <= 1e-9
        error = of_maximum(ours.relevance[number], truth)
        # no further from the truth than zennit; a twentieth, or 1e-6 of the maximum, is left to the last bits
        assert error <= max(1.05 * of_maximum(reference.relevance[number], truth), 1e-6)


def grid_of(model: nn.Module, layer: str, photo: Tensor) -> tuple[int, int]:
    sizes: list[tuple[int, int]] = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda _, __, out: sizes.append((out.shape[3], out.shape[2]))
    )
    model(photo)
    handle.remove()
    return sizes[0]
