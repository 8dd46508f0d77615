"""Queries: all of them with how they stand, to find one and go there."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pages.components import (
    browser,
    cards,
    navigation,
    opening,
    query_filters,
    saying,
    sidebar,
    state,
    visitors,
)
from pages.components.room import Work
from pages.components.words import count, facts_in_short, file_name, identity, ranked, status_badge
from pairx_core.catalogue import Photo

_A_PAGE = 24  # queries at once


def queries() -> None:
    """Draw the page."""
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    work = sidebar.review_controls(workspace)
    browser.connect()
    matching = work.worklist.matching
    st.html(f'<div class="px-head"><span class="px-title">{escape(_title(work))}</span></div>')
    if not matching:
        if work.worklist.filters:
            st.info("No query passes the filters in the sidebar.")
        else:
            st.info("No photo is of an unknown animal. Choose “All photos” in the sidebar.")
        return
    pages = -(-len(matching) // _A_PAGE)
    shown = state.page_of_queries(pages)
    here = matching[(shown - 1) * _A_PAGE : shown * _A_PAGE]
    work.workspace.prepare(here, work.filters)
    _grid(work, here)
    if pages > 1:
        st.pagination(pages, default=shown, key=state.QUERY_PAGE)
    after = matching[shown * _A_PAGE : (shown + 1) * _A_PAGE]
    work.workspace.prepare_ahead(after, work.filters)


def _title(work: Work) -> str:
    total = count(len(work.worklist.queries), "query", "queries")
    passing = query_filters.in_words(work.worklist.filters, len(work.worklist.matching))
    return f"{total} · {passing}" if passing else total


def _grid(work: Work, shown: Sequence[Photo]) -> None:
    here, _ = state.place()
    with st.grid(min_column_width=210, gap="small", key="queries-grid"):
        for query in shown:
            with st.container(key=f"query-{work.worklist.position(query.id)}"):
                _card(work, query, is_here=query.id == here)


def _card(work: Work, query: Photo, *, is_here: bool) -> None:
    number = (work.worklist.position(query.id) or 0) + 1
    first = next(iter(work.candidates(query)), None)
    proposed = "no candidates" if first is None else f"{ranked(first)} · {identity(first.photo)}"
    st.html(
        f'<div class="px-card{" px-chosen" if is_here else ""}">{cards.picture(query)}<div>'
        f'<div class="px-rank">{number} · {status_badge(work.worklist.status(query))}</div>'
        f'<div class="px-name" title="{escape(facts_in_short(query))}">{escape(file_name(query))}</div>'
        f'<div class="px-name" title="{escape(proposed)}">{escape(proposed)}</div></div></div>'
    )
    st.page_link(
        "pages/review.py",
        label=f"Review query {number}, {saying.plain(file_name(query))}",
        query_params=state.address_of(query.id),
    )


navigation.draw(queries)
