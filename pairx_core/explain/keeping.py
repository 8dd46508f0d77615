"""Pairs' results and color maps as bytes, and the keys under which they are kept on disk."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from pairx_core.errors import SettingsError
from pairx_core.explain.explanation import Matches
from pairx_core.explain.explanation_cache import ExplanationCache
from pairx_core.frames import PhotoFrame

Cell = tuple[int, int]  # (column, row)
_logger = logging.getLogger(__name__)
_MATCHES = ("query_cells", "candidate_cells", "query_xy", "candidate_xy", "relevance", "distance")


@dataclass(frozen=True, eq=False)
class PairResult:
    """All of an explanation but its color maps."""

    similarity: float
    matches: Matches
    query_relevance: npt.NDArray[np.float64]  # (h, w)
    candidate_relevance: npt.NDArray[np.float64]
    query_frame: PhotoFrame
    candidate_frame: PhotoFrame


@dataclass(frozen=True, eq=False)
class WindowedMap:
    """A color map: (h, w) float32 in a window whose top left corner is at (top, left) of the input."""

    values: npt.NDArray[np.float32]
    top: int
    left: int

    def full(self, input_size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """(H, W) with its zeros, for an input of (width, height)."""
        whole = np.zeros(input_size[::-1], np.float32)
        height, width = self.values.shape
        whole[self.top : self.top + height, self.left : self.left + width] = self.values
        return whole


class Keeper:
    """Finds and keeps results under keys that say all that they depend on."""

    def __init__(self, cache: ExplanationCache | None, context: Sequence[str]) -> None:
        """Keep results in a cache (or nowhere).

        Args:
            cache: where.
            context: model, code, options: whatever results depend on besides photos, layer and cell.
        """
        self._cache = cache
        self._context = "\n".join(context)

    def pair(self, query: str, candidate: str, layer: str) -> PairResult | None:
        """The result of a pair of photos, by their keys, if it is kept."""
        key = self._key("pair", query, candidate, layer)
        content = self._find([key]).get(key)
        return None if content is None else _unpack_pair(content)

    def keep_pair(self, query: str, candidate: str, layer: str, result: PairResult) -> None:
        """Keep a pair's result."""
        self._keep({self._key("pair", query, candidate, layer): _pack_pair(result)})

    def maps(self, photo: str, layer: str, cells: Sequence[Cell]) -> dict[Cell, WindowedMap]:
        """The color maps of a photo's cells (column, row) that are kept."""
        keys = {self._map_key(photo, layer, cell): cell for cell in cells}
        unpacked = {keys[key]: _unpack_map(content) for key, content in self._find(list(keys)).items()}
        return {cell: map_ for cell, map_ in unpacked.items() if map_ is not None}

    def keep_maps(self, photo: str, layer: str, maps: dict[Cell, WindowedMap]) -> None:
        """Keep color maps of a photo's cells."""
        self._keep({self._map_key(photo, layer, cell): _pack_map(map_) for cell, map_ in maps.items()})

    def _map_key(self, photo: str, layer: str, cell: Cell) -> str:
        return self._key("map", photo, layer, f"{cell[0]},{cell[1]}")

    def _key(self, *parts: str) -> str:
        return hashlib.sha256("\n".join([self._context, *parts]).encode()).hexdigest()

    def _find(self, keys: list[str]) -> dict[str, bytes]:
        if self._cache is None or not keys:
            return {}
        try:
            return self._cache.get(keys)
        except SettingsError as error:  # explaining goes on without
            _logger.warning("Explanations are computed although they may be kept: %s", error)
            return {}

    def _keep(self, entries: dict[str, bytes]) -> None:
        if self._cache is None or not entries:
            return
        try:
            self._cache.put(entries)
        except SettingsError as error:
            _logger.warning("Explanations cannot be kept on disk: %s", error)


def _pack_pair(result: PairResult) -> bytes:
    arrays = {name: np.ascontiguousarray(getattr(result.matches, name)) for name in _MATCHES}
    arrays |= {
        "query_relevance": np.ascontiguousarray(result.query_relevance),
        "candidate_relevance": np.ascontiguousarray(result.candidate_relevance),
    }
    frames = [asdict(result.query_frame), asdict(result.candidate_frame)]
    header = {"similarity": result.similarity.hex(), "frames": json.dumps(frames)}
    return save(arrays, metadata=header)


def _unpack_pair(content: bytes) -> PairResult | None:
    """A kept result; None where it is not one."""
    try:
        arrays, header = load(content), _header(content)
        frames = [
            PhotoFrame(tuple(frame["photo_size"]), tuple(frame["input_size"]))
            for frame in json.loads(header["frames"])
        ]
        return PairResult(
            similarity=float.fromhex(header["similarity"]),
            matches=Matches(**{name: arrays[name] for name in _MATCHES}),
            query_relevance=arrays["query_relevance"],
            candidate_relevance=arrays["candidate_relevance"],
            query_frame=frames[0],
            candidate_frame=frames[1],
        )
    except (SafetensorError, KeyError, ValueError, IndexError):
        return None


def _pack_map(map_: WindowedMap) -> bytes:
    header = {"top": str(map_.top), "left": str(map_.left)}
    return save({"values": np.ascontiguousarray(map_.values)}, metadata=header)


def _unpack_map(content: bytes) -> WindowedMap | None:
    try:
        header = _header(content)
        return WindowedMap(load(content)["values"], int(header["top"]), int(header["left"]))
    except (SafetensorError, KeyError, ValueError):
        return None


def _header(content: bytes) -> dict[str, str]:
    """The metadata of safetensors bytes: a length (8 bytes, little endian), then JSON."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata
