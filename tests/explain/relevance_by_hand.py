"""AttnLRP a second time, written as relevance rather than as modified gradients.

Every function returns its output and a way back that takes relevance at the output to relevance at the input, by the
formulas of Achtibat et al. (2024) in their own form: shares of contributions. Nothing here uses autograd.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Back = Callable[[Tensor], Tensor]


class Absorbed:
    """Adds up the relevance that softmaxes and position biases take in, and do not pass on."""

    def __init__(self) -> None:
        self.total = 0.0


def linear(x: Tensor, layer: nn.Linear) -> tuple[Tensor, Back]:
    y = x @ layer.weight.T + (0 if layer.bias is None else layer.bias)
    return y, lambda r: x * ((r / y) @ layer.weight)


def layer_norm(x: Tensor, layer: nn.LayerNorm) -> tuple[Tensor, Back]:
    size = x.shape[-1]
    deviation = (x.var(-1, unbiased=False, keepdim=True) + layer.eps).sqrt()
    matrix = torch.eye(size, dtype=x.dtype) - 1 / size  # y = x @ matrix / deviation * weight + bias
    y = x @ matrix / deviation * layer.weight + layer.bias
    return y, lambda r: x * ((r / y * layer.weight / deviation) @ matrix)


def gelu(x: Tensor) -> tuple[Tensor, Back]:
    return 0.5 * x * (1 + torch.erf(x / 2**0.5)), lambda r: r


def residual(x: Tensor, branch: Callable[[Tensor], tuple[Tensor, Back]]) -> tuple[Tensor, Back]:
    y, back = branch(x)
    total = x + y
    return total, lambda r: r * x / total + back(r * y / total)


def attention(
    x: Tensor, qkv: nn.Linear, proj: nn.Linear, heads: int, bias: Tensor | float, absorbed: Absorbed
) -> tuple[Tensor, Back]:
    """Attention over x (windows, tokens, C); bias broadcasts to (windows, heads, tokens, tokens)."""
    windows, tokens, channels = x.shape
    size = channels // heads
    mixed, back_mixed = linear(x, qkv)
    q, k, v = mixed.reshape(windows, tokens, 3, heads, size).permute(2, 0, 3, 1, 4)
    products = torch.einsum("whip,whjp->whij", q, k) * size**-0.5
    weights = (products + bias).softmax(-1)
    heads_out = torch.einsum("whij,whjp->whip", weights, v)
    joined = heads_out.transpose(1, 2).reshape(windows, tokens, channels)
    y, back_proj = linear(joined, proj)

    def back(r: Tensor) -> Tensor:
        of_joined = back_proj(r).reshape(windows, tokens, heads, size).transpose(1, 2)
        share = of_joined / heads_out
        of_v = 0.5 * v * torch.einsum("whij,whip->whjp", weights, share)
        of_weights = 0.5 * weights * torch.einsum("whip,whjp->whij", share, v)
        slope = of_weights - weights * of_weights.sum(-1, keepdim=True)
        of_products = products * slope
        absorbed.total += float(of_weights.sum() - of_products.sum())
        of_q = 0.5 * q * torch.einsum("whij,whjp->whip", slope, k) * size**-0.5
        of_k = 0.5 * k * torch.einsum("whij,whip->whjp", slope, q) * size**-0.5
        parts = torch.stack([of_q, of_k, of_v])
        return back_mixed(parts.permute(1, 3, 0, 2, 4).reshape(mixed.shape))

    return y, back


def chain(*steps: Callable[[Tensor], tuple[Tensor, Back]]) -> Callable[[Tensor], tuple[Tensor, Back]]:
    """One function after the other."""

    def run(x: Tensor) -> tuple[Tensor, Back]:
        backs = []
        for step in steps:
            x, back = step(x)
            backs.append(back)

        def back_through(r: Tensor) -> Tensor:
            for back in reversed(backs):
                r = back(r)
            return r

        return x, back_through

    return run


def patches(image: Tensor, layer: nn.Conv2d) -> tuple[Tensor, Back]:
    """Patch embedding (1, 3, H, W) to tokens (1, n, C) by the ZPlus rule, each patch a row of numbers."""
    size = layer.kernel_size[0]
    rows, columns = image.shape[2] // size, image.shape[3] // size
    cut = image.reshape(3, rows, size, columns, size).permute(1, 3, 0, 2, 4).reshape(rows * columns, -1)
    weight = layer.weight.reshape(layer.weight.shape[0], -1)
    y = cut @ weight.T + layer.bias
    contributions = (cut[:, None, :] * weight).clamp(min=0)  # (n, C, pixels)
    z = contributions.sum(-1) + layer.bias.clamp(min=0) + 1e-6

    def back(r: Tensor) -> Tensor:
        shared = torch.einsum("ncp,nc->np", contributions, r[0] / z)
        return shared.reshape(rows, columns, 3, size, size).permute(2, 0, 3, 1, 4).reshape(image.shape)

    return y[None], back


def mlp(block: nn.Module) -> Callable[[Tensor], tuple[Tensor, Back]]:
    return chain(
        lambda x: layer_norm(x, block.norm2),
        lambda x: linear(x, block.mlp.fc1),
        gelu,
        lambda x: linear(x, block.mlp.fc2),
    )


def vit_block(block: nn.Module, absorbed: Absorbed) -> Callable[[Tensor], tuple[Tensor, Back]]:
    def attend(x: Tensor) -> tuple[Tensor, Back]:
        part = block.attn
        return attention(x, part.qkv, part.proj, part.num_heads, 0.0, absorbed)

    return chain(
        lambda x: residual(x, chain(lambda y: layer_norm(y, block.norm1), attend)),
        lambda x: residual(x, mlp(block)),
    )


def swin_block(
    block: nn.Module, grid: int, window: int, shift: int, absorbed: Absorbed
) -> Callable[[Tensor], tuple[Tensor, Back]]:
    """A Swin block on tokens (1, grid * grid, C), its windows written as a reordering of tokens."""
    numbers = torch.arange(grid * grid).reshape(grid, grid).roll((-shift, -shift), (0, 1))
    per_side = grid // window
    order = numbers.reshape(per_side, window, per_side, window).transpose(1, 2).reshape(-1, window * window)
    region = torch.zeros(grid)
    if shift:
        region[grid - window : grid - shift], region[grid - shift :] = 1, 2
    regions = 3 * region[:, None] + region  # of the rolled grid: what was not side by side may not mix
    of_window = regions.reshape(per_side, window, per_side, window).transpose(1, 2).reshape(len(order), -1)
    mask = (of_window[:, :, None] != of_window[:, None, :]).double() * -100.0

    def attend(x: Tensor) -> tuple[Tensor, Back]:
        part = block.attn
        bias = part._get_rel_pos_bias() + mask[:, None]
        y, back = attention(x[0][order], part.qkv, part.proj, part.num_heads, bias, absorbed)
        restored = torch.empty_like(x)
        restored[0, order.flatten()] = y.reshape(-1, x.shape[2])

        def back_attend(r: Tensor) -> Tensor:
            sent = torch.empty_like(x)
            sent[0, order.flatten()] = back(r[0][order]).reshape(-1, x.shape[2])
            return sent

        return restored, back_attend

    return chain(
        lambda x: residual(x, chain(lambda y: layer_norm(y, block.norm1), attend)),
        lambda x: residual(x, mlp(block)),
    )
