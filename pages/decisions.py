"""Decisions: what the record holds, how far the work is, and who is who by it."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components import (
    browser,
    exporting,
    individuals_list,
    messages,
    navigation,
    opening,
    record_charts,
    record_table,
    saying,
    state,
    visitors,
)
from pages.components.record import RecordNow, Summary, summarise
from pages.components.words import count
from pages.components.workspace import Workspace
from pairx_core.decisions.exporting import csv_bytes

_RECORD, _INDIVIDUALS, _EXPORT = "Record", "Individuals", "Export"


def decisions() -> None:
    """Draw the page."""
    state.keep_reviewer()
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    browser.connect()
    messages.show()
    now = summarise(workspace)
    summary = now.summary
    if now.trouble is not None:
        saying.error(str(now.trouble))
    _numbers(workspace, now)
    shown = st.segmented_control(
        "Show",
        [_RECORD, _INDIVIDUALS, _EXPORT],
        default=_RECORD,
        required=True,
        key="shown_part",
        bind="query-params",
        label_visibility="collapsed",
    )
    if shown == _INDIVIDUALS:
        individuals_list.show(workspace, summary)
    elif shown == _EXPORT:
        exporting.show(workspace, summary)
    elif summary.rows:
        record_charts.show(summary)
        record_table.show(summary)
    else:
        st.info("Nothing is decided yet. What you decide on Review is kept here.")


def _numbers(workspace: Workspace, now: RecordNow) -> None:
    summary = now.summary
    individuals, contradictions = summary.counts
    reviewers = summary.reviewers
    numbers = {
        "Decisions": f"{len(summary.standing):,}",
        "Reviewers": f"{len(reviewers):,}",
        "Pairs": f"{len(summary.settled):,}",
        "Disagreements": f"{summary.disputed:,}",
        "Individuals": f"{individuals:,}",
        "Contradictions": f"{contradictions:,}",
    }
    with st.container(horizontal=True, key="numbers"):
        for label, number in numbers.items():
            st.metric(label, number, border=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        _downloads(workspace, summary)
        if summary.disputed:
            st.page_link(
                "pages/disagreements.py", label="Settle the disagreements", icon=":material/balance:"
            )
    if reviewers:
        by = ", ".join(f"{escape(name)} ({number:,})" for name, number in reviewers.items())
        st.html(f"<div class='px-facts-line'>{count(len(reviewers), 'reviewer')}: {by}</div>")
    if now.damaged:
        rows = "; ".join(str(one) for one in now.damaged[:5])
        more = f" and {len(now.damaged) - 5:,} more" if len(now.damaged) > 5 else ""
        saying.warning(f"{count(len(now.damaged), 'row')} cannot be read and left out: {rows}{more}.")


def _downloads(workspace: Workspace, summary: Summary) -> None:
    st.download_button(
        "Decisions (CSV)",
        data=lambda: csv_bytes(workspace.log.decisions()),
        file_name="pairx_decisions.csv",
        mime="text/csv",
        icon=":material/download:",
        disabled=not summary.rows,
        on_click="ignore",
        help="All rows. Text that a spreadsheet would run as a formula begins with an apostrophe.",
    )
    st.download_button(
        "For programs (CSV)",
        data=lambda: csv_bytes(workspace.log.decisions(), neutralise=False),
        file_name="pairx_decisions_as_stored.csv",
        mime="text/csv",
        icon=":material/download:",
        disabled=not summary.rows,
        on_click="ignore",
        help="The same rows, byte for byte as they are in the decisions file: for programs, and for merging.",
    )


navigation.draw(decisions)
