"""Transformers: against the same rules written out by hand, and on the architectures that people use."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pairx_core import EmbeddingModel, PairExplainer
from pairx_core.explain.trace import RelevanceModel, Trace
from pairx_core.models.torchvision_ops import ensure_torchvision_operators
from tests.explain import relevance_by_hand as by_hand
from tests.explain.seeded_models import fill

pytestmark = pytest.mark.usefixtures("one_thread")

ensure_torchvision_operators()
timm = pytest.importorskip("timm")


def tiny_vit(*, biases: bool = True) -> nn.Module:
    from timm.models.vision_transformer import VisionTransformer

    return seeded(
        VisionTransformer(img_size=16, patch_size=4, embed_dim=12, depth=3, num_heads=2, num_classes=0),
        biases,
    )


def tiny_swin(*, biases: bool = True) -> nn.Module:
    from timm.models.swin_transformer import SwinTransformer

    return seeded(
        SwinTransformer(
            img_size=16,
            patch_size=2,
            window_size=4,
            embed_dim=12,
            depths=(2, 2),
            num_heads=(2, 2),
            num_classes=0,
        ),
        biases,
    )


def seeded(model: nn.Module, biases: bool) -> nn.Module:
    fill(model)
    for name, tensor in model.state_dict().items():
        if not biases and name.endswith("bias"):
            tensor.zero_()
    return model.double().eval().requires_grad_(False)


def photo(size: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def trace_of(model: nn.Module, layer: str, inputs: Tensor) -> Trace:
    return RelevanceModel(model, [layer], inputs).trace(inputs)


def seed_for(trace: Trace) -> Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randn(trace.embedding.shape, generator=generator, dtype=torch.float64)


def vit_by_hand(model: nn.Module, absorbed: by_hand.Absorbed):
    """From the pixels to block 1's output, and on to the class token."""

    def early(image: Tensor):
        tokens, back_patches = by_hand.patches(image, model.patch_embed.proj)
        first = torch.cat([model.cls_token, tokens], 1)
        placed = first + model.pos_embed
        blocks = by_hand.chain(*(by_hand.vit_block(model.blocks[number], absorbed) for number in range(2)))
        output, back_blocks = blocks(placed)
        return output, lambda r: back_patches((back_blocks(r) * first / placed)[:, 1:])

    def late(tokens: Tensor):
        steps = by_hand.chain(
            by_hand.vit_block(model.blocks[2], absorbed), lambda x: by_hand.layer_norm(x, model.norm)
        )
        output, back = steps(tokens)

        def back_pooled(r: Tensor) -> Tensor:
            whole = torch.zeros_like(output)
            whole[:, 0] = r
            return back(whole)

        return output[:, 0], back_pooled

    return early, late


def swin_by_hand(model: nn.Module, absorbed: by_hand.Absorbed):
    """From the pixels to the first stage's output, and on to the mean of the tokens."""

    def block(stage: int, number: int, grid: int):
        part = model.layers[stage].blocks[number]
        shift = part.shift_size[0]
        return by_hand.swin_block(part, grid, part.window_size[0], shift, absorbed)

    def merge(tokens: Tensor):
        part = model.layers[1].downsample
        order = torch.arange(64).reshape(4, 2, 4, 2).permute(0, 2, 3, 1).reshape(16, 4)
        merged = tokens[0][order].reshape(1, 16, -1)
        steps = by_hand.chain(
            lambda x: by_hand.layer_norm(x, part.norm), lambda x: by_hand.linear(x, part.reduction)
        )
        output, back = steps(merged)

        def back_merged(r: Tensor) -> Tensor:
            sent = torch.empty_like(tokens)
            sent[0, order.flatten()] = back(r).reshape(64, -1)
            return sent

        return output, back_merged

    early = by_hand.chain(
        lambda image: by_hand.patches(image, model.patch_embed.proj),
        lambda x: by_hand.layer_norm(x, model.patch_embed.norm),
        block(0, 0, 8),
        block(0, 1, 8),
    )

    def late(tokens: Tensor):
        steps = by_hand.chain(
            merge, block(1, 0, 4), block(1, 1, 4), lambda x: by_hand.layer_norm(x, model.norm)
        )
        output, back = steps(tokens)
        pooled = output.mean(1)
        return pooled, lambda r: back(output * (r / pooled)[:, None] / output.shape[1])

    return early, late


CASES = {
    "vit": (tiny_vit, "blocks.1", vit_by_hand, 1),
    "swin": (tiny_swin, "layers.0", swin_by_hand, 0),
}


def cells_of(tokens: Tensor, prefix: int) -> Tensor:
    """Tokens (1, prefix + n * n, C) as (1, C, n, n)."""
    side = round((tokens.shape[1] - prefix) ** 0.5)
    return tokens[:, prefix:].reshape(1, side, side, -1).permute(0, 3, 1, 2)


@pytest.mark.parametrize("case", CASES)
def test_relevance_at_the_layer_is_what_the_rules_written_by_hand_give(case):
    make, layer, route, prefix = CASES[case]
    model, image = make(), photo(16, 1)
    trace = trace_of(model, layer, image)
    early, late = route(model, by_hand.Absorbed())
    tokens, _ = early(image)
    embedding, back = late(tokens)
    torch.testing.assert_close(trace.embedding, embedding)
    torch.testing.assert_close(trace.layers[layer].features, cells_of(tokens, prefix))
    seed = seed_for(trace)
    expected = cells_of(back(embedding * seed), prefix)
    torch.testing.assert_close(trace.layer_relevance(layer, seed), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_a_color_map_is_what_the_rules_written_by_hand_give(case):
    make, layer, route, prefix = CASES[case]
    model, image = make(), photo(16, 2)
    trace = trace_of(model, layer, image)
    early, _ = route(model, by_hand.Absorbed())
    tokens, back = early(image)
    column, row = 2, 1
    chosen = torch.zeros_like(tokens)
    number = prefix + row * trace.layers[layer].grid.columns + column
    chosen[:, number] = tokens[:, number]
    expected = back(chosen).sum(1, keepdim=True).abs()
    torch.testing.assert_close(trace.color_map(layer, column, row).full(), expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_relevance_is_conserved_but_for_what_softmax_absorbs(case):
    make, layer, route, prefix = CASES[case]
    model, image = make(biases=False), photo(16, 3)
    trace = trace_of(model, layer, image)
    absorbed = by_hand.Absorbed()
    early, late = route(model, absorbed)
    embedding, back = late(early(image)[0])
    seed = seed_for(trace)
    of_all_tokens = back(embedding * seed)
    total = float((embedding * seed).sum())
    assert abs(absorbed.total) > 1e-3 * abs(total)  # or else this would show little
    of_prefix = float(of_all_tokens[:, :prefix].sum())
    kept = float(trace.layer_relevance(layer, seed).sum())
    assert kept + of_prefix + absorbed.total == pytest.approx(total, rel=1e-8)


def test_convnext_conserves_relevance_where_it_has_no_biases():
    from timm.models.convnext import ConvNeXt

    model = seeded(ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 12, 12, 16), num_classes=0), biases=False)
    trace = trace_of(model, "stages.0", photo(224, 4))
    seed = seed_for(trace)
    total = float((trace.embedding * seed).sum())
    assert float(trace.layer_relevance("stages.0", seed).sum()) == pytest.approx(total, rel=1e-4)


ARCHITECTURES = {
    "MegaDescriptor-T": ("swin_tiny_patch4_window7_224", "layers.1", 224, {}),
    "DINOv2": ("vit_small_patch14_dinov2", None, 140, {"img_size": 140}),
    "DINOv2 with registers": ("vit_small_patch14_reg4_dinov2", None, 112, {"img_size": 112}),
    "DINOv3": ("vit_small_patch16_dinov3", None, 128, {}),
    "CLIP": ("vit_base_patch32_clip_quickgelu_224", None, 224, {}),
    "EVA-02": ("eva02_tiny_patch14_224", None, 224, {}),
    "Swin V2": ("swinv2_cr_tiny_224", "stages.1", 224, {}),
    "ConvNeXt V2": ("convnextv2_atto", None, 160, {}),
    "MobileNetV4 hybrid": ("mobilenetv4_hybrid_medium", None, 160, {}),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_explanations_are_finite_repeatable_and_of_the_pair(name):
    architecture, layer, size, options = ARCHITECTURES[name]
    model = timm.create_model(architecture, num_classes=0, **options).eval()
    fill(model)
    make = partial(PairExplainer, EmbeddingModel(model, None, name), layer)
    photos = [photo(size, seed, torch.float32) for seed in (5, 6, 7)]
    explainer = make()
    first = explainer.explain_tensors(photos[0], photos[1], k_colors=1)
    again = make().explain_tensors(photos[0], photos[1], k_colors=1)
    other = explainer.explain_tensors(photos[0], photos[2], k_colors=1)
    assert first.rules == "AttnLRP" and "AttnLRP" in first.departures[0]
    assert len(first.matches) > 3
    for array in (first.query_relevance, first.candidate_relevance, first.query_color_maps):
        assert np.isfinite(array).all() and array.max() > 0
    assert first.query_relevance.tobytes() == again.query_relevance.tobytes()
    assert first.candidate_color_maps.tobytes() == again.candidate_color_maps.tobytes()
    assert not np.allclose(first.query_relevance, other.query_relevance, rtol=1e-3, atol=0)
