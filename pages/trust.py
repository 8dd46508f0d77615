"""Trust: how far to believe the picture, measured on pairs whose truth is known."""

from __future__ import annotations

import streamlit as st

from pages.components import (
    navigation,
    opening,
    saying,
    sidebar,
    trust_bar,
    trust_pair,
    trust_sections,
    visitors,
)
from pages.components.trust_measuring import Desk
from pages.components.trust_pair import Pair
from pages.components.workspace import Workspace
from pairx_core.errors import PairxError
from pairx_core.evaluate.measuring import PairRow
from pairx_core.retrieval import CandidateFilters


def trust() -> None:
    """Draw the page."""
    workspace = opening.workspace_or_stop()
    visitors.everything_or_stop(workspace)
    work = sidebar.review_controls(workspace)
    st.html(
        '<div class="px-head"><span class="px-title">How far to trust the picture</span></div>'
        '<div class="px-sub">Do explanations look more plausible for right pairs than for wrong ones that are as '
        "similar? It depends on the model and the animals, so it is measured on the known animals of this "
        "catalogue.</div>"
    )
    reason = _nothing_to_measure(workspace)
    if reason:
        saying.info(reason)
        return
    desk = trust_bar.show(workspace, work.filters)
    if desk is None:
        return
    pair = _pair(workspace, work.filters)
    _study(desk, pair)
    if pair is not None:
        trust_sections.title("Other methods on this pair")
        trust_sections.other_methods(desk, pair)


def _nothing_to_measure(workspace: Workspace) -> str:
    """Why explanations cannot be measured; empty: they can."""
    if workspace.explainer is None:
        return f"This model ranks photos, but its pairs cannot be explained: {workspace.unexplained}"
    if workspace.ranked_by:
        return (
            f"Candidates come from {workspace.ranked_by}, another matcher. Its scores are not what this model's "
            "explanations explain, so there is nothing to measure here. Open the catalogue without that table."
        )
    return ""


def _pair(workspace: Workspace, filters: CandidateFilters) -> Pair | None:
    try:
        return trust_pair.on_screen(workspace, filters)
    except PairxError as error:
        saying.warning(str(error))
        return None


def _study(desk: Desk, pair: Pair | None) -> None:
    """What the known pairs teach, once there are enough."""
    standing, study = desk.standing, desk.study
    if standing is None or study is None:
        return
    row = None if pair is None else trust_pair.row_of(desk, pair)
    left, right = st.columns([6, 5], gap="large")
    with left:
        trust_sections.title("Right and wrong pairs")
        trust_sections.distributions(standing, study, pair, row if isinstance(row, PairRow) else None)
    with right:
        trust_sections.title("This pair")
        trust_sections.this_pair(desk, study, pair)
    if pair is not None:
        trust_sections.title("Known pairs to compare it with")
        trust_sections.references(desk, study, pair)
        trust_sections.make(desk, study, pair)
    trust_sections.order_and_words(study)


navigation.draw(trust)
