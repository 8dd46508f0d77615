"""What is typed and chosen in the controls of the sidebar and the pages."""

from __future__ import annotations

import streamlit as st


def field(key: str) -> str:
    """What is typed in a field, by its key."""
    return str(st.session_state.get(key) or "").strip()


def choose_queries(which: str) -> None:
    """Choose in the sidebar which photos are queries; before the page is drawn."""
    st.session_state["queries"] = which


def advances() -> bool:
    """Whether a decision brings up what is open next."""
    return bool(st.session_state.get("advance", True))


def others_shown() -> bool:
    """Whether the reviewer wants to see what others decided."""
    return bool(st.session_state.get("others", False))


def take_jump() -> str:
    """What was typed to go to a query; the field is empty afterwards."""
    typed = str(st.session_state.get("jump") or "").strip()
    st.session_state["jump"] = ""
    return typed
