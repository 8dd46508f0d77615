"""The strip of candidates: picture, rank, similarity, identity and the reviewer's standing decision."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.components import resources, shortcuts
from pages.components.deciding import choose
from pages.components.room import Room
from pages.components.words import identity, ordinal, ranked, verdict_badge
from pages.components.workspace import K
from pairx_core.catalogue import Photo
from pairx_core.errors import PairxError
from pairx_core.retrieval import Candidate


def show(room: Room) -> None:
    """The candidates side by side; a click or the number's key chooses one."""
    with st.container(key="strip"):
        columns = st.columns(K, gap="xsmall")
        for column, candidate in zip(columns, room.candidates, strict=False):
            with column, st.container(key=f"candidate-{candidate.rank}"):
                _card(room, candidate)


def _card(room: Room, candidate: Candidate) -> None:
    verdict = room.work.worklist.verdict(room.query, candidate.photo)
    looks = "px-card" + (" px-chosen" if candidate is room.card else "") + (" px-decided" if verdict else "")
    st.html(
        f'<div class="{looks}">{_picture(candidate.photo)}'
        f'<div><div class="px-rank"><kbd>{candidate.rank}</kbd>{ranked(candidate)}</div>'
        f'<div class="px-name" title="{escape(identity(candidate.photo))}">'
        f"{escape(identity(candidate.photo))}</div>{verdict_badge(verdict)}</div></div>"
    )
    st.button(
        f"Show {ordinal(candidate.rank)} candidate",
        key=f"choose-{candidate.rank}",
        shortcut=shortcuts.candidate_key(candidate.rank),
        on_click=choose,
        args=(room, candidate.photo.id),
    )


def _picture(photo: Photo) -> str:
    try:
        return f'<img src="{resources.thumbnail(photo)}" alt="">'
    except PairxError:
        return '<div class="px-nophoto">photo cannot be read</div>'
