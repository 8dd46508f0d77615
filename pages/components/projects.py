"""What was opened before, saving it as a project, and photos dropped into the page."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import opening, resources, saying, state
from pages.components.words import count
from pages.components.workspace import Source, Workspace
from pairx_core.catalogue.pictures import PICTURE_SUFFIXES
from pairx_core.errors import PairxError, SettingsError
from pairx_core.project import PROJECT_NAME, has_password, read_project, write_project
from pairx_core.settings import Settings

_MOST_RECENT = 8
_LONGEST_NAME = 120  # bytes of a dropped file's name
_LONGEST_ENDING = 8  # letters


def is_project(catalogue: str) -> bool:
    """Whether what was entered as the catalogue is a project file, by the ending of its name."""
    return catalogue.strip("\"' ").casefold().endswith(".toml")


def source_of(path: str) -> Source:
    """What a project file says.

    Raises:
        SettingsError: it cannot be read.
    """
    return Source.from_project(read_project(path))


def recent(current: Source) -> Source | None:
    """Offer what was opened before; what was chosen."""
    try:
        sources = resources.opened_sources(Settings.from_environment().cache).recent()
    except PairxError:  # said where the catalogue is opened
        return None
    others = [source for source in sources if source != current][:_MOST_RECENT]
    if not others:
        return None
    with st.expander("Opened before", icon=":material/history:"):
        for source in others:
            name = f"{_in_short(source.catalogue)} · {_in_short(source.model)}"
            if st.button(
                saying.plain(name),
                key=f"recent-{source.token}",
                type="tertiary",
                help=saying.plain(f"{source.catalogue}, with {source.model}"),
            ):
                return source
    return None


def _in_short(text: str) -> str:
    """A path by its last two parts; anything else as it is."""
    path = Path(text)
    return f"{path.parent.name}/{path.name}" if path.is_absolute() and path.parent.name else text


def save(workspace: Workspace) -> None:
    """Offer to write a project file of what is open."""
    folder = workspace.catalogue.source
    folder = folder if folder.is_dir() else folder.parent
    with st.expander("Save as a project", icon=":material/save:"):
        path = st.text_input(
            "Project file",
            str(folder / PROJECT_NAME),
            help="Paths below its folder are kept relative, so the folder can be moved. Set PAIRX_PROJECT to it, or "
            "enter it as the catalogue, to open all of this again.",
        )
        if not st.button("Save the project", icon=":material/save:"):
            return
        project = replace(workspace.source.project(""), catalogue=str(workspace.catalogue.source))
        try:
            written = write_project(project, path)
        except SettingsError as error:
            saying.error(str(error))
            return
        without = (
            " The database's password is not in it: set PAIRX_DECISIONS." if has_password(project) else ""
        )
        saying.success(f"Saved {written}.{without}")


def dropped() -> Source | None:
    """Take photos that are dropped into the page, for a quick look; what to open."""
    with st.expander("Drop photos here for a quick look", icon=":material/upload:"):
        files = st.file_uploader(
            "Photos",
            type=[ending.lstrip(".") for ending in sorted(PICTURE_SUFFIXES)],
            accept_multiple_files=True,
            help="They are copied into the app's cache on the computer that serves it, as photos of unknown animals. "
            "For work that counts, name a folder or a table above.",
        )
        if not files or not st.button("Look at them", icon=":material/visibility:"):
            return None
        try:
            folder = _kept(files)
        except OSError as error:
            saying.error(
                f"The photos cannot be kept ({error.strerror}). Make room on the disk, or set PAIRX_CACHE."
            )
            return None
        state.tell("toast", f"{count(len(files), 'photo')} copied to {folder}.")
        return Source(str(folder), form="folders")


def _kept(files: Sequence[Any]) -> Path:
    """A folder with the files, named after their content, so that the same files have the same decisions."""
    contents: dict[
        str, bytes
    ] = {}  # by name, which a photo's content begins, so that no two get in each other's way
    for file in files:
        content = file.getvalue()
        contents.setdefault(f"{hashlib.sha256(content).hexdigest()[:8]}_{_safe_name(file.name)}", content)
    whole = hashlib.sha256()
    for name in sorted(contents):
        whole.update(name.encode() + hashlib.sha256(contents[name]).digest())
    folder = Settings.from_environment().cache / "dropped" / whole.hexdigest()[:12]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        for name, content in contents.items():
            (draft / name).write_bytes(content)
        draft.chmod(0o755)
        draft.replace(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():  # another tab made it meanwhile
            raise
    return folder


def _safe_name(name: str) -> str:
    """A file's name without folders, that a system takes."""
    last = name.replace("\\", "/").rpartition("/")[2].lstrip(".")
    kept = "".join(sign if sign.isalnum() or sign in " ._-()" else "_" for sign in last)
    stem, dot, ending = kept.rpartition(".")
    short = (
        (stem or "photo").encode()[:_LONGEST_NAME].decode(errors="ignore")
    )  # letters may be cut in the middle
    return f"{short}{dot}{ending[:_LONGEST_ENDING]}"


def begin(source: Source) -> None:
    """Begin to open a source in place of what was on its way."""
    former = state.followed()
    if former is not None:
        former.cancel()
    try:
        state.follow(opening.begin_afresh(source))
    except PairxError as error:
        state.follow(None)
        saying.error(str(error))
