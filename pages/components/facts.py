"""The facts of both photos, under the pair."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components.room import Room
from pages.components.words import apart, facts, ranked, verdict_badge
from pairx_core.retrieval import Candidate


def show(room: Room, candidate: Candidate, of_pairs_like_it: str = "") -> None:
    """Query left, candidate right, as in the picture; below, what known pairs say of one like it."""
    between = apart(room.query, candidate.photo)
    stands = room.work.workspace.similarity_in_words(candidate, room.work.filters)
    st.html(
        '<div class="px-facts">'
        f'<div><span class="px-which">Query</span>{facts(room.query)}'
        f'<div class="px-stands">{escape(of_pairs_like_it)}</div></div>'
        f'<div><span class="px-which">Candidate {ranked(candidate)}</span>{facts(candidate.photo)}'
        f"{f' · <b>{between}</b>' if between else ''}{_others(room, candidate)}"
        f'<div class="px-stands">{escape(stands)}</div></div></div>'
    )


def _others(room: Room, candidate: Candidate) -> str:
    """Who else decided what on the pair, where the reviewer wants to know."""
    said = room.work.others_said(room.query.id, candidate.photo.id)
    words = (f"{escape(one.reviewer)} {verdict_badge(one.decision)}" for one in said)
    return "".join(f'<span class="px-other">{one}</span>' for one in words)
