"""The rows of an evaluation on the disk: one line a row, added as they are measured, and no line twice.

How long each took is in a file of its own: it is all that differs from run to run, and from computer to computer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pairx_core.errors import CatalogueError
from pairx_core.evaluate.measuring import PairRow

ROWS_NAME = "rows.jsonl"
SECONDS_NAME = "seconds.jsonl"
_ABOUT_NAME = "evaluation.json"
_Line = TypeVar("_Line")
_Key = tuple[str, str, str]  # of a row


def read_rows(folder: Path) -> list[PairRow]:
    """The rows that an evaluation kept, with the seconds that they took where those are known.

    A last line that a crash tore is left out.

    Raises:
        CatalogueError: they cannot be read, or another line is damaged.
    """
    took = dict(_lines(folder / SECONDS_NAME, _seconds_from))
    rows = _lines(folder / ROWS_NAME, PairRow.from_json)
    return [replace(row, seconds=took.get(row.key, row.seconds)) for row in rows]


def opened(folder: Path, fingerprint: str, about: Mapping[str, object]) -> dict[_Key, PairRow]:
    """The rows of an evaluation that are there already; the folder is made where it is missing.

    Args:
        folder: where they are kept.
        fingerprint: of the evaluation.
        about: what it is of.

    Raises:
        CatalogueError: the folder holds another evaluation's, or cannot be written.
    """
    file = folder / _ABOUT_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            kept = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(kept, dict):
                raise ValueError(f"{_ABOUT_NAME} is not what an evaluation writes")
            if kept.get("fingerprint") != fingerprint:
                raise CatalogueError(_another(folder, kept, about))
        elif any(folder.iterdir()):
            raise CatalogueError(
                f"{folder}: it holds other files, which a report might take the place of. Choose a new folder."
            )
        else:
            text = json.dumps({"fingerprint": fingerprint} | dict(about), indent=1, sort_keys=True)
            file.write_text(text + "\n", encoding="utf-8")
        rows = read_rows(folder)
        for name in (ROWS_NAME, SECONDS_NAME):
            _mend_end(folder / name)
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{folder}: the evaluation cannot be kept there ({error}).") from error
    return {row.key: row for row in rows}


def keep(folder: Path, row: PairRow) -> None:
    """Add a row.

    Raises:
        CatalogueError: it cannot be written.
    """
    took = json.dumps([*row.key, row.seconds])
    _append(folder / SECONDS_NAME, took)  # first: a row that is there is not measured again
    _append(folder / ROWS_NAME, row.to_json(timed=False))


def _lines(file: Path, read: Callable[[str], _Line]) -> list[_Line]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file}: the evaluation's rows cannot be read ({error}).") from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(read(line))
        except ValueError as error:
            if number == len(lines) and not line.endswith("\n"):
                break
            raise CatalogueError(
                f"{file}, line {number}: it is damaged ({error}). Delete the line; it will be measured again."
            ) from error
    return found


def _seconds_from(line: str) -> tuple[_Key, float]:
    """A row's key, and the seconds that it took.

    Raises:
        ValueError: the line is damaged.
    """
    found = json.loads(line)
    match found:
        case [str(query), str(candidate), str(method), float(seconds)]:
            return (query, candidate, method), seconds
    raise ValueError(f"{line.strip()} is no row's time")


def _another(folder: Path, kept: Mapping[str, object], about: Mapping[str, object]) -> str:
    differ = [key for key, value in about.items() if kept.get(key) != value]
    what = ", ".join(differ).replace("_", " ") or "the photos"
    return (
        f"{folder}: it holds an evaluation of something else (different: {what}). Choose another folder, or "
        "delete that one."
    )


def _mend_end(file: Path) -> None:
    """Drop a last line that was torn; end one that lacks only its end."""
    if not file.is_file() or file.read_bytes().endswith(b"\n") or not file.stat().st_size:
        return
    lines: Sequence[bytes] = file.read_bytes().splitlines(keepends=True)
    whole = file.with_suffix(".mended")
    whole.write_bytes(b"".join(lines[:-1]) + (lines[-1] + b"\n" if _is_whole(lines[-1]) else b""))
    whole.replace(file)


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _append(file: Path, line: str) -> None:
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    except OSError as error:
        raise CatalogueError(f"{file}: a row cannot be written ({error}).") from error
