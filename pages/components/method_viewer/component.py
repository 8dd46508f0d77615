"""The viewer's script, given to Streamlit once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.state import method as method_state

_FOLDER = Path(__file__).parent
_component = st.components.v2.component(
    "pairx_cell_viewer",
    html=(_FOLDER / "cells.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "cells.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "cells.js").read_text(encoding="utf-8"),
)


def mount(data: dict[str, Any]) -> None:
    """Put the viewer on the page, or give the one that is there something else to show."""
    _component(key=method_state.VIEWER, data=data, on_cell_change=method_state.take_told)
