"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
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
    draft = path.with_name(f".{path.name[:100]}.{uuid4().hex}.part")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as reason:
        _take_away(draft)
        raise error(
            f"{path}: the {what} cannot be written here ({reason.strerror}). Choose a file in a folder that exists "
            "and that you may write to, or make room on the disk."
        ) from None


def _take_away(draft: Path) -> None:
    """Remove what was begun; where that fails too, the reason for the first failure is the one to tell."""
    try:
        draft.unlink(missing_ok=True)
    except OSError:
        return
