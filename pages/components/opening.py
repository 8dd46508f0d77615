"""Getting the session's workspace, with a progress bar while it is opened."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import resources, saying, state, visitors
from pages.components.background import Task
from pages.components.shelf import Opening
from pages.components.words import time_left
from pages.components.workspace import Source, Workspace
from pairx_core.errors import PairxError
from pairx_core.settings import Settings

_TICK = 0.15  # seconds between two looks at the progress
_LONG = 1.5  # seconds of waiting after which one may want to stop


def current_source() -> Source:
    """The source that this session has open: the one chosen on Setup, now or before a restart.

    Where there is none, or the environment names another catalogue or model, it is what the settings say.

    Raises:
        SettingsError: an environment variable has a value that cannot be used.
    """
    settings = Settings.from_environment()
    token = state.opened()
    if token is not None:
        chosen = resources.opened_sources(settings.cache).find(token)
        if chosen is not None:
            return chosen
        state.lose_opened()
    if not state.at_start():
        last = _last_opened(settings)
        if last is not None:
            state.resume(last.token)
            return last
        state.stay_at_start()
    return Source.from_settings(settings)


def _last_opened(settings: Settings) -> Source | None:
    """What was opened last on Setup, unless the environment says what to open."""
    if any(os.environ.get(name, "").strip() for name in ("PAIRX_CATALOGUE", "PAIRX_MODEL")):
        return None
    token = resources.last_used(settings.cache).get("opened")
    return resources.opened_sources(settings.cache).find(token) if isinstance(token, str) else None


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
    resources.last_used(opening.cache_dir).put("opened", opening.source.token)
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
        source = current_source()
        with st.container():  # always, so that what follows keeps its place on the page
            if state.has_lost():
                saying.warning(
                    "What this address had open is not known any more; the catalogue "
                    f"{source.catalogue} is open instead."
                )
        opening = begin(source)
        offer = st.empty()  # at once without what was said when it was stopped
        follow(opening)
        if opening.was_stopped:
            with offer.container():
                _offer_to_go_on(opening)
            return None
        return opening.result()
    except PairxError as error:
        saying.error(str(error))
        return None


def tell_of_another() -> None:
    """Say that another catalogue is being opened, where Setup has been left meanwhile, and offer the way back."""
    awaited = state.followed()
    if awaited is None or awaited.was_stopped:
        return
    name = f"**{saying.plain('/'.join(Path(awaited.source.catalogue).parts[-2:]))}**"
    with st.container(key="another"):
        if awaited.error is not None:
            st.warning(f"{name} could not be opened. Setup says why.")
        elif awaited.finished:
            st.success(
                f"{name} is ready. Go to Setup to work with it; this page still shows what was open before."
            )
        else:
            st.info(f"{name} is being opened. Until then this page shows what was open before.")
        st.page_link("pages/setup.py", label="Go to Setup", icon=":material/tune:")


def record_opened() -> Opening | None:
    """What the session opens, once its record of decisions is open or cannot be; None: nothing can be opened.

    What went wrong is told by :func:`workspace_or_error`.
    """
    try:
        opening = begin(current_source())
    except PairxError:
        return None
    slot = st.empty()  # always, so that what follows keeps its place on the page
    while opening.sessions is None and not opening.wait(_TICK):
        slot.progress(opening.fraction, text=_progress_text(opening))
    slot.empty()
    return opening


def follow(task: Task[Any]) -> None:
    """A progress bar until something is done, has failed or was stopped; a button to stop it, where it takes long.

    The work goes on when the page is left or loaded again.
    """
    slot, below = st.empty(), st.empty()  # always, so that what follows keeps its place on the page
    if task.finished:
        return
    begun, is_offered = time.monotonic(), not _may_stop()
    while not task.wait(_TICK):
        slot.progress(task.fraction, text=_progress_text(task))
        if not is_offered and not task.is_stopping and time.monotonic() > begun + _LONG:
            is_offered = True
            below.button("Stop", icon=":material/stop_circle:", on_click=task.cancel, key=f"stop-{id(task)}")
    slot.empty()
    below.empty()


def _may_stop() -> bool:
    """Whether the visitor may stop what others may be waiting for too."""
    return not visitors.signing_in() or (visitors.is_signed_in() and visitors.current().is_coordinator)


def _offer_to_go_on(opening: Opening) -> None:
    kept = f" {opening.done:,} of {opening.total:,} are done and kept." if opening.keeps_what_is_done else ""
    saying.info(f"{opening.stage}: this was stopped.{kept}")
    st.button(
        "Go on", icon=":material/play_arrow:", on_click=resources.shelf().go_on, args=(opening,), key="go-on"
    )


def _progress_text(task: Task[Any]) -> str:
    if task.is_stopping:
        return f"{task.stage}: stopping …"
    if not task.total:
        return f"{task.stage} …"
    left = task.seconds_left
    soon = "" if left is None else f" {time_left(left).capitalize()}."
    return f"{task.stage}: {task.done:,} of {task.total:,}.{soon} {task.note}"
