"""The facts of both photos, under the pair."""

from __future__ import annotations

import streamlit as st

from pages.components.room import Room
from pages.components.words import apart, facts, ranked
from pairx_core.retrieval import Candidate


def show(room: Room, candidate: Candidate) -> None:
    """Query left, candidate right, as in the picture."""
    between = apart(room.query, candidate.photo)
    st.html(
        '<div class="px-facts">'
        f'<div><span class="px-which">Query</span>{facts(room.query)}</div>'
        f'<div><span class="px-which">Candidate {ranked(candidate)}</span>{facts(candidate.photo)}'
        f"{f' · <b>{between}</b>' if between else ''}</div></div>"
    )
