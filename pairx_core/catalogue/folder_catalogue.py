"""Catalogues without a table: a folder for each individual, or one folder with photos of unknown ones."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pairx_core.catalogue.catalogue import Catalogue
from pairx_core.catalogue.cells import known_value
from pairx_core.catalogue.locating import FoundPicture, find_pictures
from pairx_core.catalogue.photo import Photo
from pairx_core.catalogue.pictures import PICTURE_SUFFIXES, UnusablePicture
from pairx_core.catalogue.problems import ProblemList
from pairx_core.catalogue.progress import ReadingProgress, silently
from pairx_core.errors import CatalogueError

_NOT_FOR_PHOTOS = frozenset({"__MACOSX", "@eaDir"})  # copies and thumbnails that other programs leave behind


def read_folder_catalogue(folder: Path, tell: ReadingProgress = silently) -> Catalogue:
    """Read a folder; see :func:`pairx_core.catalogue.read_catalogue`."""
    problems = ProblemList(folder.name or str(folder))
    listing = _list(folder, problems)
    if not listing.pictures:
        raise CatalogueError(
            f"{folder} holds no pictures ({_endings(listing.ignored) or 'it is empty'}). Choose a folder "
            "with a metadata.csv, a folder for each individual, or JPEG or PNG files."
        )
    _note_layout(listing, problems)
    ids = _ids(listing.pictures)
    found = find_pictures(folder, listing.pictures, tell)
    photos = [
        photo
        for written, picture in zip(listing.pictures, found, strict=True)
        if (photo := _photo(written, ids[written], picture, problems)) is not None
    ]
    return Catalogue.checked(folder, photos, problems.in_order())


@dataclass(frozen=True, slots=True)
class _Listing:
    pictures: tuple[str, ...]  # paths below the folder with /, sorted
    ignored: Counter[str]  # how many other files there are, by their ending


def _list(folder: Path, problems: ProblemList) -> _Listing:
    pictures = []
    ignored: Counter[str] = Counter()
    for path in _files(folder, problems):
        if not _is_writable_text(path):
            shown = path.encode("utf-8", "replace").decode()
            problems.left_out("The file's name has letters that cannot be read. Rename the file.", file=shown)
        elif PurePosixPath(path).suffix.lower() in PICTURE_SUFFIXES:
            pictures.append(path)
        elif not _is_ours(path):
            ignored[PurePosixPath(path).suffix.lower() or "without ending"] += 1
    return _Listing(tuple(sorted(pictures, key=lambda path: path.split("/"))), ignored)


def _files(folder: Path, problems: ProblemList) -> Iterator[str]:
    """Paths below the folder, with /; nothing hidden. Links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename, folder)
        problems.left_out(
            f"The folder cannot be opened ({error.strerror}). Check its permissions.", file=name
        )

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_FOR_PHOTOS]
        for name in names:
            if not name.startswith("."):
                yield Path(place, name).relative_to(folder).as_posix()


def _is_writable_text(path: str) -> bool:
    """Whether a path can be written to a UTF-8 file; names from other systems may hold stray bytes."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_ours(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith("pairx_decisions") and name.endswith((".csv", ".lock"))


def _note_layout(listing: _Listing, problems: ProblemList) -> None:
    if listing.ignored:
        count = sum(listing.ignored.values())
        problems.note(
            f"{count:,} files that are not pictures were ignored ({_endings(listing.ignored)}).", kind="files"
        )
    folders = {path.split("/")[0] for path in listing.pictures if "/" in path}
    loose = sum("/" not in path for path in listing.pictures)
    if not folders:
        problems.note(
            "There are no folders for individuals, so every individual is taken as unknown.", kind="layout"
        )
    elif loose:
        problems.note(
            f"{loose:,} photos lie in no individual's folder and are taken as unknown.", kind="layout"
        )
    elif len(folders) == 1 and known_value(*folders) is not None:
        problems.note(
            f"There is one folder only, so all photos are taken as of one individual, “{min(folders)}”. "
            "If that is wrong, open that folder itself.",
            kind="layout",
        )


def _endings(counts: Counter[str]) -> str:
    return ", ".join(f"{ending}: {count:,}" for ending, count in counts.most_common(6))


def _ids(pictures: Sequence[str]) -> dict[str, str]:
    """Each path without its ending; with it where two pictures differ by the ending only."""
    stems = {path: str(PurePosixPath(path).with_suffix("")) for path in pictures}
    counts = Counter(stems.values())
    ids = {path: stem if counts[stem] == 1 else path for path, stem in stems.items()}
    return ids if len(set(ids.values())) == len(ids) else {path: path for path in pictures}


def _photo(
    written: str, photo_id: str, found: FoundPicture | UnusablePicture, problems: ProblemList
) -> Photo | None:
    if isinstance(found, UnusablePicture):
        problems.left_out(f"The picture {found}", kind=found.kind, file=written)
        return None
    for note in found.header.notes:
        problems.note(f"The picture {note}", kind="colours or orientation", file=written)
    top, _, rest = written.partition("/")
    return Photo(
        id=photo_id,
        path=found.path,
        identity=known_value(top) if rest else None,
        catalogue_path=written,
    )
