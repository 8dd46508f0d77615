"""What keeps a division by a sum of contributions from blowing up."""

from __future__ import annotations

import torch
from torch import Tensor

STABILIZER = 1e-6


def stabilize(z: Tensor) -> Tensor:
    """Move z away from zero: z + 1e-6 with z's sign, + at zero."""
    return z + torch.where(z >= 0, STABILIZER, -STABILIZER).to(z.dtype)
