"""Trust: how far to believe the picture, measured on pairs whose truth is known."""

from __future__ import annotations

import streamlit as st

from pages.components import navigation, opening, saying, sidebar, visitors
from pages.components.workspace import Workspace


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
    from pages.components import trust_study  # what measures needs torch

    trust_study.show(workspace, work.filters)


def _nothing_to_measure(workspace: Workspace) -> str:
    """Why explanations cannot be measured; empty: they can."""
    if workspace.pack is not None:
        return (
            "A field pack brings its explanations along, but no model: nothing can be measured here. Open the "
            "catalogue itself, where the model is."
        )
    if workspace.explainer is None:
        return f"This model ranks photos, but its pairs cannot be explained: {workspace.unexplained}"
    if workspace.ranked_by:
        return (
            f"Candidates come from {workspace.ranked_by}, another matcher. Its scores are not what this model's "
            "explanations explain, so there is nothing to measure here. Open the catalogue without that table."
        )
    return ""


navigation.draw(trust)
