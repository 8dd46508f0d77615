"""The least that Streamlit can do: two pictures and a button that brings the next two. For comparison."""

from __future__ import annotations

import json
import os
from pathlib import Path

import streamlit as st

FOLDER = Path(os.environ["PAIRX_BARE_PICTURES"])


@st.cache_data
def pairs() -> list[tuple[bytes, bytes]]:
    names = json.loads((FOLDER / "pairs.json").read_text(encoding="utf-8"))
    return [tuple((FOLDER / name).read_bytes() for name in pair) for pair in names]


def go_on() -> None:
    st.session_state["at"] = st.session_state.get("at", 0) + 1


st.set_page_config(layout="wide")
at = st.session_state.get("at", 0) % len(pairs())
left, right = st.columns(2)
left.image(pairs()[at][0], output_format="JPEG")
right.image(pairs()[at][1], output_format="JPEG")
st.button("Accept", on_click=go_on)
st.write(f"Pair {at}")
