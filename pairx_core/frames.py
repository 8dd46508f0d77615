"""Where a point is: the one place that maps photo, model input and cell onto each other.

Three frames are used throughout, all with the origin in the top left corner, x to the right, y down:

* **photo** - pixels of the upright photo, cropped to the animal's box, at its own aspect;
* **input** - pixels of the picture that the model sees (the photo stretched to the model's input size);
* **cell** - (column, row) in a feature map.

Pixel coordinates are continuous: the centre of the top left pixel is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class PhotoFrame:
    """The geometry of one photo on its way into a model.

    ``photo_size`` and ``input_size`` are (width, height) in pixels.
    """

    photo_size: tuple[int, int]
    input_size: tuple[int, int]

    def cells_to_input(self, cells: npt.ArrayLike, grid_size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Centres of cells, (N, 2) as (column, row) in a grid of (columns, rows), in input pixels."""
        pitch = np.asarray(self.input_size, np.float64) / np.asarray(grid_size, np.float64)
        return ((np.asarray(cells, np.float64) + 0.5) * pitch).astype(np.float32)

    def input_to_photo(self, xy: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Points (N, 2) in input pixels, in photo pixels."""
        return (np.asarray(xy, np.float64) * self._photo_per_input()).astype(np.float32)

    def photo_to_input(self, xy: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Points (N, 2) in photo pixels, in input pixels."""
        return (np.asarray(xy, np.float64) / self._photo_per_input()).astype(np.float32)

    def cells_to_photo(self, cells: npt.ArrayLike, grid_size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Centres of cells, (N, 2) as (column, row) in a grid of (columns, rows), in photo pixels."""
        return self.input_to_photo(self.cells_to_input(cells, grid_size))

    def _photo_per_input(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.photo_size, np.float64) / np.asarray(self.input_size, np.float64)
