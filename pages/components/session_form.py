"""The form by which a coordinator makes an expert session."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components import saying, state, visitors
from pages.components.query_filters import several
from pages.components.room import ALL_PHOTOS, TO_IDENTIFY
from pages.components.roster import Roster, Wanted
from pages.components.words import count
from pages.components.workspace import K, Workspace
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError, SessionError
from pairx_core.retrieval import CandidateFilters
from pairx_core.sessions import ExpertSession, SessionPair, known_answers, plan_session
from pairx_core.sessions.planning import Order

_ORDERS: dict[Order, str] = {
    "shuffled": "shuffled, for each reviewer differently",
    "by_query": "query by query",
}
_MOST_QUERIES = 5_000  # of a session
_TOGETHER = 32  # queries whose candidates are asked for at once
_BLIND, _OPEN, _OPEN_TOGETHER = "Blind, then reveal", "Open", "Open, others' verdicts shown"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the coordinator entered."""

    name: str
    reviewers: tuple[str, ...]
    which: str
    species: frozenset[str]
    flanks: frozenset[str]
    sites: frozenset[str]
    most: int  # queries; 0: all
    k: int  # candidates a query
    overlap: int
    known: int  # known-answer pairs
    order: Order
    mode: str
    seed: int


def show(workspace: Workspace, coordinator: str) -> None:
    """Draw the form; what it makes is saved before it is said to be made."""
    with st.form("new_session", border=True, enter_to_submit=False):
        wanted = _fields(workspace)
        if not st.form_submit_button("Make the session", type="primary", icon=":material/group_add:"):
            return
    try:
        session = _plan(workspace, wanted, coordinator)
        workspace.sessions.add(session)
        state.keep_coordinator_key(session.coordinator_key)
        visitors.note_blind(workspace)
    except PairxError as error:
        saying.error(str(error))
        return
    shares = {len(queue) for queue in session.queues.values()}
    share = count(min(shares), "pair") if len(shares) == 1 else f"{min(shares)} or {max(shares)} pairs"
    state.tell("success", f"The session “{session.name}” is made: {share} for each reviewer.")
    state.show_session(session.session_id)
    st.rerun()


def _fields(workspace: Workspace) -> _Wanted:
    left, right = st.columns(2, gap="large")
    with left:
        people = _people()
    with right:
        queries = _which_queries(workspace.all_photos)
        lots = _lots()
    return _Wanted(**people, **queries, **lots)


def _people() -> dict[str, Any]:
    """Who reviews, and what they see."""
    name = st.text_input("Name", max_chars=80, placeholder="spring 2026", key="new_name")
    reviewers = st.text_area(
        "Reviewers, one a line",
        height=110,
        key="new_reviewers",
        help="Names as they will stand in the record; where people sign in, their e-mail addresses.",
    )
    mode = st.radio(
        "What reviewers see",
        [_BLIND, _OPEN, _OPEN_TOGETHER],
        captions=[
            "First the bare photos, then the explanation; identities and others' verdicts stay hidden.",
            "Identities, similarity and explanation from the start.",
            "As open, with what the other reviewers said.",
        ],
        key="new_mode",
    )
    return {"name": name, "reviewers": tuple(reviewers.splitlines()), "mode": mode}


def _which_queries(photos: Roster) -> dict[str, Any]:
    """Which photos are queries, and how many candidates each has."""
    every = photos.queries()
    which = st.segmented_control(
        "Queries",
        [TO_IDENTIFY, ALL_PHOTOS],
        default=TO_IDENTIFY if photos.has_unknown else ALL_PHOTOS,
        required=True,
        key="new_which",
    )
    species, flanks, sites = (
        several(label, f"new_{field}", offered)
        for label, field, offered in (
            ("Species", "species", every.species),
            ("Flank", "flank", every.flanks),
            ("Site", "site", every.sites),
        )
    )
    with st.container(horizontal=True):
        most = st.number_input(
            "Most queries",
            0,
            _MOST_QUERIES,
            0,
            key="new_most",
            help=f"Drawn by lot; 0: all of them, up to {_MOST_QUERIES:,}",
        )
        k = st.number_input("Candidates a query", 1, K, 3, key="new_k")
    chosen = {"which": which or ALL_PHOTOS, "species": species, "flanks": flanks, "sites": sites}
    return {**chosen, "most": int(most), "k": int(k)}


def _lots() -> dict[str, Any]:
    """How the pairs are dealt out."""
    with st.container(horizontal=True):
        overlap = st.number_input("Reviewers a pair", 1, value=2, key="new_overlap")
        known = st.number_input(
            "Known-answer pairs",
            0,
            value=10,
            key="new_known",
            help="Pairs of identified photos, half of them the same individual, hidden among the others; all "
            "reviewers see them.",
        )
    with st.container(horizontal=True):
        order = st.selectbox("Order", list(_ORDERS), format_func=_ORDERS.__getitem__, key="new_order")
        seed = st.number_input(
            "Seed",
            0,
            value=1,
            key="new_seed",
            help="Decides what is drawn by lot: the same number draws the same again",
        )
    return {"overlap": int(overlap), "known": int(known), "order": order, "seed": int(seed)}


def _plan(workspace: Workspace, wanted: _Wanted, coordinator: str) -> ExpertSession:
    pairs = list(_pairs(workspace, _queries(workspace.all_photos, wanted), wanted.k))
    return plan_session(
        name=wanted.name,
        coordinator=coordinator,
        reviewers=wanted.reviewers,
        pairs=pairs,
        known_answers=known_answers(workspace.index, wanted.known, seed=wanted.seed),
        overlap=wanted.overlap,
        order=wanted.order,
        is_blind=wanted.mode == _BLIND,
        shows_others=wanted.mode == _OPEN_TOGETHER,
        seed=wanted.seed,
        catalogue=workspace.catalogue.source.name,
        model=workspace.model.name,
        layer=workspace.layer,
    )


def _pairs(workspace: Workspace, queries: Sequence[Photo], k: int) -> Iterator[SessionPair]:
    """The first candidates of queries, many queries at a time."""
    filters = CandidateFilters()
    for start in range(0, len(queries), _TOGETHER):
        some = queries[start : start + _TOGETHER]
        workspace.prepare(some, filters)
        for query in some:
            for one in workspace.candidates(query, filters)[:k]:
                yield SessionPair(query.id, one.photo.id, one.rank, one.similarity)


def _queries(photos: Roster, wanted: _Wanted) -> Sequence[Photo]:
    """The photos that are queries.

    Raises:
        SessionError: they are more than anybody could judge.
    """
    to_identify = wanted.which != ALL_PHOTOS
    chosen = photos.queries(Wanted(to_identify, wanted.species, wanted.flanks, wanted.sites))
    if 0 < wanted.most < len(chosen):
        drawn = sorted(random.Random(wanted.seed).sample(range(len(chosen)), wanted.most))
        return [chosen[at] for at in drawn]
    if len(chosen) > _MOST_QUERIES:
        raise SessionError(
            f"These are {len(chosen):,} queries. Enter how many to draw by lot, at most {_MOST_QUERIES:,}, or choose "
            "fewer by species, flank or site."
        )
    return list(chosen)
