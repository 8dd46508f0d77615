"""Known truth of the bundled sample: where on the body a pixel lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Photo, open_photo
from pairx_core.errors import CatalogueError
from pairx_core.explain.explanation import PairExplanation

SAME_POINT = 0.05  # of the body length


@dataclass(frozen=True, slots=True, eq=False)
class BodyMap:
    """Body coordinates of each pixel of an upright cropped photo, (H, W)."""

    surface: npt.NDArray[np.uint8]  # (H, W) 0 where there is no animal; else which side of it is seen
    position: npt.NDArray[np.float32]  # (H, W, 2) along and across the body, in body lengths

    def at(self, xy: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Surface (N,) and position (N, 2) under points (N, 2) in photo pixels."""
        height, width = self.surface.shape
        columns = np.clip(np.floor(xy[:, 0]).astype(int), 0, width - 1)
        rows = np.clip(np.floor(xy[:, 1]).astype(int), 0, height - 1)
        return self.surface[rows, columns], self.position[rows, columns]


def truth_path(photo: Photo, folder: Path) -> Path:
    """The truth file of a photo."""
    return folder / f"{photo.id}.png"


def read_truth(photo: Photo, folder: Path) -> BodyMap:
    """Read a photo's truth file: an RGB picture of (along, across, surface), the size of the photo.

    Args:
        photo: the photo; its box crops the truth as it crops the photo.
        folder: where the truth files are.

    Raises:
        CatalogueError: there is no truth file for the photo.
        PhotoError: the truth file is damaged.
    """
    path = truth_path(photo, folder)
    if not path.is_file():
        raise CatalogueError(f"{path}: there is no truth file for the photo “{photo.id}”.")
    pixels = np.asarray(open_photo(replace(photo, path=path)))
    return BodyMap(pixels[..., 2].copy(), pixels[..., :2].astype(np.float32) / 255.0)


def right_lines(explanation: PairExplanation, query: BodyMap, candidate: BodyMap) -> npt.NDArray[np.bool_]:
    """Which lines join the same point of the body, (line_count,).

    Both ends must lie on the animal, on the same side of it, within 5 % of the body length. This says whether
    a line joins corresponding places, not whether the two animals are the same.
    """
    count = explanation.line_count
    matches = explanation.matches
    return lines_right(matches.query_xy[:count], matches.candidate_xy[:count], query, candidate)


def lines_right(
    query_xy: npt.NDArray[np.float32],
    candidate_xy: npt.NDArray[np.float32],
    query: BodyMap,
    candidate: BodyMap,
) -> npt.NDArray[np.bool_]:
    """``right_lines`` for lines by their ends, (N, 2) each, in photo pixels."""
    first_side, first = query.at(query_xy)
    second_side, second = candidate.at(candidate_xy)
    near = np.linalg.norm(first - second, axis=1) <= SAME_POINT
    right: npt.NDArray[np.bool_] = (first_side > 0) & (first_side == second_side) & near
    return right
