"""Deletion and insertion: does the similarity hang on what an explanation calls important?

After Petsiuk, Das and Saenko (2018, RISE), for pairs: what counts most is blurred away on one photo, a tenth of the
picture at a time, and the model compares it again with the other photo, which stays as it is; then the other way round,
and the mean is taken. On one photo only, because two pictures that are both blurred look alike again. Blurred, and not
painted over, so that no hard edges come in that the photo never had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from pairx_core.evaluate.evidence import Floats, View
from pairx_core.models.embedding_model import EmbeddingModel

STEPS = 10  # tenths
_LEAST_FALL = 0.05  # of cosine similarity
_BLUR = 8  # the blurred picture has so many details a side


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Areas under similarity curves, as shares of the similarity that blurring everything takes away.

    Each is 0.5 or so for an order that knows nothing. A curve's similarity is scaled so that the untouched pair is 1
    and the wholly blurred one 0.
    """

    deletion: float  # most important first: the lower the better
    insertion: float  # the blurred pair gets its most important parts back: the higher the better
    random: float  # deletion in a random order, for scale

    @property
    def gain(self) -> float:
        """How much faster the similarity falls than in a random order."""
        return self.random - self.deletion


class Deleting:
    """A pair whose parts can be blurred away. What does not depend on the explanation is computed once."""

    def __init__(self, model: EmbeddingModel, query: View, candidate: View, *, grid: int, seed: int) -> None:
        """Take a pair.

        Args:
            model: whose similarity is watched.
            query: the query.
            candidate: the candidate.
            grid: cells a side that are blurred as one.
            seed: of the random order.
        """
        self._model = model
        self._grid = grid
        self._sharp = query.inputs, candidate.inputs
        self._blurred = _blurred(query.inputs), _blurred(candidate.inputs)
        random = np.random.default_rng(seed)
        self._judged: dict[bytes, Faithfulness] = {}
        self._unit = _unit(model.embed_inputs([*self._sharp, *self._blurred]))
        self.whole = float(self._unit[0] @ self._unit[1])
        self.nothing = float(self._unit[2] @ self._unit[1] + self._unit[3] @ self._unit[0]) / 2
        cells = grid * grid
        self._random_area = self._area(self.curve(random.permutation(cells), random.permutation(cells)))

    def faithfulness(self, query: Floats, candidate: Floats) -> Faithfulness | None:
        """Judge an explanation by what it calls important, (grid, grid) on each photo.

        None where blurring everything takes hardly any similarity away, so that nothing can be seen.
        """
        if self.whole - self.nothing < _LEAST_FALL:
            return None
        orders = [np.argsort(-map_.ravel(), kind="stable") for map_ in (query, candidate)]
        key = b"".join(order.tobytes() for order in orders)
        if key not in self._judged:  # methods that differ in their lines alone have the same maps
            self._judged[key] = self._judge(*orders)
        return self._judged[key]

    def _judge(self, *orders: npt.NDArray[np.intp]) -> Faithfulness:
        down = self.curve(orders[0], orders[1])
        up = self.curve(orders[0][::-1], orders[1][::-1])[
            ::-1
        ]  # least important gone: most important is back
        return Faithfulness(self._area(down), self._area(up), self._random_area)

    def curve(self, query: npt.NDArray[np.intp], candidate: npt.NDArray[np.intp]) -> Floats:
        """Similarities (STEPS + 1,) as cells go in an order, (grid * grid,) flat numbers on each photo."""
        gone = [round(len(query) * step / STEPS) for step in range(1, STEPS)]
        changed = [
            self._without(side, order[:count])
            for side, order in enumerate((query, candidate))
            for count in gone
        ]
        unit = _unit(self._model.embed_inputs(changed))
        falling = (unit[: len(gone)] @ self._unit[1] + unit[len(gone) :] @ self._unit[0]) / 2
        return np.array([self.whole, *falling, self.nothing])

    def _without(self, side: int, cells: npt.NDArray[np.intp]) -> Tensor:
        sharp, blurred = self._sharp[side], self._blurred[side]
        mask = torch.zeros(1, 1, self._grid, self._grid)
        mask.view(-1)[torch.from_numpy(cells.copy())] = 1
        mask = functional.interpolate(mask, sharp.shape[2:], mode="nearest").to(sharp)
        return torch.lerp(sharp, blurred, mask)

    def _area(self, curve: Floats) -> float:
        span = self.whole - self.nothing
        return float(np.trapezoid((curve - self.nothing) / span, dx=1 / STEPS)) if span else 0.0


def _unit(embeddings: npt.NDArray[np.float32]) -> Floats:
    values = embeddings.astype(np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12), np.float64)


def _blurred(inputs: Tensor) -> Tensor:
    """Inputs (1, 3, H, W) with hardly any detail left."""
    small = functional.interpolate(inputs, (_BLUR, _BLUR), mode="area")
    return functional.interpolate(small, inputs.shape[2:], mode="bicubic", align_corners=False)
