"""Review: one pair at a time, with its explanation."""

from __future__ import annotations

import streamlit as st

from pages.components import (
    browser,
    decision_bar,
    documents,
    header,
    messages,
    navigation,
    opening,
    pair_viewer,
    sidebar,
    state,
    strip,
    trust_caption,
    visitors,
)
from pages.components.room import Room, Work, enter

_AHEAD = 24  # queries whose candidates are looked for meanwhile


def review() -> None:
    """Draw the page."""
    state.count_page()
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    work = sidebar.review_controls(workspace)
    room = enter(work)
    browser.connect()
    with st.container():  # a message must not move the viewer, which would begin anew
        messages.show(work.record.trouble)
    if room is None:
        st.info(_no_queries(work))
        return
    head, cards, pair = st.container(), st.container(), st.container()
    if room.chosen is None:
        with pair:
            _no_candidates(room)
    else:
        with pair:  # first, because it is what the reviewer waits for
            pair_viewer.show(room, room.chosen)
            trust_caption.show_facts(room, room.chosen)
    decision_bar.show(room)
    if room.chosen is not None:
        documents.evidence_card(room, room.chosen)
    with head:
        header.show(room)
    if room.chosen is not None:
        with cards:
            strip.show(room)
    work.workspace.prepare_ahead(work.worklist.upcoming(room.query.id, _AHEAD), work.filters)


def _no_queries(work: Work) -> str:
    if not work.workspace.roster.has_unknown:
        return (
            "Every photo of this catalogue has a name, so nobody is to be identified. Choose “All photos” in the "
            "sidebar to review those with a name."
        )
    return "There are no queries here. Choose “All photos” in the sidebar, or open another catalogue."


def _no_candidates(room: Room) -> None:
    if len(room.work.workspace.index.photos) == 1:
        st.info(
            "The catalogue has one photo: there is nothing to compare it with. Open another one on Setup."
        )
    elif room.work.workspace.pack is not None:
        st.info(
            "The field pack has no candidates for this query under these filters "
            f"({room.work.filters.in_words()}). Go on to the next query."
        )
    else:
        st.info(
            "No photo passes the filters for this query "
            f"({room.work.filters.in_words()}). Switch one off in the sidebar, or go on to the next query."
        )
    pair_viewer.show_query_alone(room)


navigation.draw(review)
