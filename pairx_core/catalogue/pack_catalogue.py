"""Field packs as catalogues: a folder with everything that reviewing some queries needs, made beforehand.

What is said here of its file ``pack.json`` are the photos; candidates and explanations are read by
:mod:`pairx_core.fieldpack`, which also writes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from pairx_core.catalogue.catalogue import Catalogue, Problem
from pairx_core.catalogue.entries import shortened
from pairx_core.catalogue.json_files import read_json
from pairx_core.catalogue.locating import locate
from pairx_core.catalogue.pack_photo import facts_of
from pairx_core.catalogue.photo import MaskPicture, Photo
from pairx_core.catalogue.pictures import (
    MissingPicture,
    OutsidePicture,
    UnusablePicture,
    file_signature,
    read_header,
)
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, counted, silently
from pairx_core.errors import CatalogueError

FIELD_PACK = "field-pack"  # its name among the formats
PACK_NAME = "pack.json"
UNFINISHED_NAME = "pack.unfinished.jsonl"  # what was done so far, while it is written
PACK_FORMAT = "pairx-field-pack"
PACK_SCHEMA = 1  # a newer one may say things that this version would misread
NOT_WHOLE = "field pack that is not whole"
COPY_AGAIN = "Copy the whole folder again."
Content = dict[str, Any]
Progress = Callable[[int, int], None]  # called with (done, total)


def is_field_pack(source: Path) -> bool:
    """Whether a folder, or a file in it, is a field pack, be it one that is not finished."""
    folder = source if source.is_dir() else source.parent
    if not source.is_dir() and source.name not in (PACK_NAME, UNFINISHED_NAME):
        return False
    if (folder / UNFINISHED_NAME).is_file() or _looks_like_one(folder):
        return True
    try:
        return read_json(folder / PACK_NAME).get("format") == PACK_FORMAT
    except CatalogueError:  # none, or somebody else's
        return False


def _looks_like_one(folder: Path) -> bool:
    """Whether a folder has a pack's explanations, whatever became of its ``pack.json`` on the way."""
    return any((folder / "explanations").glob("*.npz")) and (folder / "photos").is_dir()


def read_pack_file(folder: Path) -> Content:
    """What stands in a field pack's ``pack.json``, of a version that is understood.

    Raises:
        CatalogueError: there is none, or one of another kind or a newer version.
    """
    path = folder / PACK_NAME
    if not path.is_file():
        raise CatalogueError(
            f"The field pack in {folder} is not finished: it has no {PACK_NAME}. Run the command that makes it to its "
            f"end (it goes on where it stopped). If this is a copy: {COPY_AGAIN.lower()}"
        )
    try:
        content = read_json(path)
    except CatalogueError as error:
        raise CatalogueError(f"{path} is damaged: it is cut short, or no JSON. {COPY_AGAIN}") from error
    if content.get("format") != PACK_FORMAT:
        raise CatalogueError(f"{path} is not of a field pack. Give the folder that was made as one.")
    schema = content.get("schema")
    if not isinstance(schema, int) or schema > PACK_SCHEMA:
        raise CatalogueError(
            f"{path} was made by a newer version of PAIR-X Review ({content.get('app_version')}; its form is "
            f"{schema}, this version reads {PACK_SCHEMA}). Install that version here."
        )
    return content


def read_pack_catalogue(source: Path, tell: ReadingProgress = silently) -> Catalogue:
    """Read the photos of a field pack.

    They keep the ids and paths that they have in the catalogue that the pack was made of, so that decisions on them
    are decisions on its photos. Photos whose files are missing or cut short are left out, and those of which something
    is said that cannot be.

    Raises:
        CatalogueError: it is not finished, of a newer version, damaged, or without a single photo.
    """
    folder = source if source.is_dir() else source.parent
    content = read_pack_file(folder)
    problems = ProblemList(folder.name, unit="photo")
    try:
        files = PackFiles.of(folder, content)
        listed = counted(content["photos"], "Looking at the photos", len(content["photos"]), tell)
        photos = _photos(listed, files, problems)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CatalogueError(
            f"{folder / PACK_NAME} is damaged ({type(error).__name__}: {error}). {COPY_AGAIN}"
        ) from error
    others = files.broken(name for name in files.stated if not name.startswith("photos/"))
    if others:
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        problems.note(
            f"{others[0]}{more} {'are' if more else 'is'} missing or cut short: these pairs are shown without "
            f"explanation. {COPY_AGAIN}",
            kind=NOT_WHOLE,
            file=others[0],
        )
    return Catalogue.checked(folder, photos, problems.in_order())


def damaged_files(catalogue: Catalogue, progress: Progress | None = None) -> tuple[Problem, ...]:
    """Read all files of a field pack, and find those that are not as they were written.

    What is missing or cut short is found when the pack is opened.

    Args:
        catalogue: the pack's.
        progress: called with (files done, files in all).

    Raises:
        CatalogueError: its description cannot be read.
    """
    files = PackFiles.of(catalogue.source, read_pack_file(catalogue.source))
    problems = ProblemList(catalogue.source.name, unit="photo")
    for done, name in enumerate(files.stated, start=1):
        if files.is_damaged(name):
            problems.note(f"“{name}” is damaged. {COPY_AGAIN}", kind=NOT_WHOLE, file=name)
        if progress is not None:
            progress(done, len(files.stated))
    return problems.in_order()


@dataclass(frozen=True, slots=True)
class PackFiles:
    """The files of a field pack, as they should be."""

    folder: Path  # links followed
    stated: Mapping[str, tuple[int, str]]  # bytes and SHA-256 (hex), by the path below the folder, with /

    @classmethod
    def of(cls, folder: Path, content: Content) -> PackFiles:
        """The files that a pack's ``pack.json`` lists.

        Raises:
            ValueError: what is said of one cannot be.
        """
        stated = {name: (size, sha) for name, (size, sha) in content["files"].items()}
        for name, (size, sha) in stated.items():
            if type(size) is not int or not isinstance(sha, str):
                raise ValueError(f"“{name}” is said to have {size} bytes and the checksum {sha}")
        return cls(folder.resolve(), stated)

    def whole(self, name: str) -> Path:
        """The path of a file that has its size; what is in it is checked where it is read.

        Raises:
            UnusablePicture: it is missing, cut short, not of the pack or outside the folder; worded to follow its name.
        """
        if name not in self.stated:
            raise UnusablePicture(f"is not among the files of the field pack. {COPY_AGAIN}")
        try:
            if PureWindowsPath(name).anchor:  # another computer's share, too: refused before it is contacted
                raise OutsidePicture
            path = locate(self.folder, name)
            size, _ = file_signature(path)
        except OutsidePicture:
            raise OutsidePicture("leads outside the folder of the field pack, and is not opened.") from None
        except MissingPicture:
            raise UnusablePicture(f"is missing. {COPY_AGAIN}") from None
        if size != self.stated[name][0]:
            raise UnusablePicture(
                f"is cut short: it has {size:,} bytes instead of {self.stated[name][0]:,}. {COPY_AGAIN}"
            )
        return path

    def read(self, name: str, most: int) -> bytes:
        """What is in a file, as it was written.

        Args:
            name: of the file.
            most: bytes that such a file may have.

        Raises:
            UnusablePicture: as for :meth:`whole`; or it is larger, damaged, or cannot be read.
        """
        path, (size, sha) = self.whole(name), self.stated[name]
        if size > most:
            raise UnusablePicture(f"has {size:,} bytes, more than such a file can have, and is not read.")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UnusablePicture(f"cannot be read ({error.strerror}). {COPY_AGAIN}") from error
        if hashlib.sha256(content).hexdigest() != sha:
            raise UnusablePicture(f"is damaged. {COPY_AGAIN}")
        return content

    def broken(self, names: Iterable[str]) -> list[str]:
        """Those of some files that are missing or have another size."""
        return [name for name in names if not self._is_whole(name)]

    def is_damaged(self, name: str) -> bool:
        """Whether a file that has its size holds something else than was written."""
        try:
            with self.whole(name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() != self.stated[name][1]
        except UnusablePicture:  # told already
            return False
        except OSError:
            return True

    def _is_whole(self, name: str) -> bool:
        try:
            self.whole(name)
        except UnusablePicture:
            return False
        return True


def _photos(entries: Iterable[Content], files: PackFiles, problems: ProblemList) -> list[Photo]:
    """The photos of the pack that can be used, each id once."""
    photos: dict[str, Photo] = {}
    for entry in entries:
        photo = _photo(entry, files, problems)
        if photo is not None and photo.id in photos:
            _leave_out(entry, "the id is another photo's as well", problems)
        elif photo is not None:
            photos[photo.id] = photo
    return list(photos.values())


def _photo(entry: Content, files: PackFiles, problems: ProblemList) -> Photo | None:
    """A photo of the pack; None where it cannot be used."""
    name = str(entry["file"])
    try:
        facts = facts_of(entry)
        path = files.whole(name)
        read_header(path)
    except ValueError as reason:
        _leave_out(entry, str(reason), problems)
        return None
    except UnusablePicture as reason:
        problems.left_out(f"“{name}”, of the photo “{entry['id']}”, {reason}", kind=NOT_WHOLE, file=name)
        return None
    mask = _optional(entry, "mask", files, problems)
    return Photo(
        path=path,
        mask=None if mask is None else MaskPicture(mask),
        thumbnail=_optional(entry, "thumbnail", files, problems),
        **facts,
    )


def _leave_out(entry: Content, reason: str, problems: ProblemList) -> None:
    problems.left_out(
        f"Of the photo “{shortened(str(entry['id']))}”, {PACK_NAME} says what cannot be: {reason}. {COPY_AGAIN}",
        kind=NOT_WHOLE,
        file=str(entry["file"]),
    )


def _optional(entry: Content, name: str, files: PackFiles, problems: ProblemList) -> Path | None:
    """A file that a photo can do without."""
    written = entry.get(name)
    if written is None:
        return None
    try:
        return files.whole(str(written))
    except UnusablePicture as reason:
        problems.note(
            f"“{written}”, the {name} of “{entry['id']}”, {reason}", kind=NOT_WHOLE, file=str(written)
        )
        return None
