"""The strip of candidates: picture, rank, similarity, identity and the reviewer's standing decision."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pages.components import cards, saying, shortcuts
from pages.components.deciding import choose
from pages.components.room import Room
from pages.components.words import DECISIONS, identity, ordinal, ranked, verdict_badge
from pages.components.workspace import K
from pairx_core.retrieval import Candidate


def show(room: Room) -> None:
    """The candidates side by side; a click or the number's key chooses one."""
    with st.container(key="strip"):
        columns = st.columns(K, gap="xsmall")
        for number, (column, candidate) in enumerate(zip(columns, room.candidates, strict=False), start=1):
            with column, st.container(key=f"candidate-{candidate.rank}"):
                _card(room, candidate, number)
        free = columns[len(room.candidates) :]
        for column, rank in zip(free, _missing(room), strict=False):
            with column:
                _missing_card(rank)


def _missing(room: Room) -> Sequence[int]:
    """The ranks of candidates that should be in the field pack and are not."""
    pack = room.work.workspace.pack
    return () if pack is None else pack.index.missing(room.query)


def _missing_card(rank: int) -> None:
    """Why a rank is skipped."""
    st.html(
        f'<div class="px-card"><div class="px-nophoto">no photo</div><div><div class="px-rank">{ordinal(rank)}</div>'
        '<div class="px-missing-words">missing in this field pack: see Setup</div></div></div>'
    )


def _card(room: Room, candidate: Candidate, number: int) -> None:
    verdict = room.work.worklist.verdict(room.query, candidate.photo)
    looks = "px-card" + (" px-chosen" if candidate is room.card else "") + (" px-decided" if verdict else "")
    st.html(
        f'<div class="{looks}">{cards.picture(candidate.photo)}'
        f'<div><div class="px-rank"><kbd>{number}</kbd>{ranked(candidate)}</div>'
        f'<div class="px-name" title="{escape(identity(candidate.photo))}">'
        f"{escape(identity(candidate.photo))}</div>{verdict_badge(verdict)}</div></div>"
    )
    st.button(
        _label(room, candidate, verdict),
        key=f"choose-{candidate.rank}",
        shortcut=shortcuts.candidate_key(number),
        on_click=choose,
        args=(room, candidate.photo.id),
    )


def _label(room: Room, candidate: Candidate, verdict: str | None) -> str:
    """What a screen reader says of the card."""
    said = DECISIONS[verdict][1] if verdict else "open"
    here = ", on the screen" if candidate is room.card else ""
    return saying.plain(
        f"Show {ordinal(candidate.rank)} candidate: {identity(candidate.photo)}, {said}{here}"
    )
