"""An explanation as few bytes: what is drawn of it stays the same, to one level in 255.

Matches are kept to the last digit, relevance in single precision. A color map is kept in its window, as 255 levels up
to its maximum: some thirtieth of its size as an array.
"""

from __future__ import annotations

import io
import json
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from pairx_core.errors import ExplanationError
from pairx_core.explain import ExplanationOptions, Matches, PairExplanation
from pairx_core.explain.options import Rules
from pairx_core.explain.storage import header_of
from pairx_core.fieldpack.arrays import DAMAGE, Arrays, arrays_in, numbers
from pairx_core.frames import PhotoFrame

FORMAT = "pairx-compact-explanation/1"
_REASON = b"pairx-no-explanation\n"
MOST_EXPLANATION_BYTES = 160 << 20  # of an explanation, unpacked
_MOST_MAPS = 256  # of a photo
_MOST_MAP_PIXELS = 64 << 20  # of all color maps of a photo: ten of 2,500 × 2,500
_LONGEST_SIDE = 4096  # of a model's input, pixels
_LEVELS = 255
_SPARE = 1 << 20  # bytes for the arrays' headers
_SIDES = ("query", "candidate")
_TEXTS = ("layer", "model", "model_fingerprint", "preprocessing", "version")
_TOO_LARGE = "The explanation is too large for a field pack: choose fewer color maps or a smaller input."
Levels = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int16]


def packed(explanation: PairExplanation) -> bytes:
    """An explanation in compact form; the same explanation gives the same bytes.

    Which photos it is about is left to who keeps it.

    Raises:
        ExplanationError: it is larger than what is read again.
    """
    for side in _SIDES:
        _refuse_large(len(getattr(explanation, f"{side}_color_maps")), getattr(explanation, f"{side}_frame"))
    header = header_of(explanation) | {"format": FORMAT, "query_photo": None, "candidate_photo": None}
    matches = explanation.matches
    arrays: Arrays = {
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
    if sum(array.nbytes for array in arrays.values()) > MOST_EXPLANATION_BYTES - _SPARE:
        raise ExplanationError(_TOO_LARGE)
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
        arrays = arrays_in(content, MOST_EXPLANATION_BYTES)
        header = json.loads(arrays["header"].tobytes())
        if header.pop("format") != FORMAT:
            raise ExplanationError("it is of another version")
        return _assembled(header, arrays)
    except (*DAMAGE, ExplanationError) as error:
        raise ExplanationError(f"holds no whole explanation ({error}). Copy the field pack again.") from None


def _assembled(header: dict[str, Any], arrays: Arrays) -> PairExplanation:
    values = _checked(header)
    for side in _SIDES:
        frame = _frame(values[f"{side}_frame"])
        _refuse_large(len(numbers(arrays, f"{side}_peaks", (None,))), frame)
        values[f"{side}_frame"] = frame
        values[f"{side}_relevance"] = numbers(arrays, f"{side}_relevance", (None, None)).astype(np.float64)
        values[f"{side}_color_maps"] = _from_levels(
            numbers(arrays, f"{side}_levels", (None,)),
            numbers(arrays, f"{side}_windows", (None, 4)),
            arrays[f"{side}_peaks"],
            frame.input_size,
        )
    size = values["options"]["input_size"]
    options = {**values["options"], "input_size": None if size is None else tuple(size)}
    values["options"] = ExplanationOptions(**options)
    return PairExplanation(matches=_matches(arrays), **values)


def _matches(arrays: Arrays) -> Matches:
    relevance = numbers(arrays, "match_relevance", (None,))
    count = len(relevance)
    return Matches(
        query_cells=numbers(arrays, "query_cells", (count, 2)).astype(np.int64),
        candidate_cells=numbers(arrays, "candidate_cells", (count, 2)).astype(np.int64),
        query_xy=numbers(arrays, "query_xy", (count, 2)),
        candidate_xy=numbers(arrays, "candidate_xy", (count, 2)),
        relevance=relevance,
        distance=numbers(arrays, "distance", (count,)),
    )


def _checked(header: dict[str, Any]) -> dict[str, Any]:
    """The header's values, each of its kind.

    Raises:
        ValueError: one is of another.
    """
    kinds: dict[str, type | tuple[type, ...]] = {
        **dict.fromkeys(_TEXTS, str),
        **dict.fromkeys(("k_lines", "k_colors"), int),
        "similarity": (int, float),
    }
    wrong = next((name for name, kind in kinds.items() if not isinstance(header[name], kind)), None)
    if wrong is None and header["rules"] not in get_args(Rules):
        wrong = "rules"
    if wrong is not None:
        raise ValueError(f"{wrong} is “{str(header[wrong])[:60]}”")
    return dict(header)


def _frame(sizes: dict[str, Any]) -> PhotoFrame:
    photo, model_input = (tuple(sizes[name]) for name in ("photo_size", "input_size"))
    sides = (*photo, *model_input)
    if len(photo) != 2 or len(model_input) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise ValueError(f"sizes are {str(sizes)[:120]}")
    return PhotoFrame(photo, model_input)


def _refuse_large(maps: int, frame: PhotoFrame) -> None:
    """Make sure that so many color maps of a photo can be held.

    Raises:
        ExplanationError: they are too many or too large.
    """
    width, height = frame.input_size
    if max(width, height) > _LONGEST_SIDE or maps > _MOST_MAPS or maps * width * height > _MOST_MAP_PIXELS:
        raise ExplanationError(_TOO_LARGE)


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
