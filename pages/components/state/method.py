"""What a session holds for the Method page: the step, the chosen cell, and the fields that show them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pairx_core.explain.steps import Cell, Side

VIEWER = "cell_viewer"  # key of the viewer, which tells which cell is chosen
STEP, LINES, LIKENESS = "step", "method_lines", "method_likeness"  # keys of fields
PHOTO, COLUMN, ROW, MATCH = "method_photo", "method_column", "method_row", "method_match"
_CHOSEN = "method_cell"

Place = tuple[Side, Cell]


def key_of_shown(pair: str) -> str:
    """The key of the field that says which channel is shown: each pair has channels of its own to offer."""
    return f"method_shown:{pair[:16]}"


def keep_lines_within(most: int) -> None:
    """A pair has fewer matches than lines were wanted on the one before."""
    if st.session_state.get(LINES, 0) > most:
        st.session_state[LINES] = most


def chosen(pair: str) -> Place | None:
    """The cell that was chosen on a pair; None: none yet."""
    of_pair, side, cell = st.session_state.get(_CHOSEN, ("", "query", (0, 0)))
    return (side, cell) if of_pair == pair else None


def choose(pair: str, side: Side, cell: Cell) -> None:
    """Choose a cell."""
    st.session_state[_CHOSEN] = (pair, side, cell)


def take_told() -> None:
    """The viewer tells that a cell was chosen."""
    told = st.session_state[VIEWER].get("cell")
    try:
        pair, side = str(told["pair"]), told["side"]
        cell = int(told["column"]), int(told["row"])
    except (TypeError, KeyError, ValueError):
        return
    if side in ("query", "candidate"):
        choose(pair, side, cell)


def fill_fields(place: Place, match: int | None) -> None:
    """Have the fields show what is chosen, whoever chose it; before they are drawn.

    Args:
        place: the cell, counted from 0; the fields count from 1.
        match: the match it belongs to, counted from 0; None: to none.
    """
    side, (column, row) = place
    st.session_state[PHOTO] = side
    st.session_state[COLUMN], st.session_state[ROW] = column + 1, row + 1
    st.session_state[MATCH] = None if match is None else match + 1


def typed_place() -> Place:
    """The cell that the fields name."""
    side: Side = "candidate" if st.session_state.get(PHOTO) == "candidate" else "query"
    return side, (int(_typed(COLUMN) or 1) - 1, int(_typed(ROW) or 1) - 1)


def typed_match() -> int | None:
    """The match that its field names, counted from 0; None: none."""
    number = _typed(MATCH)
    return None if number is None else int(number) - 1


def _typed(key: str) -> Any:
    return st.session_state.get(key)
