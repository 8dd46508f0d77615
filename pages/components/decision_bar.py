"""The bar at the bottom: what the reviewer says about the pair, the buttons, and the legend of the keys."""

from __future__ import annotations

import streamlit as st

from pages.components import shortcuts, state
from pages.components.deciding import decide, none_of_these, open_candidates, step, undo
from pages.components.room import Room
from pages.components.words import SCENERY_TAG
from pairx_core.decisions import Verdict

CONFIDENCE = {
    "guessing": "guessing",
    "not_sure": "not sure",
    "pretty_sure": "pretty sure",
    "absolutely_sure": "absolutely sure",
}
TAGS = (SCENERY_TAG, "photobomb", "poor photo", "occluded", "injury")
BUTTONS: tuple[tuple[str, Verdict, str], ...] = (
    ("Accept", "accept", shortcuts.ACCEPT),
    ("Reject", "reject", shortcuts.REJECT),
    ("Not comparable", "not_comparable", shortcuts.NOT_COMPARABLE),
    ("Unsure", "unsure", shortcuts.UNSURE),
)


def show(room: Room) -> None:
    """Everything that belongs to deciding, always on the screen."""
    with st.bottom:
        if room.chosen is not None:
            entries(room.pair)
        with st.container(horizontal=True, gap="xsmall", horizontal_alignment="distribute", key="buttons"):
            _buttons(room)
        shortcuts.legend()
    if room.chosen is not None:
        state.appear(room.pair)


def entries(pair: str) -> None:
    """What can be said beside a decision: note, confidence and tags."""
    note, confidence, tags = st.columns([6, 2.2, 3], gap="xsmall")
    note.text_input(
        "Note",
        key=f"note:{pair}",
        placeholder="Note on this pair",
        label_visibility="collapsed",
        max_chars=2000,
        persist_state="session",
    )
    confidence.selectbox(
        "Confidence",
        list(CONFIDENCE),
        index=None,
        format_func=CONFIDENCE.__getitem__,
        key=f"confidence:{pair}",
        placeholder="Confidence",
        label_visibility="collapsed",
        persist_state="session",
    )
    tags.multiselect(
        "Tags",
        TAGS,
        key=f"tags:{pair}",
        placeholder="Tags",
        label_visibility="collapsed",
        accept_new_options=True,
        persist_state="session",
    )


def _buttons(room: Room) -> None:
    st.button(
        "Previous query", key="previous", shortcut=shortcuts.PREVIOUS_QUERY, on_click=step, args=(room, -1)
    )
    for label, decision, key in BUTTONS:
        st.button(
            label,
            key=f"{decision}:{room.pair}",
            shortcut=key,
            disabled=room.chosen is None,
            on_click=decide,
            args=(room, room.chosen, decision),
        )
    st.button(
        "None of these",
        key=f"none:{room.pair}",
        shortcut=shortcuts.NONE_OF_THESE,
        disabled=not open_candidates(room),
        help="Reject all candidates of this query that are still open",
        on_click=none_of_these,
        args=(room,),
    )
    work = room.work
    last = work.last_undoable  # what was said in a session stays
    st.button(
        "Undo",
        key=f"undo:{last.decision_id if last else ''}",  # so that a second click cannot mean the one before
        shortcut=shortcuts.UNDO,
        disabled=last is None,
        on_click=undo,
        args=(work, last),
    )
    st.button("Next query", key="next", shortcut=shortcuts.NEXT_QUERY, on_click=step, args=(room, 1))
