"""What earlier versions left in a cache folder."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

_NAME = "embeddings.sqlite"  # before embeddings lay in a folder a model
_TABLES = {"embedding", "digest"}


def remove_former_cache(folder: Path) -> None:
    """Remove the embeddings that an earlier version kept, which nothing reads any more.

    Only a file of that name which holds that version's tables and no others; where it cannot be looked at or removed,
    it stays.
    """
    path = folder / _NAME
    if not path.is_file() or _tables(path) != _TABLES:
        return
    with contextlib.suppress(OSError):  # it takes room, and does no harm
        path.unlink(missing_ok=True)


def _tables(path: Path) -> set[str]:
    """The names of a database's tables; none where it is no database."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
    except sqlite3.Error:
        return set()
