"""What only the browser can do for the whole page: stop held keys from repeating."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

AROUND = 414  # pixels of the window's height that are taken by everything but the pair

_component = st.components.v2.component(
    "pairx_browser", js=Path(__file__).with_name("browser.js").read_text(encoding="utf-8")
)


def connect() -> None:
    """Listen to the browser."""
    with st.container(key="browser"):
        _component(key="browser_state")
