"""Who is at the screen: the reviewer's name, and the keys of the links that they came by."""

from __future__ import annotations

import streamlit as st

from pages.components import logins, resources
from pages.components.navigation import REVIEWER_LINK
from pairx_core.decisions.checking import tidy_name
from pairx_core.errors import SettingsError
from pairx_core.settings import Settings

_COORDINATE = "coordinate"  # in an address: the keys of the coordinator's link
_BETWEEN_KEYS = "~"


def default_reviewer() -> str:
    """The field's own value; the name to begin with is entered in it, so that the address carries it too."""
    if "reviewer" in st.session_state:
        st.session_state["reviewed_as"] = st.session_state["reviewer"]
    elif "reviewer" not in st.query_params:
        known = st.session_state.get("reviewed_as")
        name = _last_reviewer() if known is None else known
        st.session_state["reviewer"] = name
        if name:
            st.query_params["reviewer"] = name
    return ""


def typed_reviewer() -> str:
    """The name that was typed on a page with a field for it, or that the address gives."""
    for place, name in (
        (st.session_state, "reviewer"),
        (st.query_params, "reviewer"),
        (st.session_state, "reviewed_as"),
    ):
        if place.get(name):
            return tidy_name(str(place[name]))
    return ""


def coordinator_keys() -> frozenset[str]:
    """The keys of the coordinator's link that this visit began with, and of the sessions made in it."""
    return frozenset(_kept_key(_COORDINATE).split(_BETWEEN_KEYS)) - {""}


def coordinator_query() -> dict[str, str]:
    """The part of an address that brings the coordinator's keys along."""
    kept = _kept_key(_COORDINATE)
    return {_COORDINATE: kept} if kept else {}


def keep_coordinator_key(key: str) -> None:
    """From now on the visitor is known as the coordinator of a session, after a reload as well."""
    keys = _BETWEEN_KEYS.join(sorted({*coordinator_keys(), key}))
    st.session_state[_COORDINATE] = keys
    st.query_params[_COORDINATE] = keys


def reviewer_key() -> str:
    """The key of the reviewer's link that this visit began with; empty: it began with none."""
    return _kept_key(REVIEWER_LINK)


def remember_reviewer() -> None:
    """Have the reviewer's name come back at the next start, on this computer."""
    name = str(st.session_state.get("reviewer") or "").strip()
    if name:
        resources.last_used(Settings.from_environment().cache).put("reviewer", name)


def keep_reviewer() -> None:
    """Keep the name that the address gives, on a page without a field for it: the next page's address is new."""
    if st.query_params.get("reviewer"):
        st.session_state["reviewed_as"] = st.query_params["reviewer"]


def _kept_key(name: str) -> str:
    key = str(st.query_params.get(name) or st.session_state.get(name) or "")
    if key:
        st.session_state[name] = key
        if st.query_params.get(name) != key:
            st.query_params[name] = key
    return key


def _last_reviewer() -> str:
    """Who decided last, else the person logged in on this computer; empty where that is nobody in particular."""
    try:
        name = resources.last_used(Settings.from_environment().cache).get("reviewer")
    except SettingsError:  # said where the catalogue is opened
        name = None
    return name if isinstance(name, str) and name.strip() else logins.of_person()
