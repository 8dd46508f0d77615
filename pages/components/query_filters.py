"""The controls that say which queries are gone through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from pages.components.words import count
from pages.components.worklist import DISAGREED, UNSURE, QueryFilters, QueryStatus
from pairx_core.catalogue import Photo

_STANDINGS = (
    QueryStatus.OPEN.value,
    QueryStatus.ACCEPTED.value,
    QueryStatus.ALL_REJECTED.value,
    QueryStatus.REVIEWED.value,
    UNSURE,
)
_RANGE = (-1.0, 1.0)  # of a cosine


def choose(photos: Sequence[Photo], *, others_shown: bool, by_similarity: bool = True) -> QueryFilters:
    """Draw the controls; what is offered is what these photos have."""
    open_only = st.toggle("Only open ones", key="open_only", bind="query-params")
    with st.popover("Filter queries", icon=":material/filter_list:", width="stretch"):
        standings = _several("Standing", "standings", [*_STANDINGS, *([DISAGREED] if others_shown else [])])
        species = _several("Species", "species", _values(photo.species for photo in photos))
        flanks = _several("Flank", "flanks", _values(photo.flank for photo in photos))
        sites = _several("Site", "sites", _values(photo.site for photo in photos))
        least, most = _similarity() if by_similarity else _RANGE
        name = st.text_input("File name contains", key="name_filter", max_chars=200, persist_state="session")
    return QueryFilters(
        open_only=open_only,
        standings=standings,
        species=species,
        flanks=flanks,
        sites=sites,
        similarity=None if (least, most) == _RANGE else (least, most),
        name=name.strip(),
    )


def _similarity() -> tuple[float, float]:
    least, most = st.slider(
        "Similarity of the first candidate",
        *_RANGE,
        value=_RANGE,
        step=0.01,
        key="similarity_range",
        persist_state="session",
        help="A ranking, not a verdict: use it to look at the queries where the model is least or most sure.",
    )
    return least, most


def in_words(filters: QueryFilters, matching: int) -> str:
    """How many queries pass, where filters are set; otherwise empty."""
    return f"{count(matching, 'query', 'queries')} pass the filters" if filters else ""


def _several(label: str, key: str, options: list[str]) -> frozenset[str]:
    chosen = st.multiselect(label, options, key=f"filter_{key}", persist_state="session", placeholder="all")
    return frozenset(chosen)


def _values(values: Iterable[str | None]) -> list[str]:
    return sorted({value for value in values if value})
