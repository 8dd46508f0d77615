"""An explanation as few bytes: what is drawn of it stays the same, to one level in 255.

Matches are kept to the last digit, relevance in single precision. A color map is kept in its window, as 255 levels up
to its maximum: some thirtieth of its size as an array.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.errors import ExplanationError
from pairx_core.explain import ExplanationOptions, Matches, PairExplanation
from pairx_core.explain.storage import header_of
from pairx_core.frames import PhotoFrame

FORMAT = "pairx-compact-explanation/1"
_REASON = b"pairx-no-explanation\n"
_LEVELS = 255
_SIDES = ("query", "candidate")
_DAMAGE = (
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, NotImplementedError,
    zipfile.BadZipFile, zlib.error, struct.error, ExplanationError,
)  # fmt: skip
Levels = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int16]


def packed(explanation: PairExplanation) -> bytes:
    """An explanation in compact form; the same explanation gives the same bytes.

    Which photos it is about is left to who keeps it.
    """
    header = header_of(explanation) | {"format": FORMAT, "query_photo": None, "candidate_photo": None}
    matches = explanation.matches
    arrays: dict[str, npt.NDArray[Any]] = {
        "header": np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8),
        "match_relevance": matches.relevance,
        "distance": matches.distance,
    }
    for side in _SIDES:
        arrays[f"{side}_cells"] = getattr(matches, f"{side}_cells").astype(np.int16)
        arrays[f"{side}_xy"] = getattr(matches, f"{side}_xy").astype(np.float32)
        arrays[f"{side}_relevance"] = getattr(explanation, f"{side}_relevance").astype(np.float32)
        levels, windows, peaks = _in_levels(getattr(explanation, f"{side}_color_maps"))
        arrays |= {f"{side}_levels": levels, f"{side}_windows": windows, f"{side}_peaks": peaks}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # its stub has another keyword in mind
    return content.getvalue()


def packed_reason(reason: str) -> bytes:
    """Why a pair has no explanation, in place of one."""
    return _REASON + reason.encode("utf-8", "replace")


def reason_in(content: bytes) -> str | None:
    """Why there is no explanation; None: there is one."""
    return content[len(_REASON) :].decode("utf-8", "replace") if content.startswith(_REASON) else None


def unpacked(content: bytes) -> PairExplanation:
    """The explanation in compact bytes, in the pixels of the photos that it was made of.

    Raises:
        ExplanationError: they are damaged, or of another version; worded to follow a file's name.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].tobytes())
        if header.pop("format") != FORMAT:
            raise ExplanationError("it is of another version")
        return _assembled(header, arrays)
    except _DAMAGE as error:
        raise ExplanationError(f"holds no whole explanation ({error}). Copy the field pack again.") from None


def _assembled(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> PairExplanation:
    values = dict(header)
    for side in _SIDES:
        sizes = values[f"{side}_frame"]
        frame = PhotoFrame(tuple(sizes["photo_size"]), tuple(sizes["input_size"]))
        values[f"{side}_frame"] = frame
        values[f"{side}_relevance"] = arrays[f"{side}_relevance"].astype(np.float64)
        values[f"{side}_color_maps"] = _from_levels(
            arrays[f"{side}_levels"], arrays[f"{side}_windows"], arrays[f"{side}_peaks"], frame.input_size
        )
    size = values["options"]["input_size"]
    options = {**values["options"], "input_size": None if size is None else tuple(size)}
    values["options"] = ExplanationOptions(**options)
    matches = Matches(
        query_cells=arrays["query_cells"].astype(np.int64),
        candidate_cells=arrays["candidate_cells"].astype(np.int64),
        query_xy=arrays["query_xy"],
        candidate_xy=arrays["candidate_xy"],
        relevance=arrays["match_relevance"],
        distance=arrays["distance"],
    )
    return PairExplanation(matches=matches, **values)


def _in_levels(maps: npt.NDArray[np.float32]) -> tuple[Levels, Ints, npt.NDArray[np.float32]]:
    """Color maps (k, H, W) as levels one after the other, windows (k, 4) and maxima (k,)."""
    levels: list[Levels] = [np.zeros(0, np.uint8)]
    windows = np.zeros((len(maps), 4), np.int16)  # top, left, height, width
    peaks = np.zeros(len(maps), np.float32)
    for number, values in enumerate(np.nan_to_num(maps, posinf=0, neginf=0)):
        peaks[number] = values.max(initial=0)
        if peaks[number] <= 0:
            continue
        whole = np.round(np.maximum(values, 0) * (np.float32(_LEVELS) / peaks[number])).astype(np.uint8)
        rows, columns = (np.flatnonzero(whole.any(axis=axis)) for axis in (1, 0))
        top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        windows[number] = top, left, bottom - top, right - left
        levels.append(whole[top:bottom, left:right].ravel())
    return np.concatenate(levels), windows, peaks


def _from_levels(
    levels: Levels, windows: Ints, peaks: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Color maps (k, H, W) for an input of (width, height)."""
    maps = np.zeros((len(peaks), *size[::-1]), np.float32)
    start = 0
    for map_, window, peak in zip(maps, windows.tolist(), peaks, strict=True):
        top, left, height, width = window
        end = start + height * width
        part = levels[start:end].reshape(height, width)
        map_[top : top + height, left : left + width] = part * (peak / np.float32(_LEVELS))
        start = end
    return maps
