"""The controls that say which queries are gone through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components.candidate_lists import MOST_COMPARED
from pages.components.query_status import DISAGREED, UNSURE, QueryStatus
from pages.components.roster import Queries
from pages.components.words import count
from pages.components.worklist import QueryFilters

_STANDINGS = (
    QueryStatus.OPEN.value,
    QueryStatus.ACCEPTED.value,
    QueryStatus.ALL_REJECTED.value,
    QueryStatus.REVIEWED.value,
    UNSURE,
)
_MOST_OFFERED = 200  # values in a field
_RANGE = (-1.0, 1.0)  # of a cosine
_FIELD = 215  # pixels, the width of one


def choose(photos: Queries, *, others_shown: bool, by_similarity: bool = True) -> QueryFilters:
    """Draw the controls; what is offered is what these photos have."""
    open_only = st.toggle("Only open ones", key="open_only", bind="query-params")
    with (
        st.popover("Filter queries", icon=":material/filter_list:", width="stretch"),
        st.container(
            horizontal=True, width=2 * _FIELD + 20
        ),  # two abreast, so that a laptop's window shows them all
    ):
        standings = _standings(others_shown)
        species = _several("Species", "species", photos.species)
        flanks = _several("Flank", "flanks", photos.flanks)
        sites = _several("Site", "sites", photos.sites)
        least, most = _similarity(len(photos.roster)) if by_similarity else _RANGE
        name = st.text_input(
            "File name contains", key="name_filter", max_chars=200, persist_state="session", width=_FIELD
        )
    return QueryFilters(
        open_only=open_only,
        standings=standings,
        species=species,
        flanks=flanks,
        sites=sites,
        similarity=None if (least, most) == _RANGE else (least, most),
        name=name.strip(),
    )


def _similarity(photos: int) -> tuple[float, float]:
    if photos > MOST_COMPARED:
        st.caption(
            f"By the similarity of the first candidate: up to {MOST_COMPARED:,} photos only, because all of them "
            "have to be compared with all."
        )
        return _RANGE
    least, most = st.slider(
        "Similarity of the first candidate",
        *_RANGE,
        value=_RANGE,
        step=0.01,
        key="similarity_range",
        persist_state="session",
        width=_FIELD,
        help="A ranking, not a verdict: use it to look at the queries where the model is least or most sure.",
    )
    return least, most


def in_words(filters: QueryFilters, matching: int) -> str:
    """How many queries pass, where filters are set; otherwise empty."""
    return f"{count(matching, 'query', 'queries')} pass the filters" if filters else ""


def _standings(others_shown: bool) -> frozenset[str]:
    offered = [*_STANDINGS, *([DISAGREED] if others_shown else [])]
    return frozenset(
        st.multiselect(
            "Decided so far",
            offered,
            key="filter_standings",
            persist_state="session",
            placeholder="all",
            width=_FIELD,
        )
    )


def _several(label: str, key: str, options: Sequence[str]) -> frozenset[str]:
    return several(label, f"filter_{key}", options, persist_state="session", width=_FIELD)


def several(label: str, key: str, options: Sequence[str], **more: Any) -> frozenset[str]:
    """A field that chooses some of many values, of which no more are sent to the browser than anyone reads.

    Args:
        label: of the field.
        key: of the field.
        options: the values, the most frequent first.
        more: for the field.
    """
    is_short = len(options) <= _MOST_OFFERED
    offered = sorted(options[:_MOST_OFFERED])
    about = (
        None
        if is_short
        else f"Listed are the {_MOST_OFFERED} of {len(options):,} with most photos; type others."
    )
    chosen = st.multiselect(
        label, offered, key=key, placeholder="all", accept_new_options=not is_short, help=about, **more
    )
    return frozenset(chosen)
