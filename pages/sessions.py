"""Sessions: where a coordinator makes expert sessions, hands out the links, and reads what came of them."""

from __future__ import annotations

import streamlit as st

from pages.components import (
    browser,
    links,
    messages,
    navigation,
    opening,
    saying,
    session_form,
    session_results,
    state,
    visitors,
)
from pages.components.words import count
from pages.components.workspace import Record, Workspace
from pairx_core.errors import PairxError
from pairx_core.sessions import ExpertSession, progress


def sessions() -> None:
    """Draw the page."""
    state.keep_reviewer()
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    browser.connect()
    try:
        if not visitors.coordinates(workspace):
            saying.info("Coordinators make sessions here. PAIRX_COORDINATORS says who they are.")
            return
        made = workspace.sessions.sessions()
    except PairxError as error:
        saying.error(str(error))
        return
    messages.show()
    _one_of(workspace, made)
    with st.expander("New session", icon=":material/group_add:", expanded=not made):
        session_form.show(workspace, visitors.name())


def _one_of(workspace: Workspace, made: tuple[ExpertSession, ...]) -> None:
    st.subheader("Expert sessions", anchor=False)
    if not made:
        st.caption(
            "In an expert session several reviewers judge the same pairs on their own, so that you see where they "
            "agree, how often they are right on pairs whose answer is known, and what the explanation changes."
        )
        return
    by_id = {session.session_id: session for session in reversed(made)}
    shown = state.shown_session()
    session_id = st.selectbox(
        "Session",
        list(by_id),
        index=list(by_id).index(shown) if shown in by_id else 0,
        format_func=lambda one: _in_short(by_id[one]),
        label_visibility="collapsed",
    )
    session = by_id[session_id]
    state.show_session(session_id)
    record = workspace.decisions()
    if record.trouble is not None:
        saying.error(str(record.trouble))
    _facts(session)
    _reviewers(session, record)
    _open_or_close(workspace, session)
    session_results.show(workspace, session, record)


def _in_short(session: ExpertSession) -> str:
    return f"{session.name} · {count(len(session.pairs), 'pair')} · {'open' if session.is_open else 'closed'}"


def _facts(session: ExpertSession) -> None:
    known = len(session.truth)
    mode = (
        "blind, then reveal"
        if session.is_blind
        else ("open, others' verdicts shown" if session.shows_others else "open")
    )
    st.caption(
        f"Made by {saying.plain(session.coordinator) or 'nobody named'} on {session.made_at:%d %b %Y, %H:%M} UTC · "
        f"{count(len(session.pairs) - known, 'pair')} and {count(known, 'known-answer pair')} · "
        f"{count(session.overlap, 'reviewer')} a pair · {mode} · seed {session.seed} · "
        f"model {saying.plain(session.model)}"
        + (f", layer {saying.plain(session.layer)}" if session.layer else "")
    )


def _reviewers(session: ExpertSession, record: Record) -> None:
    """How far each one is, and their link."""
    for reviewer in session.reviewers:
        so_far = progress(session, reviewer, record.rows)
        name, bar, link = st.columns([2, 3, 6], vertical_alignment="center")
        name.markdown(saying.plain(reviewer))
        bar.progress(so_far.done / max(1, so_far.total), text=f"{so_far.done} of {so_far.total}")
        with link:
            st.code(links.of_reviewer(session, reviewer), language=None)
    if visitors.signing_in():
        return
    st.caption("Each link is a reviewer's own: who has it decides under that name.")
    if session.is_coordinated_with(state.coordinator_keys()):
        st.caption(
            "Your own way back, while a blind session hides everything from others. Keep it to yourself:"
        )
        st.code(links.of_coordinator(), language=None)


def _open_or_close(workspace: Workspace, session: ExpertSession) -> None:
    by = visitors.name() or session.coordinator
    try:
        if session.is_open:
            if st.button(
                "Close the session", icon=":material/lock:", help="No more decisions are taken in it"
            ):
                workspace.sessions.close(session, by=by)
                visitors.note_blind(workspace)
                st.rerun()
        elif st.button("Open it again", icon=":material/lock_open:"):
            workspace.sessions.reopen(session, by=by)
            visitors.note_blind(workspace)
            st.rerun()
    except PairxError as error:
        saying.error(str(error))


navigation.draw(sessions)
