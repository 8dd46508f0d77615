"""Where a reviewer is: pair, session, disagreement, page of a list; and the addresses that lead there."""

from __future__ import annotations

import streamlit as st

QUERY_PAGE = "query_page"  # key of the control that turns the pages of queries
DECISIONS_PAGE = "decisions_page"  # the same of decisions
_GO = "go"  # in an address: the query to bring up, whatever was on the screen
_GO_WITH = "with"  # and the candidate


def place() -> tuple[str | None, str | None]:
    """The ids of query and candidate on the screen, from the session or, after a reload, from the address."""
    wanted = st.query_params.get(_GO)
    if wanted is not None:
        beside = st.query_params.get(_GO_WITH)
        for name in (_GO, _GO_WITH):
            st.query_params.pop(name, None)
        return wanted, beside
    if "query" in st.session_state:
        return st.session_state["query"], st.session_state.get("candidate")
    return st.query_params.get("query"), st.query_params.get("candidate")


def arriving_at() -> str | None:
    """The query that a link leads to, on the run that follows it; None: nobody has just followed one."""
    if _GO in st.query_params or "query" in st.session_state:
        return st.query_params.get(_GO)
    return st.query_params.get("query")


def address_of(query_id: str, candidate_id: str | None = None) -> dict[str, str]:
    """The address that brings a query up, or a pair, with everything else as it is."""
    kept = {
        name: value for name, value in st.query_params.to_dict().items() if name not in ("query", "candidate")
    }
    return {**kept, _GO: query_id, **({_GO_WITH: candidate_id} if candidate_id is not None else {})}


def address_with(**more: str) -> dict[str, str]:
    """The address with something more in it."""
    return {**st.query_params.to_dict(), **more}


def go(query_id: str, candidate_id: str | None) -> None:
    """Put a pair on the screen, in the session and in the address."""
    for name, value in (("query", query_id), ("candidate", candidate_id)):
        st.session_state[name] = value
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def session_place(session_id: str) -> int:
    """After which place of their queue the reviewer goes on, from 0; -1: from its beginning."""
    of_session, place = st.session_state.get("session_place", ("", -1))
    return int(place) if of_session == session_id else -1


def put_session_place(session_id: str, place: int) -> None:
    """Go on after a place of the queue."""
    st.session_state["session_place"] = (session_id, place)


def show_session(session_id: str) -> None:
    """Bring up a session on the coordinator's page."""
    st.session_state["shown_session"] = session_id


def shown_session() -> str:
    """The session on the coordinator's page; empty: none was chosen."""
    return str(st.session_state.get("shown_session") or "")


def show_disputes_of(session: str) -> None:
    """Bring up the disagreements of a session; empty: of all decisions."""
    if st.session_state.get("disputes_of", "") != session:
        st.session_state["disputes_of"] = session
        put_dispute_place(0)


def shown_dispute_session() -> str:
    """The session whose disagreements are shown; empty: of all decisions."""
    return str(st.session_state.get("disputes_of", ""))


def dispute_place() -> int:
    """Which disagreement is shown, from 0."""
    return int(st.session_state.get("dispute_place", 0))


def put_dispute_place(place: int) -> None:
    """Show another disagreement."""
    st.session_state["dispute_place"] = max(0, place)


def page_of_queries(pages: int) -> int:
    """Which page of queries is shown, from 1; the last one where there are fewer now."""
    return _page_shown(QUERY_PAGE, pages)


def page_of_decisions(pages: int) -> int:
    """Which page of decisions is shown, from 1; the last one where there are fewer now."""
    return _page_shown(DECISIONS_PAGE, pages)


def _page_shown(control: str, pages: int) -> int:
    return min(int(st.session_state.get(control) or 1), pages)
