"""Where a catalogue's photos lie: in its own folder or below it, nowhere else."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pairx_core.catalogue.pictures import OutsidePicture, PictureHeader, UnusablePicture, read_header
from pairx_core.catalogue.progress import ReadingProgress, silently

_ADDRESS = re.compile(r"(https?|s3|gs|ftp)://", re.IGNORECASE)
_TOGETHER = 64  # paths looked up in one go by one thread
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture file of a catalogue, with its header."""

    path: Path  # absolute
    header: PictureHeader


def find_pictures(
    folder: Path, written: Sequence[str], tell: ReadingProgress = silently
) -> list[FoundPicture | UnusablePicture]:
    """Look up each path as a catalogue in ``folder`` writes it, several at a time, in the given order.

    A picture that many photos share is looked at once.
    """
    root = folder.resolve()
    different = list(dict.fromkeys(written))
    parts = [different[start : start + _TOGETHER] for start in range(0, len(different), _TOGETHER)]
    found: dict[str, FoundPicture | UnusablePicture] = {}
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="photo-headers") as pool:
        looked_at = pool.map(lambda part: [_find_picture(root, path) for path in part], parts)
        for part, pictures in zip(parts, looked_at, strict=True):
            found.update(zip(part, pictures, strict=True))
            tell("Looking at the pictures", len(found), len(different))
    return [found[path] for path in written]


def is_address(written: str) -> bool:
    """Whether a path is the address of something on a network."""
    return _ADDRESS.match(written) is not None


def locate(root: Path, written: str) -> Path:
    """The file that a catalogue in the folder ``root`` (resolved) means by a path.

    Folders may be separated in the Windows way. Accents spelled in another Unicode form than on the disk are
    found as well.

    Raises:
        UnusablePicture: the path leads outside the folder, by ``..``, as an absolute path, or through a link; or no
            file can have it.
    """
    if "\0" in written:
        raise UnusablePicture("has a character that no file's name can have. Correct the path.")
    if _WINDOWS_DRIVE.match(written) and os.name != "nt":
        raise _outside(root)
    portable = written.replace("\\", "/")
    if portable.startswith("//") and not root.as_posix().startswith("//"):
        raise _outside(root)  # another computer's share: refused before it is contacted
    different = dict.fromkeys((written, *_spellings(portable)))  # mostly one
    paths = (Path(os.path.realpath(root / spelling)) for spelling in different)
    found = next(filter(_exists, paths), None) or Path(os.path.realpath(root / portable))
    if not found.is_relative_to(root):
        raise _outside(root)
    return found


def _find_picture(root: Path, written: str) -> FoundPicture | UnusablePicture:
    try:
        path = locate(root, written)
        return FoundPicture(path, read_header(path))
    except UnusablePicture as reason:
        return reason


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield unicodedata.normalize("NFC", text)
    yield unicodedata.normalize("NFD", text)


def _exists(path: Path) -> bool:
    """Whether there is anything at this path; why it cannot be used is found out when it is read."""
    try:
        return path.exists()
    except OSError:
        return False


def _outside(root: Path) -> OutsidePicture:
    return OutsidePicture(
        f"leads outside the folder of the catalogue ({root}). Photos must lie in this folder or below it: "
        "copy them there, or move the catalogue file to a folder above them."
    )
