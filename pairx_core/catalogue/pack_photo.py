"""What a field pack says of a photo besides its files: written from a photo, and taken only where it can be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pairx_core.catalogue.photo import Box, Photo

Content = dict[str, Any]
_FAR = 1e8  # pixels: farther than any picture reaches
_TEXTS = ("identity", "species", "flank", "site")
_PLACES = (("latitude", 90.0), ("longitude", 180.0))  # degrees at most


def photo_entry(photo: Photo) -> Content:
    """What ``pack.json`` says of a photo besides its files: all that the catalogue says."""
    return {
        "id": photo.id,
        "path": photo.catalogue_path,
        "identity": photo.identity,
        "species": photo.species,
        "flank": photo.flank,
        "date": None if photo.date is None else photo.date.isoformat(),
        "site": photo.site,
        "latitude": photo.latitude,
        "longitude": photo.longitude,
    }


def facts_of(entry: Content) -> Content:
    """What is said of a photo, as :class:`Photo` takes it.

    Raises:
        KeyError: something is not said.
        ValueError: something is of another kind, or no number; says what.
    """
    photo_id = _text(entry, "id")
    if not photo_id:
        raise ValueError("id is empty")
    latitude, longitude = (_number(entry[name], name, most) for name, most in _PLACES)
    if (latitude is None) != (longitude is None):
        raise ValueError("there is half a place")
    return {
        "id": photo_id,
        "catalogue_path": _text(entry, "path"),
        **{name: None if entry[name] is None else _text(entry, name) for name in _TEXTS},
        "box": _box(entry["box"]),
        "date": _date(entry["date"]),
        "latitude": latitude,
        "longitude": longitude,
    }


def _text(entry: Content, name: str) -> str:
    written = entry[name]
    if not isinstance(written, str) or written != written.encode("utf-8", "replace").decode("utf-8"):
        raise _odd(name, written)  # no text, or one with half a character, which no file can hold
    return written


def _number(written: object, name: str, most: float) -> float | None:
    if written is None:
        return None
    if isinstance(written, bool) or not isinstance(written, int | float) or not abs(written) <= most:
        raise _odd(name, written)  # not a number is not at most anything
    return float(written)


def _box(written: object) -> Box | None:
    if written is None:
        return None
    sides = [_number(one, "box", _FAR) for one in written] if isinstance(written, list) else []
    match sides:
        case [float(x), float(y), float(width), float(height)] if width > 0 and height > 0:
            return Box(x, y, width, height)
    raise _odd("box", written)


def _date(written: object) -> datetime | None:
    """Local time, as catalogues have it."""
    if written is None:
        return None
    try:
        date = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        date = None
    if date is None or date.tzinfo is not None:
        raise _odd("date", written)
    return date


def _odd(name: str, written: object) -> ValueError:
    return ValueError(f"{name} is {str(written)[:60]}")
