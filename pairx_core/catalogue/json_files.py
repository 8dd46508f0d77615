"""JSON files that people were given: read as what they are, refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pairx_core.errors import CatalogueError

LARGEST = 512 << 20  # bytes; a million annotations with polygons have less
Object = dict[str, Any]


def read_json(path: Path) -> Object:
    """The object in a JSON file.

    Raises:
        CatalogueError: unreadable, too large, not JSON, nested too deeply, or not an object.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise CatalogueError(
                f"{path} is {size >> 20:,} MB; up to {LARGEST >> 20:,} MB are read. Split it into several files."
            )
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error
    except (ValueError, RecursionError) as error:  # not JSON, not text, a number of too many digits
        raise CatalogueError(
            f"{path} is not JSON that can be read ({str(error)[:200]}). Export it again."
        ) from None
    if not isinstance(content, dict):
        raise CatalogueError(f"{path} holds no JSON object ({{...}}) but a {type(content).__name__}.")
    return content


def objects(path: Path, content: Object, name: str) -> list[object]:
    """The list under a name; empty where there is none.

    Raises:
        CatalogueError: it is not a list.
    """
    found = content.get(name, [])
    if not isinstance(found, list):
        raise CatalogueError(f"{path}: “{name}” is not a list. Export the file again.")
    return found


def text_of(value: object) -> str:
    """A value as a cell's text: empty for null, numbers as they are written, nothing for lists and objects."""
    if value is None or isinstance(value, (list, dict)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return _without_surrogates(str(value)).strip()


def _without_surrogates(text: str) -> str:
    """Halves of characters, which JSON can spell but no file can hold, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
