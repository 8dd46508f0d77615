"""Paths as people write them, and folders that are made where they are missing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from pairx_core.errors import PairxError


def tidy_path(written: str | Path, error: type[PairxError], *, folder: Path | None = None) -> Path:
    """The absolute path that somebody meant.

    Spaces and quotation marks around it, which come along when a path is pasted, are taken off, and ``~`` is a home
    folder.

    Args:
        written: the path.
        error: raised when it cannot be one.
        folder: what a relative path starts from; None: the folder that the program runs in.

    Raises:
        PairxError: no system has such a path; of the kind that was given.
    """
    text = str(written).strip().strip("\"'").strip()
    shown = _shown(text)
    if not text:
        raise error("A path is empty. Write the whole path.")
    try:
        path = Path(text).expanduser()
        path = path.absolute() if folder is None else Path(os.path.normpath(folder.absolute() / path))
        path.lstat()
    except RuntimeError:  # ~ of nobody
        raise error(f"The home folder in {shown} cannot be found. Write the whole path.") from None
    except ValueError:  # a NUL, half a letter
        raise error(f"{shown} holds a character that no path has. Correct the path.") from None
    except OSError as reason:
        if reason.errno == errno.ENAMETOOLONG:
            raise error(f"{shown} is too long for a path. Correct the path.") from None
    return path  # whether it is there, and may be used, shows where it is


def make_cache_folder(folder: Path, error: type[PairxError]) -> None:
    """Make a folder for what can be computed again, where it is missing.

    Args:
        folder: the folder.
        error: raised when it cannot be made.

    Raises:
        PairxError: it cannot be made; of the kind that was given.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise error(
            f"{folder}: the cache folder cannot be made ({reason.strerror}). Choose another with PAIRX_CACHE."
        ) from None


def _shown(text: str) -> str:
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    return plain if len(plain) <= 100 else f"{plain[:100]}…"
