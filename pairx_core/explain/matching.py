"""Which cell of one photo matches which cell of the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pairx_core.explain.explanation import ChannelReduction


def reduce_channels(relevance: Tensor, reduction: ChannelReduction) -> npt.NDArray[np.float64]:
    """Layer relevance (1, C, h, w) as one number a cell, (h, w): |sum over C| or sum over C of |.|."""
    cells = relevance[0].sum(0).abs() if reduction == "abs_of_sum" else relevance[0].abs().sum(0)
    return cells.double().cpu().numpy()


def mutual_matches(
    query: Tensor, candidate: Tensor
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Pairs of cells that are each other's nearest neighbour.

    A cell's descriptor is its raw feature vector; distances are Euclidean, computed in float64.

    Args:
        query: feature map (1, C, h, w).
        candidate: feature map (1, C, h', w').

    Returns:
        Flat cell numbers (row * w + column) in the query, ascending, and in the candidate, each (N,), and
        their distances (N,).
    """
    first = query[0].double().flatten(1).T.contiguous()
    second = candidate[0].double().flatten(1).T.contiguous()
    distances = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
    nearest_in_second = distances.argmin(1)
    nearest_in_first = distances.argmin(0)
    cells = torch.arange(len(first), device=first.device)
    mutual = nearest_in_first[nearest_in_second] == cells
    matched, partner = cells[mutual], nearest_in_second[mutual]
    return matched.cpu().numpy(), partner.cpu().numpy(), distances[matched, partner].cpu().numpy()


def column_row(cells: npt.NDArray[np.int64], columns: int) -> npt.NDArray[np.int64]:
    """Flat cell numbers (N,) as (N, 2) of (column, row)."""
    return np.stack([cells % columns, cells // columns], axis=1)
