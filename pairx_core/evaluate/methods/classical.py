"""Matching without any model: local features, and a geometry that must fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pairx_core.evaluate.evidence import Evidence, Floats, View, no_lines
from pairx_core.evaluate.methods.extras import extra
from pairx_core.evaluate.methods.recent import Recent

LONGEST_SIDE = 800  # pixels; larger pictures are reduced to it
RATIO = 0.75  # of the distances to the nearest and the second nearest (Lowe 2004)
TOLERANCE = 5.0  # pixels of the (reduced) candidate, from where the homography puts a point
_FEWEST = 4  # matches that determine a homography


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """SIFT features of one picture."""

    xy: npt.NDArray[np.float32]  # (N, 2) x, y pixels of the reduced picture
    descriptors: npt.NDArray[np.float32]  # (N, 128)
    scale: npt.NDArray[np.float64]  # (2,) pixels of the picture per pixel of the reduced one, x and y

    @property
    def photo_xy(self) -> npt.NDArray[np.float32]:
        """(N, 2) x, y pixels of the picture."""
        return (self.xy * self.scale).astype(np.float32)


class SiftRansac:
    """SIFT with the ratio test (Lowe 2004), verified by a homography found with RANSAC (Fischler and Bolles 1981).

    Only the pictures count, not the model. Lines are the matches that fit the homography, weighted by 1 - the ratio of
    the two distances; fewer than four matches are no lines. There are no maps.
    """

    draws_lines = True
    draws_maps = False

    def __init__(self, seed: int = 0, *, most: int = 0) -> None:
        """Set it up.

        Args:
            seed: of RANSAC's draws.
            most: how many features of a picture to keep, the strongest; 0: all.

        Raises:
            ExplanationError: OpenCV is missing.
        """
        self._cv2 = extra("cv2", "SIFT")
        self._seed = seed
        self._most = most
        self._features: Recent[LocalFeatures] = Recent()

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair. Where nothing fits, there are no lines."""
        first, second = self.features(query.image), self.features(candidate.image)
        pairs, distances = self._matches(first, second)
        fits = self._fits(first.xy[pairs[:, 0]], second.xy[pairs[:, 1]])
        if not fits.any():
            return Evidence(*no_lines())
        pairs, distances = pairs[fits], distances[fits]
        weight = 1 - distances[:, 0] / distances[:, 1]
        order = np.argsort(-weight, kind="stable")
        ends = first.photo_xy[pairs[order, 0]], second.photo_xy[pairs[order, 1]]
        return Evidence(*ends, weight[order], distance=distances[order, 0])

    def features(self, image: Image.Image) -> LocalFeatures:
        """Where a picture has local features, and what they look like."""
        key = hashlib.sha256(f"{image.mode} {image.size}\n".encode() + image.tobytes()).hexdigest()
        return self._features.get(key, lambda: self._detect(image))

    def _detect(self, image: Image.Image) -> LocalFeatures:
        grey = image.convert("L")
        grey.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        detector = self._cv2.SIFT_create(
            nfeatures=self._most, enable_precise_upscale=True
        )  # else all lies a quarter pixel off
        points, descriptors = detector.detectAndCompute(np.asarray(grey), None)
        # OpenCV counts from the centre of the first pixel, this project from its corner
        xy = np.array([point.pt for point in points], np.float32).reshape(-1, 2) + np.float32(0.5)
        none = np.zeros((0, 128), np.float32)
        return LocalFeatures(
            xy, none if descriptors is None else descriptors, np.array(image.size) / np.array(grey.size)
        )

    def _matches(self, first: LocalFeatures, second: LocalFeatures) -> tuple[npt.NDArray[np.int64], Floats]:
        """Numbers (N, 2) of features that match; distances (N, 2) to the nearest and the second nearest."""
        if not len(first.xy) or len(second.xy) < 2:
            return np.zeros((0, 2), np.int64), np.zeros((0, 2))
        two: Any = self._cv2.BFMatcher(self._cv2.NORM_L2).knnMatch(first.descriptors, second.descriptors, k=2)
        pairs = np.array([(nearest.queryIdx, nearest.trainIdx) for nearest, _ in two], np.int64)
        distances = np.array([(nearest.distance, next_.distance) for nearest, next_ in two], np.float64)
        clear = distances[:, 0] < RATIO * distances[:, 1]
        return pairs[clear], distances[clear]

    def _fits(self, first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which matches (N, 2) and (N, 2), in pixels of the reduced pictures, one homography explains."""
        none = np.zeros(len(first), bool)
        if len(first) < _FEWEST:
            return none
        self._cv2.setRNGSeed(self._seed)
        found, inside = self._cv2.findHomography(first, second, self._cv2.RANSAC, TOLERANCE)
        if found is None or inside is None or inside.sum() < _FEWEST:
            return none
        return np.asarray(inside.ravel() > 0)
