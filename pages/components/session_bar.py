"""The bar at the bottom of a session's room: what the reviewer says, and the keys."""

from __future__ import annotations

import streamlit as st

from pages.components import decision_bar, shortcuts
from pages.components.session_deciding import decide, later, undo
from pages.components.session_room import SessionRoom
from pages.components.workspace import Workspace
from pairx_core.sessions import Progress, Stage


def show(workspace: Workspace, so_far: Progress, room: SessionRoom | None) -> None:
    """Everything that belongs to deciding; no room: only what takes the last verdict back."""
    with st.bottom:
        if room is not None:
            decision_bar.entries(room.pair)
        with st.container(horizontal=True, gap="xsmall", horizontal_alignment="distribute", key="buttons"):
            if room is not None:
                _verdicts(room)
            _undo(workspace, so_far)
            if room is not None:
                _later(room)
        shortcuts.legend(shortcuts.SESSION_LEGEND)


def _verdicts(room: SessionRoom) -> None:
    said = room.blind_verdict if room.asked.stage is Stage.REVEALED else None
    for label, verdict, key in decision_bar.BUTTONS:
        is_kept = said is not None and said.decision == verdict
        st.button(
            f"Keep: {label}" if is_kept else label,
            key=f"{verdict}:{room.pair}-{room.asked.stage.value}",
            type="primary" if is_kept else "secondary",
            shortcut=key,
            on_click=decide,
            args=(room, verdict),
        )


def _undo(workspace: Workspace, so_far: Progress) -> None:
    last = so_far.last_undoable()
    st.button(
        "Undo",
        key=f"undo:{last.decision_id if last else ''}",
        shortcut=shortcuts.UNDO,
        disabled=last is None,
        help="Takes back your last final verdict. A verdict on bare photos stays as it is.",
        on_click=undo,
        args=(workspace, so_far, last),
    )


def _later(room: SessionRoom) -> None:
    is_revealed = room.asked.stage is Stage.REVEALED
    st.button(
        "Later",
        key=f"later:{room.pair}",
        shortcut=shortcuts.NEXT_QUERY,
        disabled=is_revealed,
        help="Finish this pair first: its explanation is on the screen"
        if is_revealed
        else "Come back at the end",
        on_click=later,
        args=(room,),
    )
