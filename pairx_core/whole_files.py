"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from pairx_core.errors import PairxError


def write_whole(path: Path, content: bytes, *, what: str, error: type[PairxError]) -> None:
    """Put content in a file, in place of what was there.

    Args:
        path: in a folder that is there.
        content: all of it.
        what: what a message calls it, such as "evidence card".
        error: raised when it cannot be written.

    Raises:
        PairxError: the file cannot be written; of the kind that was given.
    """
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as reason:
        raise error(
            f"{path}: the {what} cannot be written here ({reason.strerror}). Choose a file in a folder that exists "
            "and that you may write to, or make room on the disk."
        ) from None


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes its place, on the disk, once the block has ended without an error.

    Args:
        path: in a folder that is there; what is there stays until then.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    draft = path.with_name(f".{path.name[:100]}.{uuid4().hex}.part")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        take_away(draft)


def take_away(path: Path) -> None:
    """Remove a file, where it is there; where that fails, it stays: what failed before is what to tell."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
