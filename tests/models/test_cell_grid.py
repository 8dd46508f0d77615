"""Where a layer's cells are in its output."""

from __future__ import annotations

import pytest
import torch

from pairx_core import EmbeddingModel
from pairx_core.models.cell_grid import CellGrid
from pairx_core.models.torchvision_ops import ensure_torchvision_operators


@pytest.mark.parametrize(
    ("shape", "input_size", "prefix", "expected"),
    [
        ((1, 152, 28, 28), (440, 440), None, CellGrid("NCHW", 28, 28)),
        ((1, 12, 25, 19), (152, 200), None, CellGrid("NCHW", 19, 25)),
        ((1, 25, 19, 12), (152, 200), None, CellGrid("NHWC", 19, 25)),
        ((1, 28, 28, 192), (224, 224), None, CellGrid("NHWC", 28, 28)),
        ((1, 257, 384), (224, 224), 1, CellGrid("tokens", 16, 16, 1)),
        ((1, 1370, 384), (518, 518), None, CellGrid("tokens", 37, 37, 1)),
        ((1, 201, 384), (256, 256), 5, CellGrid("tokens", 14, 14, 5)),
        ((1, 200, 64), (320, 160), 0, CellGrid("tokens", 20, 10, 0)),
        ((1, 16, 1, 1), (64, 64), None, None),
        ((1, 7, 384), (224, 224), 0, None),
        ((1, 384), (224, 224), None, None),
    ],
)
def test_a_grid_is_told_by_the_input_s_aspect(shape, input_size, prefix, expected):
    assert CellGrid.of(torch.zeros(shape), input_size, prefix) == expected


@pytest.mark.parametrize("form", ["NCHW", "NHWC", "tokens"])
def test_a_feature_map_is_a_view_with_every_cell_in_its_place(form):
    rows, columns, channels = 3, 4, 5
    cells = torch.arange(rows * columns * channels, dtype=torch.float32).reshape(1, channels, rows, columns)
    if form == "NCHW":
        output, grid = cells.clone(), CellGrid("NCHW", columns, rows)
    elif form == "NHWC":
        output, grid = cells.permute(0, 2, 3, 1).contiguous(), CellGrid("NHWC", columns, rows)
    else:
        tokens = cells.flatten(2).transpose(1, 2)
        output = torch.cat([torch.full((1, 2, channels), -1.0), tokens], 1)
        grid = CellGrid("tokens", columns, rows, 2)
    view = grid.feature_map(output)
    assert torch.equal(view, cells)
    view[0, :, 2, 1] = 100
    assert (output == 100).sum() == channels


@pytest.mark.parametrize(
    ("architecture", "size", "layer", "grid"),
    [
        ("efficientnet_b0", (320, 320), "blocks.2", (40, 40)),
        ("resnet18", (224, 224), "layer2", (28, 28)),
        ("regnety_004", (224, 224), "s2", (28, 28)),
        ("densenet121", (224, 224), "features.denseblock2", (28, 28)),
        ("convnext_atto", (224, 224), "stages.1", (28, 28)),
        ("swin_tiny_patch4_window7_224", (224, 224), "layers.1", (28, 28)),
        ("vit_tiny_patch16_384", (384, 384), "blocks.6", (24, 24)),
    ],
)
def test_layers_are_listed_with_grids_and_one_is_recommended(architecture, size, layer, grid):
    ensure_torchvision_operators()
    import timm

    model = EmbeddingModel(timm.create_model(architecture, num_classes=0).eval(), None, architecture)
    assert (layer, grid) in [(info.path, info.grid_size) for info in model.layers(size)]
    recommended = model.recommend_layer(size)
    assert recommended == layer or architecture == "efficientnet_b0"
