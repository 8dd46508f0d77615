"""A PairExplanation in one file: NumPy's npz with a JSON header, no pickle."""

from __future__ import annotations

import json
import struct
import tokenize
import zipfile
import zlib
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from pairx_core.catalogue import Box, Mask, MaskPicture, Photo, Segmentation
from pairx_core.errors import ExplanationError
from pairx_core.explain.explanation import Matches, PairExplanation
from pairx_core.explain.options import ExplanationOptions
from pairx_core.frames import PhotoFrame
from pairx_core.whole_files import whole_file

FORMAT = "pairx-explanation/2"
_DAMAGE = (  # what NumPy and zipfile raise at bytes that are not what they should be
    OSError, EOFError, ValueError, KeyError, AttributeError, NotImplementedError, RuntimeError, MemoryError,
    SyntaxError, zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError,
)  # fmt: skip
_ARRAYS = ("query_relevance", "candidate_relevance", "query_color_maps", "candidate_color_maps")
_FRAMES = ("query_frame", "candidate_frame")
_PHOTOS = ("query_photo", "candidate_photo")


def save_explanation(explanation: PairExplanation, path: Path) -> None:
    """Write an explanation; see :meth:`PairExplanation.save`."""
    arrays = {name: getattr(explanation, name) for name in _ARRAYS}
    arrays |= {f"matches.{field.name}": getattr(explanation.matches, field.name) for field in fields(Matches)}
    arrays["header"] = np.frombuffer(json.dumps(header_of(explanation)).encode(), np.uint8)
    try:
        with whole_file(path) as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        raise ExplanationError(
            f"{path}: the explanation cannot be written here ({error.strerror})."
        ) from None


def load_explanation(path: Path) -> PairExplanation:
    """Read an explanation; see :meth:`PairExplanation.load`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].tobytes())
    except FileNotFoundError:
        raise ExplanationError(f"{path}: there is no such explanation file.") from None
    except _DAMAGE as error:
        raise ExplanationError(f"{path}: this is not a whole explanation file ({error}).") from None
    if not isinstance(header, dict) or header.pop("format", None) != FORMAT:
        raise ExplanationError(f"{path}: not an explanation that this version reads ({FORMAT}).")
    try:
        return _assemble(header, arrays)
    except (KeyError, TypeError, ValueError, ExplanationError) as error:
        raise ExplanationError(f"{path}: the explanation file is incomplete ({error}).") from None


def header_of(explanation: PairExplanation) -> dict[str, Any]:
    """Everything but the arrays, ready for JSON."""
    header: dict[str, Any] = {"format": FORMAT}
    for field in fields(explanation):
        value = getattr(explanation, field.name)
        if field.name in (*_FRAMES, "options"):
            value = asdict(value)
        elif field.name in _PHOTOS:
            value = None if value is None else _photo_to_json(value)
        if field.name not in _ARRAYS and field.name != "matches":
            header[field.name] = value
    return header


def _assemble(header: dict[str, Any], arrays: dict[str, Any]) -> PairExplanation:
    values = dict(header)
    for name in _FRAMES:
        sizes = values[name]
        values[name] = PhotoFrame(tuple(sizes["photo_size"]), tuple(sizes["input_size"]))
    options = values["options"]
    size = options["input_size"]
    values["options"] = ExplanationOptions(**{**options, "input_size": None if size is None else tuple(size)})
    for name in _PHOTOS:
        values[name] = None if values[name] is None else _photo_from_json(values[name])
    matches = Matches(**{field.name: arrays[f"matches.{field.name}"] for field in fields(Matches)})
    return PairExplanation(matches=matches, **values, **{name: arrays[name] for name in _ARRAYS})


def _photo_to_json(photo: Photo) -> dict[str, Any]:
    values = asdict(photo)
    for name in ("row", "thumbnail"):  # of a table that may be written anew; the id tells which photo it is
        values.pop(name)
    values["path"] = str(photo.path)
    values["date"] = None if photo.date is None else photo.date.isoformat()
    del values["mask"]
    return values | _mask_to_json(photo.mask)


def _photo_from_json(values: dict[str, Any]) -> Photo:
    box = None if values["box"] is None else Box(**values["box"])
    date = None if values["date"] is None else datetime.fromisoformat(values["date"])
    mask = _mask_from_json(values.get("mask"))
    return Photo(**{**values, "path": Path(values["path"]), "box": box, "date": date, "mask": mask})


def _mask_to_json(mask: Mask | None) -> dict[str, Any]:
    """The entry for a mask; none at all without one, as in files from before there were masks."""
    if mask is None:
        return {}
    return {"mask": {"path": str(mask.path)} if isinstance(mask, MaskPicture) else {"text": mask.text}}


def _mask_from_json(values: dict[str, str] | None) -> Mask | None:
    if values is None:
        return None
    return MaskPicture(Path(values["path"])) if "path" in values else Segmentation(values["text"])
