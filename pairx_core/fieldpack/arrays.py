"""Arrays out of bytes that anybody may have made: no more is unpacked than such a file can hold."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
DAMAGE = (  # what numpy and zipfile raise where bytes are not what they should be, and what follows from it
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, NotImplementedError,
    ArithmeticError, MemoryError, RecursionError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip


def arrays_in(content: bytes, most: int) -> Arrays:
    """The arrays of an ``.npz`` file, by name.

    Args:
        content: the file's.
        most: bytes that all of them may take together.

    Raises:
        ValueError: they take more, or are packed in a way that numpy does not pack.
        Exception: another one of ``DAMAGE``, where the file is not whole.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    size = sum(member.file_size for member in members)  # no member unpacks to more than it says
    if size > most:
        raise ValueError(f"it unpacks to {size / 2**20:,.1f} MB; at most {most / 2**20:,.0f} MB are read")
    ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(member.compress_type not in ways or member.flag_bits & 1 for member in members):
        raise ValueError("it is packed in another way")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def numbers(arrays: Arrays, name: str, shape: tuple[int | None, ...]) -> npt.NDArray[Any]:
    """An array of real numbers of a shape; None: of any length.

    Raises:
        KeyError: there is none.
        ValueError: it is another one.
    """
    found = arrays[name]
    fits = found.ndim == len(shape) and all(
        side in (None, has) for side, has in zip(shape, found.shape, strict=True)
    )
    if found.dtype.kind not in "fiu" or not fits:
        raise ValueError(f"{name} are {found.shape} of {found.dtype}")
    return found
