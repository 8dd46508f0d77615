"""What the known pairs teach, with what measures them."""

from __future__ import annotations

import streamlit as st

from pages.components import saying, trust_bar, trust_pair, trust_sections
from pages.components.trust_measuring import Desk
from pages.components.trust_pair import Pair
from pages.components.workspace import Workspace
from pairx_core.errors import PairxError
from pairx_core.evaluate.measuring import PairRow
from pairx_core.retrieval import CandidateFilters


def show(workspace: Workspace, filters: CandidateFilters) -> None:
    """Draw the page below its head."""
    desk = trust_bar.show(workspace, filters)
    if desk is None:
        return
    pair = _pair(workspace, filters)
    _study(desk, pair)
    if pair is not None:
        trust_sections.title("Other methods on this pair")
        trust_sections.other_methods(desk, pair)


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
