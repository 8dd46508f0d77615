"""What all sessions share: held once, by Streamlit's caches, bounded, safe to use from several threads."""

from __future__ import annotations

import base64
import io
import json
import os
import tempfile
import threading
from dataclasses import asdict, fields
from pathlib import Path

import streamlit as st

from pages.components.explaining import ExplanationWorker, Job
from pages.components.pictures import Pictures, photo_key
from pages.components.shelf import Shelf
from pages.components.workspace import Source
from pairx_core.addresses import is_address
from pairx_core.catalogue import Catalogue, Photo, read_catalogue
from pairx_core.catalogue import thumbnail as small_copy
from pairx_core.decisions.lines import FileLines
from pairx_core.decisions.store import address_of_lines, open_decisions
from pairx_core.errors import CatalogueError, DecisionLogError
from pairx_core.paths import tidy_path
from pairx_core.sessions import SessionBook
from pairx_core.settings import Settings, decisions_beside_file

_LAST_USED = "last_used.json"
_THUMBNAIL = (192, 144)


@st.cache_resource(show_spinner=False, on_release=Shelf.close)
def shelf() -> Shelf:
    """The workspaces that are open."""
    return Shelf()


@st.cache_resource(show_spinner=False, on_release=ExplanationWorker.close)
def worker() -> ExplanationWorker:
    """The one that explains."""
    made = pictures()

    def prepare(job: Job) -> None:
        made.preview(job.query)
        made.preview(job.candidate)

    return ExplanationWorker(prepare)


@st.cache_resource(show_spinner=False)
def pictures() -> Pictures:
    """The photos as the browser gets them."""
    return Pictures()


def catalogue_alone(source: Source) -> Catalogue:
    """The photographs of a source; without the model, where it is not open anyway.

    Raises:
        CatalogueError: it cannot be read.
    """
    is_open = (one.catalogue for one in shelf().workspaces() if one.source == source)
    return next(is_open, None) or _catalogue(source.catalogue, source.form or None)


def sessions_of(source: Source) -> SessionBook:
    """The sessions of a source's record, whether it is open or not.

    Raises:
        CatalogueError: no system has the catalogue's path.
        DecisionLogError: the record cannot be opened.
    """
    place = source.decisions or str(decisions_beside_file(tidy_path(source.catalogue, CatalogueError)))
    if is_address(place):
        return _book_in_database(place)
    return _book_in_file(str(tidy_path(place, DecisionLogError).with_suffix(".sessions.jsonl")))


@st.cache_resource(show_spinner="Reading the catalogue …", max_entries=2, ttl=600)
def _catalogue(written: str, form: str | None) -> Catalogue:
    return read_catalogue(written, form)


@st.cache_resource(show_spinner=False, max_entries=4)
def opened_sources(folder: Path) -> OpenedSources:
    """The sources that were opened, to find them again after a reload or a restart."""
    return OpenedSources(folder / "opened_sources.json")


@st.cache_resource(show_spinner=False, max_entries=4)
def last_used(folder: Path) -> SmallFile:
    """Who reviewed last ("reviewer") and what was opened last ("opened"), to begin with after a restart."""
    return SmallFile(folder / _LAST_USED)


def blind_books(settings: Settings) -> list[SessionBook]:
    """The sessions of all records in which a blind one was begun here and not ended, whatever is open now.

    Raises:
        DecisionLogError: one of these records cannot be opened.
    """
    known = [settings.decisions, *(one.decisions for one in opened_sources(settings.cache).recent())]
    addresses = tuple(one for one in known if isinstance(one, str) and is_address(one))
    books = (_book_of(place, addresses, settings.cache) for place in _blind_places(settings.cache))
    return [book for book in books if book is not None]


def note_blind(folder: Path, place: str, *, is_under_way: bool) -> None:
    """Note that a blind session was begun with a record, or that there is none under way any more."""
    kept = [one for one in _blind_places(folder) if one != place]
    last_used(folder).put("blind", [*kept, place] if is_under_way else kept)


def _blind_places(folder: Path) -> list[str]:
    kept = last_used(folder).get("blind")
    return [str(one) for one in kept] if isinstance(kept, list) else []


def _book_of(place: str, addresses: tuple[str, ...], folder: Path) -> SessionBook | None:
    """The sessions that are kept at a place; None: the database's file is gone, and they with it."""
    if not is_address(place):
        return _book_in_file(place)
    try:
        address = address_of_lines(place, addresses)
        return None if address is None else _book_in_database(address)
    except DecisionLogError as error:
        raise DecisionLogError(
            f"A blind session was begun here with a database that cannot be looked at now. {error} Where that "
            f"session does not matter any more, remove its place from {folder / _LAST_USED}."
        ) from error


@st.cache_resource(show_spinner=False)
def _book_in_file(place: str) -> SessionBook:
    return SessionBook(FileLines(Path(place), "sessions file"))


@st.cache_resource(show_spinner=False, max_entries=8)
def _book_in_database(address: str) -> SessionBook:
    return SessionBook(open_decisions(address).lines("sessions"))


class SmallFile:
    """A few texts and tables by name, in a file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unsaved: dict[str, object] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> object:
        """What is kept under a name; None: nothing."""
        with self._lock:
            return self._unsaved.get(name, self._read().get(name))

    def values(self) -> list[object]:
        """All that is kept, in the order of the file."""
        with self._lock:
            return list((self._read() | self._unsaved).values())

    def put(self, name: str, value: object, *, last: bool = False) -> None:
        """Keep something; where the file cannot be written, it is forgotten with the program's end.

        Args:
            name: what to find it by.
            value: what JSON can hold.
            last: put it behind all others, where it stands elsewhere already.
        """
        with self._lock:
            known = self._read()
            if known.get(name) == value and not (last and next(reversed(known)) != name):
                return
            if last:
                known.pop(name, None)
            known[name] = value
            try:
                self._write(known)
            except OSError:
                self._unsaved[name] = value

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, object]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.stem, suffix=".new")
        fresh = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(known, file, indent=1)
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


class OpenedSources:
    """Sources by their token, in a small file: an address names one without spelling out a path."""

    def __init__(self, path: Path) -> None:
        self._file = SmallFile(path)

    def remember(self, source: Source) -> None:
        """Keep a source; where the file cannot be written, a reload finds something else open."""
        self._file.put(source.token, asdict(source), last=True)

    def find(self, token: str) -> Source | None:
        """The source of a token; None: it is not known, or not as this version would write it."""
        kept = self._file.get(token)
        source = _source_of(kept)
        return source if source is not None and source.token == token else None

    def recent(self) -> list[Source]:
        """The sources that were opened, the latest first."""
        kept = [_source_of(one) for one in self._file.values()]
        return [source for source in reversed(kept) if source is not None]


def _source_of(kept: object) -> Source | None:
    """A source as it was kept; None: not as this version would write it."""
    if not isinstance(kept, dict) or set(kept) != {field.name for field in fields(Source)}:
        return None
    return Source(**kept) if all(isinstance(text, str) for text in kept.values()) else None


def thumbnail(photo: Photo) -> str:
    """A small picture of a photo as a data address.

    Raises:
        PhotoError: the photo cannot be read.
    """
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail_jpeg(photo)).decode("ascii")


def thumbnail_jpeg(photo: Photo) -> bytes:
    """A small picture of a photo, encoded.

    Raises:
        PhotoError: the photo cannot be read.
    """
    return _thumbnail(photo_key(photo), photo)


@st.cache_data(show_spinner=False, max_entries=2048)
def _thumbnail(key: str, _photo: Photo) -> bytes:
    buffer = io.BytesIO()
    small_copy(_photo, _THUMBNAIL).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
