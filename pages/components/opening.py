"""Getting the session's workspace, with a progress bar while it is opened."""

from __future__ import annotations

import streamlit as st

from pages.components import resources, state
from pages.components.workspace import Opening, Source, Workspace
from pairx_core.errors import PairxError
from pairx_core.settings import Settings

_TICK = 0.15  # seconds between two looks at the progress


def current_source() -> Source:
    """The source that this session has open: the one chosen on Setup, else what the settings say.

    Raises:
        SettingsError: an environment variable has a value that cannot be used.
    """
    settings = Settings.from_environment()
    token = state.opened()
    chosen = None if token is None else resources.opened_sources(settings.cache).find(token)
    return chosen or Source.from_settings(settings)


def begin(source: Source) -> Opening:
    """Begin to open a source, or join those who wait for it already."""
    return resources.shelf().open(source, Settings.from_environment().cache)


def begin_afresh(source: Source) -> Opening:
    """Open a source again from the beginning, whatever is open already."""
    return Opening(source, Settings.from_environment().cache)


def adopt(opening: Opening) -> None:
    """Make what was opened the session's own, now and after a reload."""
    resources.shelf().put(opening)
    resources.opened_sources(opening.cache_dir).remember(opening.source)
    state.open_source(opening.source.token)


def workspace_or_stop() -> Workspace:
    """The session's workspace; until it is there a progress bar, or what went wrong, and no more page."""
    workspace = workspace_or_error()
    if workspace is None:
        st.page_link("pages/setup.py", label="Open another catalogue or model", icon=":material/folder_open:")
        st.stop()
    return workspace


def workspace_or_error() -> Workspace | None:
    """The session's workspace, after a progress bar where it has to be opened; None: an error was shown."""
    try:
        opening = begin(current_source())
        follow(opening)
        return result(opening)
    except PairxError as error:
        st.error(str(error))
        return None


def follow(opening: Opening) -> None:
    """A progress bar until a source is open or has failed."""
    if opening.finished:
        return
    slot = st.empty()
    while not opening.wait(_TICK):
        slot.progress(opening.fraction, text=_progress_text(opening))
    slot.empty()


def result(opening: Opening) -> Workspace:
    """The workspace of an opening that is finished.

    Raises:
        PairxError: it failed, for a reason that the reviewer can act on.
    """
    if opening.workspace is None:
        raise opening.error or RuntimeError("opening ended without a result")
    return opening.workspace


def _progress_text(opening: Opening) -> str:
    if not opening.total:
        return f"{opening.stage} …"
    return (
        f"{opening.stage}: {opening.done:,} of {opening.total:,}. "
        "This is done once; photos that were embedded before are not embedded again."
    )
