"""Session: a reviewer's queue in an expert session, one pair at a time, first the bare photos where it is blind."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from pages.components import (
    browser,
    facts,
    messages,
    navigation,
    opening,
    pair_viewer,
    saying,
    session_bar,
    state,
    styles,
    visitors,
)
from pages.components.session_room import SessionRoom, enter, missing, read_progress
from pages.components.words import DECISIONS, count
from pages.components.workspace import Workspace
from pairx_core.errors import PairxError
from pairx_core.sessions import ExpertSession, Progress, Stage

_AROUND = 284  # pixels: no bar at the top, no strip of candidates
_ASKED = {
    Stage.BLIND: ("Bare photos", "Is this the same individual? Decide by the photos alone."),
    Stage.REVEALED: ("Explanation", "Keep your verdict, or change it."),
    Stage.OPEN: ("Open", "Is this the same individual?"),
}


def session() -> None:
    """Draw the page."""
    state.count_page()
    workspace = opening.workspace_or_stop()
    try:
        found = _whose(workspace)
    except PairxError as error:
        saying.error(str(error))
        return
    browser.connect()
    told = st.container()  # a message must not move the viewer, which would begin anew
    if found is None:
        return
    _work(workspace, *found, told)


def _whose(workspace: Workspace) -> tuple[ExpertSession, str] | None:
    """The session and the reviewer: from the link, or from the sign-in. None: it was said why there is none."""
    key = state.reviewer_key()
    if visitors.signing_in():
        return _of_signed_in(workspace, visitors.signed_name())
    found = workspace.sessions.of_link(key) if key else None
    if found is None:
        saying.info(
            "This link belongs to no session here. Ask the coordinator for yours."
            if key
            else "Reviewers of an expert session come here by the link that the coordinator gave them."
        )
    return found


def _of_signed_in(workspace: Workspace, name: str) -> tuple[ExpertSession, str] | None:
    mine = [
        (one, reviewer)
        for one in workspace.sessions.sessions()
        for reviewer in one.reviewers
        if one.is_open and reviewer.casefold() == name.casefold()
    ]
    if not mine:
        saying.info(f"{name} reviews in no session that is open now.")
        return None
    if len(mine) == 1:
        return mine[0]
    with st.sidebar:
        return st.selectbox("Session", mine, format_func=lambda one: one[0].name, key="which_session")


def _work(workspace: Workspace, session: ExpertSession, reviewer: str, told: Any) -> None:
    gone = missing(workspace, session)
    if gone:
        saying.error(
            f"{count(gone, 'pair')} of this session {'has' if gone == 1 else 'have'} photos that are not in the "
            "catalogue that is open. Ask the coordinator for a new link."
        )
        return
    so_far, record = read_progress(workspace, session, reviewer)
    with told:
        messages.show(record.trouble)
    _sidebar(so_far)
    if not session.is_open:
        saying.info(f"The session “{session.name}” is closed. Thank you: {_said(so_far)}.")
        return
    room = enter(workspace, so_far, record)
    if room is None:
        saying.success(f"All done: {_said(so_far)}. Thank you!")
    else:
        state.appear(room.pair)
        _pair(room)
    session_bar.show(workspace, so_far, room)


def _pair(room: SessionRoom) -> None:
    styles.around_pair(_AROUND)
    chosen = room.candidates[0]
    head, pair = st.container(), st.container()
    with pair:
        pair_viewer.show(room, chosen)
        if room.is_veiled:
            st.html(
                '<div class="px-facts px-sub">Who the animals are stays hidden until the session is closed.</div>'
            )
        else:
            facts.show(room, chosen)
    with head:
        st.html(_title(room))


def _title(room: SessionRoom) -> str:
    stage, question = _ASKED[room.asked.stage]
    said = room.blind_verdict if room.asked.stage is Stage.REVEALED else None
    before = f" You said: <b>{DECISIONS[said.decision][1]}</b>." if said else ""
    return (
        f'<div class="px-head"><span class="px-title">Pair {room.asked.place + 1} of {room.so_far.total}</span>'
        f'<span class="px-badge px-none">{stage}</span><span>{question}{before}</span></div>'
        f'<div class="px-sub">Session {escape(room.session.name)}</div>'
    )


def _sidebar(so_far: Progress) -> None:
    with st.sidebar:
        st.caption("Reviewer")
        st.markdown(f"**{saying.plain(so_far.reviewer)}**")
        st.progress(
            so_far.done / max(1, so_far.total), text=f"{so_far.done} of {count(so_far.total, 'pair')} done"
        )
        if so_far.session.is_blind:
            st.caption(
                "Say first what the bare photos tell you. Then you see the explanation, and keep your verdict or "
                "change it; both are recorded. You can stop at any time and come back by the same link."
            )


def _said(so_far: Progress) -> str:
    return f"you judged {so_far.done} of {count(so_far.total, 'pair')}"


navigation.draw(session)
