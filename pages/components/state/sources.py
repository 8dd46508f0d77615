"""Which photographs a reviewer has open, and what they are about to open on the Setup page."""

from __future__ import annotations

import streamlit as st

from pages.components.checking import Checking
from pages.components.shelf import Opening
from pages.components.state.leaving import forget_export


def opened() -> str | None:
    """The token of the source that is open; None: the one from the settings."""
    token = st.session_state.get("opened") or st.query_params.get("opened")
    if token:
        st.session_state["opened"] = token
        st.query_params["opened"] = token
    return token


def open_source(token: str) -> None:
    """Another source from now on, beginning where its own decisions end."""
    resume(token)
    forget_export()
    st.session_state.pop("lost", None)
    for name in ("query", "candidate"):
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


def resume(token: str) -> None:
    """Stay with a source, whatever other tabs open meanwhile."""
    st.session_state["opened"] = token
    st.query_params["opened"] = token
    st.session_state.pop("at_start", None)


def stay_at_start() -> None:
    """Stay with what the settings say, whatever other tabs open meanwhile."""
    st.session_state["at_start"] = True


def at_start() -> bool:
    """Whether the session works on what the settings say."""
    return bool(st.session_state.get("at_start", False))


def lose_opened() -> None:
    """What the address had open is not known: forget it, and remember that this is so."""
    st.session_state.pop("opened", None)
    st.query_params.pop("opened", None)
    st.session_state["lost"] = True


def has_lost() -> bool:
    """Whether the reviewer should know that what they had open is not known any more."""
    return bool(st.session_state.get("lost", False))


def follow(opening: Opening | None) -> None:
    """Remember which opening the Setup page is waiting for."""
    st.session_state["following"] = opening


def followed() -> Opening | None:
    """The opening that the Setup page is waiting for."""
    opening: Opening | None = st.session_state.get("following")
    return opening


def check(checking: Checking | None) -> None:
    """Remember which catalogue is looked at on the Setup page before it is opened; None: none any more."""
    former = checked()
    if former is not None and former is not checking:
        former.cancel()
    st.session_state["checking"] = checking


def checked() -> Checking | None:
    """What is looked at on the Setup page, or was, before it is opened."""
    checking: Checking | None = st.session_state.get("checking")
    return checking
