"""The table of decisions: filters, rows with thumbnails, and the way to each pair."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pages.components import resources, state
from pages.components.record import Summary
from pages.components.words import DECISIONS, count, file_name
from pages.components.workspace import Workspace
from pairx_core.catalogue import Photo
from pairx_core.decisions import Decision
from pairx_core.errors import PairxError

_A_PAGE = 25  # rows at once: each has two thumbnails
_STANDING, _EVERYTHING = "Decisions that count", "All rows, undone and replaced ones too"
_WORDS = {verdict: f"{sign} {word}" for verdict, (sign, word) in DECISIONS.items()} | {"undo": "↶ undone"}


@dataclass(frozen=True, slots=True)
class _Filters:
    """Which rows are shown; what is empty excludes nothing."""

    everything: bool = False
    reviewers: frozenset[str] = frozenset()
    verdicts: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    text: str = ""

    def passes(self, row: Decision) -> bool:
        """Whether a row is shown, as far as its text does not matter."""
        return (
            (not self.reviewers or row.reviewer in self.reviewers)
            and (not self.verdicts or row.decision in self.verdicts)
            and (not self.sessions or row.session in self.sessions)
        )


def show(summary: Summary) -> None:
    """Draw filters and table: a page of it, whatever there is."""
    workspace, filters = summary.workspace, _choose(summary)
    shown = summary.remembered(("table", filters), lambda: _passing(summary, filters))
    st.caption(f"{count(len(shown), 'decision')}, the newest first")
    if not shown:
        return
    pages = -(-len(shown) // _A_PAGE)
    page = state.page_of_decisions(pages)
    here = shown[(page - 1) * _A_PAGE : page * _A_PAGE]
    chosen = st.dataframe(
        pd.DataFrame([_cells(workspace, row) for row in here]),
        column_config={name: st.column_config.ImageColumn(name, width=96) for name in ("Query", "Candidate")},
        hide_index=True,
        row_height=64,
        on_select="rerun",
        selection_mode="single-row",
        key=f"decisions-{page}",
    )
    if pages > 1:
        st.pagination(pages, default=page, key=state.DECISIONS_PAGE)
    selected = chosen["selection"]["rows"]
    if selected and selected[0] < len(here):
        _chosen(workspace, here[selected[0]])
    else:
        st.caption("Choose a row to go to its pair.")


def _passing(summary: Summary, filters: _Filters) -> list[Decision]:
    """The rows that are shown, the newest first."""
    if filters.text:
        places = [at for at, text in enumerate(summary.searched) if filters.text in text]
        rows = [summary.rows[at] for at in reversed(places)]
    else:
        rows = list(reversed(summary.rows if filters.everything else summary.standing))
    standing = summary.standing_ids
    return [
        row for row in rows if (filters.everything or row.decision_id in standing) and filters.passes(row)
    ]


def _choose(summary: Summary) -> _Filters:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Rows", [_STANDING, _EVERYTHING], key="rows_kind")
        reviewers = st.multiselect("Reviewer", sorted(summary.all_reviewers), placeholder="all")
        verdicts = st.multiselect("Decision", list(_WORDS), format_func=_WORDS.__getitem__, placeholder="all")
        sessions = st.multiselect("Session", summary.sessions, placeholder="all")
        text = st.text_input("Contains", placeholder="file, identity, note or tag", max_chars=200)
    return _Filters(
        kind == _EVERYTHING,
        frozenset(reviewers),
        frozenset(verdicts),
        frozenset(sessions),
        (text or "").strip().casefold(),
    )


def _cells(workspace: Workspace, row: Decision) -> dict[str, object]:
    query, candidate = (workspace.catalogue.photo(one) for one in row.pair)
    return {
        "Query": _picture(query),
        "Candidate": _picture(candidate),
        "Decision": _WORDS[row.decision],
        "Reviewer": row.reviewer,
        "When (UTC)": row.decided_at.replace(tzinfo=None),
        "Query photo": file_name(query),
        "Candidate photo": file_name(candidate),
        "Candidate identity": row.candidate_identity or "unknown",
        "Similarity": row.similarity,
        "Rank": row.rank,
        "Confidence": row.confidence.replace("_", " "),
        "Tags": ", ".join(row.tags),
        "Note": row.note,
        "Session": row.session,
        "Bare photos": row.blind,
        "Seconds": row.seconds,
    }


def _picture(photo: Photo) -> str | None:
    try:
        return resources.thumbnail(photo)
    except PairxError:
        return None


def _chosen(workspace: Workspace, row: Decision) -> None:
    query, candidate = (workspace.catalogue.photo(one) for one in row.pair)
    st.page_link(
        "pages/review.py",
        label=f"Open the pair {file_name(query)} and {file_name(candidate)}",
        icon=":material/compare:",
        query_params=state.address_of(row.query_id, row.candidate_id),
    )
