"""Reading TOML files that people write: what is wrong is said in words, in the caller's kind of error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pairx_core.errors import PairxError


def read_toml_file(file: Path, *, what: str, longest: int, error: type[PairxError]) -> dict[str, Any]:
    """The table in a file.

    Args:
        file: its path.
        what: what messages call it, such as "project file".
        longest: bytes that it may have.
        error: raised when it cannot be read; what to do is in the message.

    Raises:
        PairxError: it is missing, too large, cannot be read, or is no TOML; of the kind that was given.
    """
    try:
        if file.stat().st_size > longest:
            raise error(f"{file} is too large to be a {what}. Choose another file.")
        content = file.read_bytes()
    except FileNotFoundError:
        raise error(f"There is no {what} {file}. Check the path and its spelling.") from None
    except OSError as reason:
        raise error(f"{file} cannot be read ({reason.strerror}). Check its permissions.") from reason
    return parse_toml(content, str(file), what=what, error=error)


def parse_toml(content: bytes, name: str, *, what: str, error: type[PairxError]) -> dict[str, Any]:
    """The table in a file's content; see :func:`read_toml_file`.

    Args:
        content: all of it.
        name: what messages call the file.
        what: what it should be.
        error: raised when it is no TOML.

    Raises:
        PairxError: of the kind that was given.
    """
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as reason:  # of TOML, of the encoding, of a number with thousands of digits
        raise error(f"{name} is not a {what} ({reason}). Correct the line, or save it anew.") from None
    except RecursionError:
        raise error(f"{name} is not a {what} (lists within lists). Save it anew.") from None
