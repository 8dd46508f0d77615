"""The head of the review screen: which query, how it stands, and what made the list of candidates."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components.room import Room
from pages.components.words import file_name, status_badge
from pages.components.worklist import QueryStatus


def show(room: Room) -> None:
    """The query's name and what made its list, in one row."""
    st.html(_title(room))


def _title(room: Room) -> str:
    work = room.work
    at = work.worklist.position(room.query.id)
    number = f"Query {(at or 0) + 1} of {len(work.worklist.queries)}"
    return (
        f'<div class="px-head"><span class="px-title">{number}</span>'
        f'<span class="px-file">{escape(file_name(room.query))}</span>'
        f"{status_badge(work.worklist.status(room.query))}{_nothing_left(room)}</div>"
        f'<div class="px-sub">{escape(_made_by(room))}</div>'
    )


def _nothing_left(room: Room) -> str:
    worklist = room.work.worklist
    if worklist.status(room.query) is QueryStatus.OPEN or worklist.next_open(room.query.id) is not None:
        return ""
    return '<span class="px-badge px-accept">✓ all queries done</span>'


def _made_by(room: Room) -> str:
    """Which model, layer and filters made this list."""
    workspace = room.work.workspace
    explained = ""
    if workspace.explainer is not None:
        beyond = "".join(f", {words}" for words in workspace.explainer.departures)
        explained = f"layer {workspace.explainer.layer}{beyond} · "
    return f"Model {workspace.model.name} · {explained}filters: {room.work.filters.in_words()}"
