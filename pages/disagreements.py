"""Disagreements: pairs on which reviewers differ, with both arguments, for an adjudicator to settle."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pages.components import (
    adjudicating,
    browser,
    decision_bar,
    facts,
    messages,
    navigation,
    opening,
    pair_viewer,
    saying,
    shortcuts,
    state,
    styles,
    visitors,
)
from pages.components.adjudicating import DisputeRoom
from pages.components.evidence import in_words
from pages.components.words import count, file_name, verdict_badge
from pages.components.workspace import Record, Workspace
from pairx_core.decisions.adjudication import Dispute
from pairx_core.errors import PairxError

_ALL = "All decisions"


def disagreements() -> None:
    """Draw the page."""
    state.count_page()
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    try:
        if not visitors.coordinates(workspace):
            saying.info("Coordinators settle disagreements here. PAIRX_COORDINATORS says who they are.")
            return
        names = [session.name for session in workspace.sessions.sessions()]
    except PairxError as error:
        saying.error(str(error))
        return
    browser.connect()
    record = workspace.decisions()
    with st.container():  # a message must not move the viewer, which would begin anew
        messages.show(record.trouble)
    session, reviewer = _sidebar(names)
    found = adjudicating.of_record(workspace, record, session)
    if not found:
        saying.info("No pair has different verdicts." if not session else "Nobody differs in this session.")
        return
    _dispute(workspace, record, found, session, reviewer)


def _sidebar(names: list[str]) -> tuple[str, str]:
    with st.sidebar:
        reviewer = visitors.signed_in() if visitors.signing_in() else visitors.type_name("Adjudicator")
        shown = state.shown_dispute_session()
        options = [_ALL, *names]
        chosen = st.selectbox("Of", options, index=options.index(shown) if shown in names else 0)
    session = "" if chosen == _ALL else chosen
    state.show_disputes_of(session)
    return session, reviewer


_AROUND = 372  # pixels: no strip of candidates, but what the reviewers say


def _dispute(
    workspace: Workspace, record: Record, found: Sequence[Dispute], session: str, reviewer: str
) -> None:
    left = sum(one.settled is None for one in found)
    with st.sidebar:
        st.progress((len(found) - left) / len(found), text=f"{len(found) - left} of {len(found)} settled")
    at = min(state.dispute_place(), len(found) - 1)
    room = adjudicating.enter(workspace, record, reviewer, session, found[at])
    state.appear(room.pair)
    styles.around_pair(_AROUND)
    head, pair = st.container(), st.container()
    with pair:
        pair_viewer.show(room, room.candidates[0])
        facts.show(room, room.candidates[0])
    _arguments(room)
    _bar(room, at, len(found))
    with head:
        st.html(
            f'<div class="px-head"><span class="px-title">Disagreement {at + 1} of {len(found)}</span>'
            f'<span class="px-file">{escape(file_name(room.query))}</span>{_standing(room)}'
            f'<span class="px-sub">{count(left, "pair")} to settle</span></div>'
        )


def _standing(room: DisputeRoom) -> str:
    settled = room.settled
    if settled is None:
        return '<span class="px-badge px-open">○ to settle</span>'
    return (
        f"{verdict_badge(settled.decision)}<span class='px-sub'>settled by {escape(settled.reviewer)}</span>"
    )


def _arguments(room: DisputeRoom) -> None:
    """What each reviewer said, and why."""
    cards = []
    for one in room.said:
        why = [escape(one.note) if one.note else '<span class="px-missing">no note</span>']
        why += [escape(one.confidence.replace("_", " "))] if one.confidence else []
        why += [escape(", ".join(one.tags))] if one.tags else []
        why += [escape(in_words(room, one.decision_id))]
        text = " · ".join(part for part in why if part)
        cards.append(f"<div><b>{escape(one.reviewer)}</b> {verdict_badge(one.decision)} {text}</div>")
    st.html(f'<div class="px-arguments">{"".join(cards)}</div>')


def _bar(room: DisputeRoom, at: int, total: int) -> None:
    with st.bottom:
        decision_bar.entries(room.pair)
        with st.container(horizontal=True, gap="xsmall", horizontal_alignment="distribute", key="buttons"):
            _step("Previous", "previous", shortcuts.PREVIOUS_QUERY, at - 1, disabled=at == 0)
            for label, verdict, key in decision_bar.BUTTONS:
                st.button(
                    label,
                    key=f"{verdict}:{room.pair}",
                    shortcut=key,
                    on_click=adjudicating.settle,
                    args=(room, verdict),
                )
            own = room.settled is not None and room.settled.reviewer == room.work.reviewer
            st.button(
                "Undo",
                key=f"undo:{room.settled.decision_id if room.settled else ''}",
                shortcut=shortcuts.UNDO,
                disabled=not own,
                on_click=adjudicating.undo,
                args=(room,),
            )
            _step("Next", "next", shortcuts.NEXT_QUERY, at + 1, disabled=at + 1 == total)
        shortcuts.legend(shortcuts.PAIR_LEGEND)


def _step(label: str, key: str, shortcut: str, to: int, *, disabled: bool) -> None:
    st.button(
        label, key=key, shortcut=shortcut, disabled=disabled, on_click=state.put_dispute_place, args=(to,)
    )


navigation.draw(disagreements)
