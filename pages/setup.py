"""Setup: from photographs to review, step by step, with what was found in each."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import navigation, opening, projects, saying, setup_facts, setup_form, state, visitors
from pages.components.checking import Checking
from pages.components.setup_form import Pressed
from pages.components.words import count
from pages.components.workspace import Source
from pairx_core.errors import PairxError


def setup() -> None:
    """Draw the page."""
    state.keep_reviewer()
    opened = opening.record_opened()
    if opened is not None:  # before anything of it is drawn, and before the long part of opening it
        visitors.everything_or_stop(opened)
    if visitors.is_signed_in() and not visitors.current().is_coordinator:
        saying.info("Coordinators open catalogues here. PAIRX_COORDINATORS says who they are.")
        return
    left, right = st.columns([5, 6], gap="large")
    with left:
        _choose(_source_or_sample())
        with _in_sight():
            _follow()
            _follow_check()
        _where_decisions_go()
    with right:
        _found()


def _source_or_sample() -> Source:
    try:
        return opening.current_source()
    except PairxError:  # said on the right
        return Source("")


def _choose(source: Source) -> None:
    """What to open or check, in one of four ways."""
    entered = setup_form.form(source)
    again = projects.recent(source)
    loose = projects.dropped()
    if entered is not None:
        pressed, wanted = entered
        _take(wanted, pressed)
    elif again is not None or loose is not None:
        _take(again or loose or source, Pressed.OPEN)


def _take(source: Source, pressed: Pressed) -> None:
    if not source.catalogue:
        saying.error("Enter the path of a catalogue: a CSV file or a folder.")
        return
    if projects.is_project(source.catalogue):
        try:
            source = projects.source_of(source.catalogue)
        except PairxError as error:
            saying.error(str(error))
            return
    if pressed is Pressed.CHECK:
        state.check(Checking(source.catalogue, source.form))
    else:
        state.check(None)
        projects.begin(source)


def _in_sight() -> DeltaGenerator:
    """Where progress is seen wherever the page is scrolled to; without any, just the place below the form."""
    checking = state.checked()
    is_waiting = state.followed() is not None or (checking is not None and not checking.finished)
    return st.bottom if is_waiting else st.container()


def _follow() -> None:
    """Wait for what was asked for; a failure leaves the former catalogue open."""
    awaited = state.followed()
    if awaited is None:
        return
    opening.follow(awaited)
    state.follow(None)
    if awaited.was_stopped:
        saying.info("This was stopped. What is done is kept; what was open before stays open.")
        return
    try:
        workspace = awaited.result()
    except PairxError as error:
        saying.error(f"{error} What was open before stays open.")
        return
    opening.adopt(awaited)
    photos = count(len(workspace.index.photos), "photo")
    state.tell(
        "success",
        f"Opened {workspace.catalogue.source}: {photos} ready for review. "
        f"Decisions are written to {workspace.log.location}.",
    )
    st.rerun()


def _follow_check() -> None:
    """Wait for a report; what cannot be read is said."""
    checking = state.checked()
    if checking is None:
        return
    opening.follow(checking)
    if checking.was_stopped:
        state.check(None)
        saying.info("The check was stopped. Nothing is changed.")
        return
    try:
        checking.result()
    except PairxError as error:
        state.check(None)
        saying.error(str(error))


def _where_decisions_go() -> None:
    st.caption(
        "Decisions are written to the decisions file: one row for each, appended and on disk before it is "
        "confirmed. Undo appends a row too; nothing is rewritten. Without a path, the file is "
        "pairx_decisions.csv beside the catalogue. Photos, catalogue and model are only read."
    )


def _found() -> None:
    checking = state.checked()
    if checking is not None and checking.value is not None:
        st.subheader("Checked", anchor=False)
        setup_facts.checked(checking.value, checking.pack)
        st.caption("Nothing of this is open yet: **Open** goes on with it.")
        return
    workspace = opening.workspace_or_error()
    if workspace is None:
        return
    _tell()
    st.subheader("Open now", anchor=False)
    setup_facts.opened(workspace)
    projects.save(workspace)


def _tell() -> None:
    for message in state.take_messages():
        if message.kind == "success":
            saying.success(message.text)
        elif message.kind == "error":
            saying.error(message.text)
        else:
            saying.toast(message.text)


navigation.draw(setup)
