"""Who is at the screen, and what a blind session keeps from them. Every page that shows who is who asks here first."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components import resources, saying, state
from pages.components.shelf import Opening
from pages.components.workspace import Workspace
from pairx_core.decisions.checking import tidy_name
from pairx_core.errors import PairxError, SettingsError
from pairx_core.sessions import ExpertSession, SessionBook, Visitor, hidden_by, may_coordinate
from pairx_core.settings import Settings


def signing_in() -> bool:
    """Whether visitors sign in here: an ``[auth]`` section in Streamlit's secrets configures it."""
    return "is_logged_in" in st.user


def is_signed_in() -> bool:
    """Whether this visitor did."""
    return signing_in() and bool(st.user["is_logged_in"])


def signed_in() -> str:
    """Show who signed in, and the way out; the name that decisions carry."""
    name = signed_name()
    st.markdown(f":material/person: **{saying.plain(name)}**", help="Each decision carries this name.")
    st.button("Sign out", on_click=st.logout, key="sign_out")
    return name


def signed_name() -> str:
    """The name that decisions of a visitor who signed in carry: the address, or else the name.

    An address that the sign-in's provider has not verified could be anybody's, so it is not used.
    """
    person = st.user.to_dict()
    verified = person.get("email") if person.get("email_verified", True) not in (False, "false") else None
    return tidy_name(str(verified or person.get("name") or person.get("sub") or ""))


def type_name(label: str, **more: Any) -> str:
    """A field for the name of who is at the screen; the name as the decisions file has it.

    Args:
        label: of the field, such as "Reviewer".
        more: of the field, such as its help.
    """
    typed = st.text_input(
        label,
        value=state.default_reviewer(),
        key="reviewer",
        bind="query-params",
        max_chars=80,
        placeholder="Your name",
        **more,
    )
    return tidy_name(typed or "")


def current() -> Visitor:
    """Who is at the screen.

    Raises:
        SettingsError: an environment variable has a value that cannot be used.
    """
    if signing_in():
        name = signed_name()
        chosen = (one.casefold() for one in Settings.from_environment().coordinators)
        return Visitor(name, is_signed_in=True, is_coordinator=bool(name) and name.casefold() in chosen)
    return Visitor(state.typed_reviewer(), keys=state.coordinator_keys())


def name() -> str:
    """The visitor's name: from the sign-in, or as it was typed."""
    return signed_name() if signing_in() else state.typed_reviewer()


def coordinates(workspace: Workspace) -> bool:
    """Whether the visitor may make sessions, see their results and settle disagreements.

    Raises:
        PairxError: the sessions cannot be read.
    """
    return may_coordinate(current(), workspace.sessions.sessions())


def note_blind(workspace: Workspace) -> None:
    """After a change of its sessions: remember whether a blind one is under way, for whatever is opened later.

    Raises:
        PairxError: the sessions cannot be read.
    """
    is_under_way = any(session.hides for session in workspace.sessions.sessions())
    cache = Settings.from_environment().cache
    resources.note_blind(cache, workspace.sessions.place, is_under_way=is_under_way)


def everything_or_stop(opened: Workspace | Opening) -> None:
    """Go on only where no blind session hides from this visitor what the page shows.

    Sessions count that were made with any record on this computer: another record would show the same photos.

    Args:
        opened: what the page is about; or what is on its way, whose record is open already if it can be.
    """
    sessions_or_stop(opened.sessions)


def sessions_or_stop(own: SessionBook | None) -> None:
    """The same, by the sessions of the record that the page is about; None: it is about none."""
    try:
        session = _hiding(own)
    except SettingsError:  # said where the catalogue is opened, and nothing can be
        return
    except PairxError as error:  # what cannot be read might hide something
        saying.error(str(error))
        st.stop()
    if session is None:
        return
    saying.info(
        f"The blind session “{session.name}” is under way: identities, decisions and downloads are hidden until it "
        "is closed. Reviewers work with the link that they were given."
    )
    if signing_in():
        st.page_link("pages/session.py", label="Go to the session", icon=":material/groups:")
    else:
        st.caption(
            "Coordinators open this page with their own link. It is shown when a session is made, and "
            "`python -m pairx_core sessions` shows it again on the computer that holds the record."
        )
    st.stop()


def _hiding(own: SessionBook | None) -> ExpertSession | None:
    settings = Settings.from_environment()
    books = [one.sessions for one in resources.shelf().workspaces()]
    books += [own] if own is not None else []
    for book in (*books, *resources.blind_books(settings)):
        session = hidden_by(current(), book.sessions())
        if session is not None:
            return session
    return None
