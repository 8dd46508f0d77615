"""What there is to say since the last run of a page."""

from __future__ import annotations

import streamlit as st

from pages.components import saying, state
from pairx_core.errors import DecisionLogError


def show(trouble: DecisionLogError | None = None) -> None:
    """Say it, and why the record cannot be read now, unless an error says so already."""
    messages = state.take_messages()
    ways = {"error": saying.error, "success": saying.success, "names": _names}
    for message in messages:
        ways.get(message.kind, saying.toast)(message.text)
    if trouble is not None and not any(message.kind == "error" for message in messages):
        saying.error(str(trouble))


def _names(text: str) -> None:
    """Individuals were joined: said beside the way to where it is listed, until the next press."""
    with st.container(horizontal=True, vertical_alignment="center", key="told-names"):
        saying.warning(text)
        st.page_link(
            "pages/decisions.py",
            label="Individuals",
            icon=":material/fact_check:",
            query_params=state.address_with(shown_part="Individuals"),
        )
