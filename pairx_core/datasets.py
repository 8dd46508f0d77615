"""Public re-identification data sets, by the wildlife-datasets package (an extra; Čermák et al. 2024)."""

from __future__ import annotations

import csv
import difflib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairx_core.errors import CatalogueError
from pairx_core.paths import tidy_path

TABLE_NAME = "pairx_metadata.csv"  # many sets have a metadata.csv of their own
_COLUMNS = (
    "image_id", "identity", "path", "bbox", "theta", "date", "orientation", "position", "species", "site", "location",
    "segmentation", "latitude", "longitude",
)  # fmt: skip
_NEEDED = ("image_id", "identity", "path")


@dataclass(frozen=True, slots=True)
class PublicDataset:
    """A data set that wildlife-datasets knows."""

    name: str
    animals: str
    photos: int | None  # as its authors report it
    individuals: int | None
    licence: str  # as far as wildlife-datasets knows it
    url: str


def public_datasets() -> list[PublicDataset]:
    """All data sets, by name.

    Raises:
        CatalogueError: the wildlife-datasets package is not installed.
    """
    return [
        _described(kind) for kind in sorted(_kinds().values(), key=lambda kind: str(kind.__name__).casefold())
    ]


def open_public_dataset(name: str, folder: str | Path, *, download: bool = False) -> Path:
    """Read a data set from a folder, and write its table there as a catalogue.

    Args:
        name: as wildlife-datasets calls it, such as "MacaqueFaces".
        folder: where its files are, or shall be.
        download: fetch them first; the package shows how far it is on the terminal. What was fetched before is not
            fetched again.

    Returns:
        The table, ``pairx_metadata.csv``, to be opened as a catalogue.

    Raises:
        CatalogueError: the package is not installed, there is no such set, it cannot be downloaded, or the folder does
            not hold it.
    """
    kinds = _kinds()
    kind = kinds.get(name.casefold())
    if kind is None:
        close = difflib.get_close_matches(name.casefold(), kinds, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(kinds[one].__name__ for one in close)}?" if close else ""
        raise CatalogueError(f"There is no public data set “{name}”. The command datasets lists them.{hint}")
    root = tidy_path(folder, CatalogueError)
    if download:
        _fetch(kind, root)
    return _write(kind, _table(kind, root), root)


def _kinds() -> dict[str, Any]:
    """The package's classes, by their names in small letters."""
    try:
        from wildlife_datasets import datasets
    except ImportError as error:
        raise CatalogueError(
            f"Public data sets need the package wildlife-datasets ({error}): pip install -r "
            "requirements-datasets.txt. A set that you have in a folder can also be opened by its own metadata.csv."
        ) from None
    return {kind.__name__.casefold(): kind for kind in datasets.names_all}


def _described(kind: Any) -> PublicDataset:
    summary = getattr(kind, "summary", None) or {}
    return PublicDataset(
        kind.__name__,
        ", ".join(sorted(map(str, summary.get("animals") or ()))),
        _number(summary.get("reported_n_total")),
        _number(summary.get("reported_n_individuals")),
        str(summary.get("licenses") or ""),
        str(summary.get("url") or ""),
    )


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _fetch(kind: Any, root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        kind.get_data(str(root))
    except Exception as error:  # each set has its own way of being fetched, and of failing
        raise CatalogueError(
            f"{kind.__name__} cannot be downloaded to {root} ({type(error).__name__}: {error}). Check the network and "
            f"the space on the disk. Or fetch it from {_described(kind).url or 'its page'}, put it there, and leave "
            "out --download."
        ) from error


def _table(kind: Any, root: Path) -> list[dict[str, Any]]:
    try:
        frame = kind(str(root)).df
    except Exception as error:  # each set reads its own files, and fails in its own way
        raise CatalogueError(
            f"{root} does not hold {kind.__name__} as wildlife-datasets expects it ({type(error).__name__}: {error}). "
            "Give the folder that it was extracted to, or download it with --download."
        ) from error
    missing = [column for column in _NEEDED if column not in frame]
    if missing or not len(frame):
        raise CatalogueError(f"{root}: {kind.__name__} has no photos here, or lacks {', '.join(missing)}.")
    rows: list[dict[str, Any]] = frame.to_dict("records")
    return rows


def _write(kind: Any, rows: list[dict[str, Any]], root: Path) -> Path:
    columns = [column for column in _COLUMNS if column in rows[0]]
    unknown = str(getattr(kind, "unknown_name", "unknown"))
    animals = _described(kind).animals
    species = "" if "species" in columns or "," in animals else animals
    path = root / TABLE_NAME
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*columns, *(["species"] if species else [])])
            for row in rows:
                cells = [_cell(row[column]) for column in columns]
                cells[1] = "unknown" if cells[1] == unknown else cells[1]
                writer.writerow([*cells, *([species] if species else [])])
    except OSError as error:
        raise CatalogueError(
            f"{path} cannot be written ({error.strerror}). Choose another folder."
        ) from error
    return path


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=_plain)
    if hasattr(value, "tolist"):
        return _cell(value.tolist())
    return str(value)


def _plain(value: Any) -> Any:
    """Numbers and bytes of other libraries as JSON has them."""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
