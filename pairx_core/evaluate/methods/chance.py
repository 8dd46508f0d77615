"""Lines and maps at random: the control that every measure of a method must tell from it."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from pairx_core.evaluate.evidence import Evidence, View
from pairx_core.explain.matching import column_row

GRID = 20  # cells a side
LINES = 100


class Chance:
    """Lines between cells of a 20 × 20 grid drawn evenly at random, with random weights, and random maps.

    A pair gets the same each time: the draws depend on the seed and the pictures alone.
    """

    draws_lines = True
    draws_maps = True

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Make it up."""
        random = np.random.default_rng([self._seed, _number(query.image), _number(candidate.image)])
        first, second = (
            view.frame.cells_to_photo(column_row(random.integers(0, GRID**2, LINES), GRID), (GRID, GRID))
            for view in (query, candidate)
        )
        weight = np.sort(random.random(LINES))[::-1].copy()
        return Evidence(first, second, weight, random.random((GRID, GRID)), random.random((GRID, GRID)))


def _number(image: Image.Image) -> int:
    """A number that changes with a picture's content."""
    content = f"{image.mode} {image.size}\n".encode() + image.tobytes()
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
