"""PAIR-X says where, local features check the details there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pairx_core.evaluate.alignment import Alignment, align
from pairx_core.evaluate.evidence import Evidence, Floats, View, no_lines
from pairx_core.evaluate.grids import cell_at
from pairx_core.evaluate.methods.classical import LocalFeatures, SiftRansac
from pairx_core.evaluate.methods.pairx import PairXMethod
from pairx_core.explain.matching import local_agreement
from pairx_core.explain.options import ExplanationOptions
from pairx_core.models.embedding_model import EmbeddingModel

_REACH = 0.10  # of the picture's side: how far from where the alignment puts it a detail may lie
_RATIO = 0.85  # to the second nearest within reach; Lowe's 0.75 is for a search over the whole picture
_MOST = 1_500  # features of a picture, the strongest
_FEWEST_AGREE = 0.5  # of its neighbours: with fewer, a detail does not count


class PairXDetails:
    """Lines of PAIR-X align the animals; only SIFT features (Lowe 2004) that match at the same place of the body count.

    A network's cells are many pixels wide and know a leg from a flank, but two animals with stripes of one kind look
    alike to them. Local features see the single spot, but alone find few true matches, and in grass and leaves many
    false ones. Each detail weighs by how distinct it is and how relevant both photos find its place.
    """

    draws_lines = True
    draws_maps = True

    def __init__(self, model: EmbeddingModel, layer: str | None = None) -> None:
        """Set it up; arguments as of ``PairXMethod``.

        Raises:
            ExplanationError: as ``PairXMethod``; or OpenCV is missing.
        """
        self._sift = SiftRansac(most=_MOST)
        self._pairx = PairXMethod(model, layer, ExplanationOptions(descriptor="hypercolumn", agreement=True))

    def evidence(self, query: View, candidate: View) -> Evidence:
        """Explain a pair. Where nothing can be aligned or no detail is found, there are no lines.

        Raises:
            ExplanationError: the pair cannot be explained.
        """
        found = self._pairx.evidence(query, candidate)
        sizes = query.image.size, candidate.image.size
        places = [
            np.asarray(ends, np.float64) / size
            for ends, size in zip((found.query_xy, found.candidate_xy), sizes, strict=True)
        ]
        alignment = align(places[0], places[1], found.weight)
        features = self._sift.features(query.image), self._sift.features(candidate.image)
        if alignment is None or min(len(one.xy) for one in features) < 2:
            return _with_lines(found, *no_lines())
        pairs, distinct = _details(features, sizes, alignment)
        ends = features[0].photo_xy[pairs[:, 0]], features[1].photo_xy[pairs[:, 1]]
        agreement = local_agreement(ends[0] / np.array(sizes[0]), ends[1] / np.array(sizes[1]))
        kept = agreement >= _FEWEST_AGREE
        ends = ends[0][kept], ends[1][kept]
        weight = (distinct * agreement)[kept] * _relevance(found, ends, sizes)
        order = np.argsort(-weight, kind="stable")
        return _with_lines(found, ends[0][order], ends[1][order], weight[order])


def _details(
    features: tuple[LocalFeatures, LocalFeatures],
    sizes: tuple[tuple[int, int], tuple[int, int]],
    alignment: Alignment,
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Numbers (N, 2) of features that match within reach, and how distinct each match is, (N,), 0 to 1."""
    places = [one.photo_xy.astype(np.float64) / size for one, size in zip(features, sizes, strict=True)]
    expected = alignment(places[0])
    reach = np.linalg.norm(expected[:, None] - places[1][None], axis=2) <= _REACH
    first, second = (one.descriptors.astype(np.float32) for one in features)
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    apart = np.where(reach, np.sqrt(np.maximum(squares, 0)), np.inf)
    nearest = apart.argmin(1)
    two = np.partition(apart, 1, axis=1)[:, :2]
    mutual = apart.argmin(0)[nearest] == np.arange(len(apart))
    usable = mutual & np.isfinite(two[:, 1]) & (two[:, 0] < _RATIO * two[:, 1])
    pairs = np.stack([np.flatnonzero(usable), nearest[usable]], axis=1)
    return pairs, np.asarray(1 - two[usable, 0] / two[usable, 1], np.float64)


def _relevance(
    found: Evidence,
    ends: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    sizes: tuple[tuple[int, int], tuple[int, int]],
) -> Floats:
    """The root of the product of both maps under each line's ends, (N,)."""
    under = [
        np.ones(len(xy)) if map_ is None else map_.ravel()[cell_at(xy, size, (map_.shape[0], map_.shape[1]))]
        for xy, map_, size in zip(ends, (found.query_map, found.candidate_map), sizes, strict=True)
    ]
    return np.asarray(np.sqrt(np.clip(under[0] * under[1], 0, None)), np.float64)


def _with_lines(
    found: Evidence,
    query_xy: npt.NDArray[np.float32],
    candidate_xy: npt.NDArray[np.float32],
    weight: Floats,
) -> Evidence:
    return replace(found, query_xy=query_xy, candidate_xy=candidate_xy, weight=weight, distance=None)
