"""The head of the review screen: which query, how it stands, and what made the list of candidates."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components import shortcuts, state
from pages.components.room import Room
from pages.components.words import file_name, status_badge
from pages.components.worklist import QueryStatus

_LAYERS = (
    ("lines", "Lines", shortcuts.LINES),
    ("heat_map", "Heat map", shortcuts.HEAT_MAP),
    ("color_maps", "Color maps", shortcuts.COLOR_MAPS),
)


def show(room: Room) -> None:
    """The query's name and the switches of the layers, in one row."""
    with st.container(key="header"):
        title, switches = st.columns([6, 5], vertical_alignment="center", gap="xsmall")
        title.html(_title(room))
        with switches, st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", wrap=False):
            _layer_switches(disabled=room.work.workspace.explainer is None)


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


def _layer_switches(*, disabled: bool) -> None:
    shown = state.layers()
    for name, label, key in _LAYERS:
        st.button(
            label,
            key=f"layer-{name}",
            type="primary" if name in shown else "secondary",
            shortcut=key,
            disabled=disabled,
            on_click=state.toggle_layer,
            args=(name,),
        )
    st.button(
        "Bare photos",
        key="layer-bare",
        type="primary" if not shown else "secondary",
        shortcut=shortcuts.BARE_PHOTOS,
        disabled=disabled,
        on_click=state.toggle_bare,
    )
