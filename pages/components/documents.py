"""Documents to keep: the evidence card of a pair, and the report of a session."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import streamlit as st

from pages.components import saying, state
from pages.components.room import Room
from pages.components.workspace import Record, Workspace
from pairx_core.errors import ExplanationError, PairxError
from pairx_core.explain import PairExplanation
from pairx_core.render.card import EvidenceCard, Ranking, card_files, gather_card
from pairx_core.render.report import gather_report, report_file
from pairx_core.retrieval import Candidate
from pairx_core.sessions import ExpertSession

_K_LINES, _K_COLORS = 20, 10
_MIME = {".pdf": "application/pdf", ".png": "image/png"}
_ICON = ":material/description:"


def evidence_card(room: Room, chosen: Candidate) -> None:
    """Offer the page of evidence on the pair, in the sidebar."""
    pair = (room.query.id, chosen.photo.id)
    decision = room.work.standing.get(pair)
    name = f"{room.pair} {'' if decision is None else decision.decision_id}"
    with st.sidebar, st.popover("Evidence card", icon=_ICON, width="stretch"):
        st.caption(
            "One page on this pair, to keep or to print: both photos, the explanation, the decision, the ticked "
            "matches, and what made them."
        )
        if st.button("Make the card", key="make_card", icon=_ICON):
            _make(room, chosen, name)
        for ending, content in state.made_card(name).items():
            st.download_button(
                f"Download the card ({ending[1:].upper()})",
                data=content,
                file_name=f"{_plain(room.query.id)}-{_plain(chosen.photo.id)}{ending}",
                mime=_MIME[ending],
                icon=":material/download:",
                on_click="ignore",
                key=f"card{ending}",
            )


def _make(room: Room, chosen: Candidate, name: str) -> None:
    with st.spinner("Drawing the card …"):
        try:
            state.keep_card(name, card_files(_card(room, chosen)))
        except PairxError as error:
            saying.error(str(error))


def _card(room: Room, chosen: Candidate) -> EvidenceCard:
    work, workspace = room.work, room.work.workspace
    decision = work.standing.get((room.query.id, chosen.photo.id))
    explanation, reason = _explanation(workspace, room, chosen)
    return gather_card(
        room.query,
        chosen.photo,
        made_at=datetime.now(UTC),
        explanation=explanation,
        no_explanation=reason,
        k_lines=_K_LINES,
        decision=decision,
        evidence=None if decision is None else workspace.evidence.of(decision.decision_id),
        ranking=_ranking(workspace, chosen),
        standing=workspace.similarity_in_words(chosen, work.filters),
        filters=work.filters.in_words(),
        catalogue=_catalogue(workspace),
    )


def _catalogue(workspace: Workspace) -> str:
    """What the photos are from; files and boxes on the card of a field pack are those of its copies."""
    if workspace.pack is None:
        return workspace.catalogue.source.name
    return f"{workspace.pack.made_of}, from copies in a field pack"


def _ranking(workspace: Workspace, chosen: Candidate) -> Ranking | None:
    """How another matcher ranked the candidate; None: the model did, or the matcher knows nothing of it."""
    if not workspace.ranked_by:
        return None
    is_scored = math.isfinite(chosen.similarity)
    return Ranking(workspace.ranked_by, chosen.score, chosen.rank if is_scored else None)


def _explanation(workspace: Workspace, room: Room, chosen: Candidate) -> tuple[PairExplanation | None, str]:
    """The explanation of the pair, or why there is none."""
    if workspace.explainer is None:
        return None, workspace.unexplained
    try:
        explained = workspace.explainer.explain(
            room.query, chosen.photo, k_lines=_K_LINES, k_colors=_K_COLORS
        )
    except ExplanationError as error:
        return None, str(error)
    return explained, ""


def session_report(workspace: Workspace, session: ExpertSession, record: Record) -> None:
    """Offer the report of a session."""

    def content() -> bytes:
        report = gather_report(
            session,
            record.rows,
            made_at=datetime.now(UTC),
            evidence=workspace.evidence.all(),
            catalogue=workspace.catalogue,
        )
        return report_file(report)

    st.download_button(
        "Report (HTML)",
        data=content,
        file_name=f"{_plain(session.name)}_report.html",
        mime="text/html",
        icon=_ICON,
        on_click="ignore",
        help="All of this and the pairs on which reviewers differ, in one file for the browser or the printer. It "
        "tells who said what, and the answers of the known-answer pairs.",
    )


def _plain(name: str) -> str:
    """A name as a part of a file's name."""
    return "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in name)[:80] or "pair"
