"""The head of the review screen: which query, how it stands, and what made the list of candidates."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components import query_filters
from pages.components.deciding import jump
from pages.components.query_status import QueryStatus
from pages.components.room import Room
from pages.components.words import file_name, status_badge


def show(room: Room) -> None:
    """The query's name and what made its list, in one row."""
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(_title(room))
        st.text_input(
            "Go to query",
            key="jump",
            placeholder="Go to query: number or file",
            label_visibility="collapsed",
            width=215,
            on_change=jump,
            args=(room,),
        )


def _title(room: Room) -> str:
    worklist = room.work.worklist
    number = f"Query {(worklist.position(room.query.id) or 0) + 1} of {len(worklist.queries)}"
    passing = query_filters.in_words(worklist.filters, len(worklist.matching))
    return (
        f'<div class="px-head"><span class="px-title">{number}</span>'
        f'<span class="px-file">{escape(file_name(room.query))}</span>'
        f"{status_badge(worklist.status(room.query))}{_nothing_left(room)}"
        f'<span class="px-sub">{passing}</span></div>'
        f'<div class="px-sub">{escape(_made_by(room))}</div>'
    )


def _nothing_left(room: Room) -> str:
    worklist = room.work.worklist
    if (
        not worklist.done_count
        or worklist.status(room.query) is QueryStatus.OPEN
        or worklist.next_open(room.query.id) is not None
    ):
        return ""
    words = (
        "all queries done" if len(worklist.matching) == len(worklist.queries) else "none left in this list"
    )
    return f'<span class="px-badge px-accept">✓ {words}</span>'


def _made_by(room: Room) -> str:
    """Which model, layer and filters made this list."""
    workspace = room.work.workspace
    explained = ""
    if workspace.explainer is not None:
        beyond = "".join(f", {words}" for words in workspace.explainer.departures)
        explained = f"layer {workspace.explainer.layer}{beyond} · "
    ranked = f"ranked by {workspace.ranked_by} · " if workspace.ranked_by else ""
    return f"{ranked}Model {workspace.model.name} · {explained}filters: {room.work.filters.in_words()}"
