"""Which pages there are for this visitor.

Imported before torch is, so that the first page can say that it is starting: it imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import streamlit as st

_HAS_BEGUN = ContextVar("has_begun", default=False)  # whether the entry has run in this visit
_ICON = Path(__file__).with_name("icon.svg")
REVIEWER_LINK = "review"  # what holds the key in the address of a reviewer's link


def page() -> Any:
    """The page that the address asks for, with the others in the bar at the top where there are any.

    Who comes by a reviewer's link has that session's page alone. What a page may show is its own to decide: an
    address can be typed.
    """
    _HAS_BEGUN.set(True)
    session = _page("session", "Session", "groups", is_visible=False)
    if st.query_params.get(REVIEWER_LINK):
        return st.navigation([session], position="hidden")
    position = "hidden" if must_sign_in() else "top"
    return st.navigation(
        [
            st.Page("pages/review.py", title="Review", icon=":material/compare:", default=True),
            _page("queries", "Queries", "grid_view"),
            _page("decisions", "Decisions", "fact_check"),
            _page("sessions", "Sessions", "groups"),
            _page("trust", "Trust", "verified"),
            _page("method", "Method", "account_tree"),
            _page("disagreements", "Disagreements", "balance", is_visible=False),
            _page("showcase", "Showcase", "slideshow"),
            _page("setup", "Setup", "tune"),
            _page("story", "Story", "movie_edit", is_visible=False),
            session,
        ],
        position=position,
    )


def draw(page_function: Callable[[], None]) -> None:
    """Draw a page, after the entry; or what comes first, which is to sign in.

    Streamlit runs a page's file without the entry when an address leads there before anything else was opened since
    the start: it takes the folder for pages of its older kind, until navigation is asked for once.
    """
    if not _HAS_BEGUN.get():
        st.set_page_config(
            page_icon=str(_ICON)
        )  # else the browser fetches the page's icon from a server elsewhere
        page()
        st.rerun()
    if must_sign_in():
        _sign_in()
    else:
        page_function()


def _sign_in() -> None:
    st.title("PAIR-X Review", anchor=False)
    st.write("Sign in to review. Each decision carries the name you sign in with.")
    st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)


def _page(name: str, title: str, icon: str, *, is_visible: bool = True) -> Any:
    visibility = "visible" if is_visible else "hidden"
    return st.Page(f"pages/{name}.py", title=title, icon=f":material/{icon}:", visibility=visibility)


def must_sign_in() -> bool:
    """Whether a sign-in is configured and this visitor has not signed in."""
    return "is_logged_in" in st.user and not st.user["is_logged_in"]
