"""Addresses to hand out: a reviewer's way into a session, and the coordinator's way back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from pages.components import state, visitors
from pages.components.navigation import REVIEWER_LINK
from pairx_core.sessions import ExpertSession


def of_reviewer(session: ExpertSession, reviewer: str) -> str:
    """Where a reviewer works; with a sign-in the address alone says nothing, without one it holds their key."""
    if visitors.signing_in():
        return _address("session", {})
    return _address("", {REVIEWER_LINK: session.keys[reviewer]})


def of_coordinator() -> str:
    """Where this coordinator sees everything; only what they came with is in it."""
    return _address("sessions", state.coordinator_query())


def _address(page: str, query: dict[str, str]) -> str:
    here = urlsplit(st.context.url or "")
    folder = here.path.rpartition("/")[0]
    opened = state.opened()
    wanted = query | ({"opened": opened} if opened else {})
    return urlunsplit((here.scheme, here.netloc, f"{folder}/{page}", urlencode(wanted), ""))
