"""Files that the command line writes for others: whole or not at all, and never in place of what they are made of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pairx_core.errors import ExportError
from pairx_core.whole_files import write_whole

if TYPE_CHECKING:
    from pairx_core.catalogue import Catalogue

_BESIDE_A_RECORD = (".evidence.jsonl", ".sessions.jsonl", ".names.jsonl", ".lock", ".db-wal", ".db-shm")
_DATABASE = b"SQLite format 3\x00"  # how every SQLite file begins
_OF_A_PACKAGE = ("datapackage.json", "deployments.csv", "media.csv", "observations.csv")


def write_output(path: Path, content: bytes, *, what: str, sources: Iterable[Path] = ()) -> None:
    """Write a file that is made of others.

    Args:
        path: the file; a link is followed, and what is no file (a pipe, a terminal) is written to as it is.
        content: all of it.
        what: what a message calls it, such as "export".
        sources: files that it must not take the place of, besides records of decisions.

    Raises:
        ExportError: it would take the place of something that must stay, or cannot be written.
    """
    refuse_output(path, sources)
    if path.exists() and not path.is_file():
        _pour(path, content)
    else:
        write_whole(Path(os.path.realpath(path)), content, what=what, error=ExportError)


def refuse_output(path: Path, sources: Iterable[Path] = ()) -> None:
    """Make sure that a file to be written takes the place of none of the sources and of no record of decisions.

    Raises:
        ExportError: it would, or what is there cannot be read.
    """
    try:
        same = next((one for one in sources if _is_same(path, one)), None)
        is_record = same is None and _is_record(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExportError(f"{path} cannot be looked at ({reason}). Choose another file.") from None
    if same is not None:
        raise ExportError(f"{path} is what this is made of, and would be overwritten. Choose another file.")
    if is_record:
        raise ExportError(
            f"{path} is part of a record of decisions, and would be overwritten. Choose another file."
        )


def files_of(catalogue: Catalogue) -> Iterator[Path]:
    """The files that a catalogue was read from: its table or package, and its photos."""
    folder = catalogue.source if catalogue.source.is_dir() else catalogue.source.parent
    yield catalogue.source
    if catalogue.form == "camtrap-dp":
        yield from (folder / name for name in _OF_A_PACKAGE)
    if catalogue.form == "field-pack":
        yield folder / "pack.json"
    yield from (photo.path for photo in catalogue.photos)


def _is_same(path: Path, source: Path) -> bool:
    """Whether two paths are one file; a look at the disk only where the names may be."""
    if not path.exists() or not path.is_file():
        return False
    if path.name.casefold() != source.name.casefold() and not (path.is_symlink() or source.is_symlink()):
        return False
    return source.exists() and path.samefile(source)


def _is_record(path: Path) -> bool:
    """Whether a file holds decisions as the store keeps them, lies beside such a file, or is a database."""
    from pairx_core.decisions.rows import HEADER

    if not path.is_file():
        return False
    if path.name.casefold().endswith(_BESIDE_A_RECORD):
        return True
    with path.open("rb") as file:
        return file.read(max(len(HEADER), len(_DATABASE))).startswith((HEADER, _DATABASE))


def _pour(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror}). Choose another file.") from None
