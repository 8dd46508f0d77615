"""What a method shows of a pair: lines, maps, or both, in one form for all methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from pairx_core.catalogue import Photo, open_photo
from pairx_core.frames import PhotoFrame
from pairx_core.models.embedding_model import EmbeddingModel

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One photo as every method gets it: the picture, and what the model sees of it."""

    image: Image.Image  # RGB, upright, cropped to the animal's box
    inputs: Tensor  # (1, 3, H, W), preprocessed, on the model's device

    @property
    def frame(self) -> PhotoFrame:
        """Photo and input sizes."""
        return PhotoFrame(self.image.size, (self.inputs.shape[-1], self.inputs.shape[-2]))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a method shows of a pair, in plain arrays."""

    query_xy: npt.NDArray[np.float32]  # (N, 2) x, y pixels of the query's picture: where lines end
    candidate_xy: npt.NDArray[np.float32]  # (N, 2) x, y pixels of the candidate's picture
    weight: Floats  # (N,) how much each line counts, descending
    query_map: Floats | None = None  # (h, w) not negative, spread evenly over the query; None: no map
    candidate_map: Floats | None = None  # (h', w') the same of the candidate
    query_features: npt.NDArray[np.float32] | None = None  # (C, h, w) that the query's cells were matched at
    candidate_features: npt.NDArray[np.float32] | None = None  # (C, h', w')
    distance: Floats | None = (
        None  # (N,) between what the lines join, in the method's own unit; None: not known
    )

    @property
    def has_lines(self) -> bool:
        """Whether the method found any line for this pair."""
        return len(self.weight) > 0


class Method(Protocol):
    """A way to explain a pair. One method object serves one thread at a time."""

    @property
    def draws_lines(self) -> bool:
        """Whether it says which place matches which."""

    @property
    def draws_maps(self) -> bool:
        """Whether it says which places counted."""

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair.

        Raises:
            ExplanationError: the pair cannot be explained.
        """


def no_lines() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], Floats]:
    """The lines of a method that draws none, or found none: query_xy, candidate_xy, weight."""
    return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32), np.zeros(0)


def view_of_image(image: Image.Image, model: EmbeddingModel) -> View:
    """A picture (RGB, upright, cropped) as a view.

    Raises:
        ModelError: the model has no preprocessing.
    """
    return View(image, model.preprocess([image]))


def view_of_photo(photo: Photo, model: EmbeddingModel) -> View:
    """A photo as a view.

    Raises:
        PhotoError: the photo cannot be read.
        ModelError: the model has no preprocessing.
    """
    return view_of_image(open_photo(photo), model)
