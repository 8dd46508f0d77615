"""Method: how PAIR-X comes to its lines, step by step, on the pair that is open on Review."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components import messages, method_page, navigation, opening, saying, sidebar, state, visitors
from pages.components.explaining import Job
from pages.components.method_making import Making, MethodPair, method_pairs
from pages.components.method_words import made_by
from pages.components.room import Room, enter
from pages.components.words import file_name
from pairx_core.errors import PairxError
from pairx_core.retrieval import Candidate


def method() -> None:
    """Draw the page."""
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    work = sidebar.review_controls(workspace)
    room = enter(work)
    with st.container():
        messages.show(work.record.trouble)
    head = st.empty()
    head.html(_head(""))
    reason = _nothing_to_show(room)
    if room is None or room.chosen is None or reason:
        saying.info(reason)
        st.page_link("pages/review.py", label="Go to Review", icon=":material/compare:")
        return
    pair = _made(room, room.chosen)
    if pair is not None:
        head.html(_head(f"{file_name(room.query)} and {file_name(room.chosen.photo)} · {made_by(pair)}"))
        method_page.show(pair, room, room.chosen)


def _head(pair: str) -> str:
    return (
        '<div class="px-head"><span class="px-title">How the lines come about, step by step</span></div>'
        f'<div class="px-sub">{escape(pair) or "On the pair that is open on Review."}</div>'
    )


def _nothing_to_show(room: Room | None) -> str:
    """Why there is no pair whose steps could be shown; empty: there is one."""
    if room is None:
        return "There are no queries here. Choose “All photos” in the sidebar, or open another catalogue."
    workspace = room.work.workspace
    if workspace.explainer is None:
        return f"This model ranks photos, but its pairs cannot be explained: {workspace.unexplained}"
    if room.chosen is not None:
        return ""
    if len(workspace.index.photos) == 1:
        return "The method explains a pair, and the catalogue has one photo."
    return (
        f"The method explains a pair, and this query has no candidates ({room.work.filters.in_words()}). Switch a "
        "filter off in the sidebar, or go on to another query."
    )


def _made(room: Room, candidate: Candidate) -> MethodPair | None:
    """The steps of the pair, after a progress bar where they have to be made; None: it was said why not."""
    explainer = room.work.workspace.explainer
    if explainer is None:
        return None
    try:
        making = method_pairs().of(Job.of(explainer, room.query, candidate.photo), state.session())
        opening.follow(making)
        if making.was_stopped:
            _offer_to_go_on(making)
            return None
        return making.result()
    except PairxError as error:
        saying.error(f"The steps of this pair cannot be shown. {error}")
        st.page_link("pages/review.py", label="Choose another pair on Review", icon=":material/compare:")
        return None


def _offer_to_go_on(making: Making) -> None:
    saying.info("This was stopped. What was computed is kept.")
    st.button(
        "Go on", icon=":material/play_arrow:", on_click=method_pairs().forget, args=(making,), key="go-on"
    )


navigation.draw(method)
