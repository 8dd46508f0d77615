"""The keys, as a table, and the legend."""

from __future__ import annotations

import streamlit as st

ACCEPT, REJECT, NOT_COMPARABLE, UNSURE = "A", "X", "N", "U"  # Streamlit keeps C and R for itself
NONE_OF_THESE = "0"
UNDO = "Z"
PREVIOUS_QUERY, NEXT_QUERY = "Left", "Right"

LEGEND = (  # the viewer's other keys stand on its buttons
    ("1–5", "candidate"),
    (ACCEPT, "accept"),
    (REJECT, "reject"),
    (NOT_COMPARABLE, "not comparable"),
    (UNSURE, "unsure"),
    (NONE_OF_THESE, "none of these"),
    (UNDO, "undo"),
    ("← →", "query"),
    ("↑ ↓", "match"),
    ("T", "convincing"),
    ("S", "misleading"),
    ("Esc", "all"),
    ("+ −", "zoom"),
    ("V", "mirror"),
    ("G", "turn"),
)

_ONE_CANDIDATE = tuple(row for row in LEGEND if row[1] not in ("candidate", "none of these"))
PAIR_LEGEND = tuple(("← →", "pair") if keys == "← →" else (keys, meaning) for keys, meaning in _ONE_CANDIDATE)
SESSION_LEGEND = tuple(
    ("→", "later") if keys == "← →" else (keys, meaning) for keys, meaning in _ONE_CANDIDATE
)


def candidate_key(number: int) -> str:
    """The key that chooses a candidate, by its place from the left: a rank may be missing."""
    return str(number)


def legend(table: tuple[tuple[str, str], ...] = LEGEND) -> None:
    """All keys, always on the screen."""
    keys = "".join(f"<span><kbd>{key}</kbd> {meaning}</span>" for key, meaning in table)
    st.html(f'<div class="px-legend">{keys}</div>')
