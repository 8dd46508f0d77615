"""Charts of the record: how work goes on, and how verdicts and similarities lie to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
import streamlit as st

from pages.components.record import SIMILARITY_BIN, Summary
from pages.components.words import DECISIONS

_COLORS = {"accept": "#0a8f75", "reject": "#c4511f", "not_comparable": "#7b80ad", "unsure": "#f0c244"}
_PATTERNS = {"accept": "", "reject": "/", "not_comparable": "x", "unsure": "."}  # color is never the only cue


def show(summary: Summary) -> None:
    """Decisions by day, and by similarity."""
    if not summary.standing:
        return
    left, right = st.columns(2, gap="large")
    left.plotly_chart(_by_day(summary.days), width="stretch", key="by_day", config={"displayModeBar": False})
    right.plotly_chart(
        _by_similarity(summary.similarities),
        width="stretch",
        key="by_similarity",
        config={"displayModeBar": False},
    )


def _by_day(days: Mapping[tuple[date, str], int]) -> go.Figure:
    figure = go.Figure(
        [
            _bars(
                verdict,
                [f"{day:%Y-%m-%d}" for day, said in sorted(days) if said == verdict],
                [days[day, said] for day, said in sorted(days) if said == verdict],
            )
            for verdict in DECISIONS
        ]
    )
    return _laid_out(figure, "Decisions a day", "day (UTC)").update_xaxes(
        type="category", categoryorder="category ascending"
    )


def _by_similarity(bins: Mapping[tuple[int, str], int]) -> go.Figure:
    figure = go.Figure()
    for verdict in DECISIONS:
        places = sorted(place for place, said in bins if said == verdict)
        figure.add_trace(
            _bars(
                verdict,
                [round(place * SIMILARITY_BIN, 2) for place in places],
                [bins[place, verdict] for place in places],
                width=SIMILARITY_BIN * 0.92,
            )
        )
    return _laid_out(figure, "Decisions by similarity", "similarity: a ranking, not a verdict")


def _bars(verdict: str, x: Sequence[object], y: Sequence[int], **more: float) -> go.Bar:
    marker = {"color": _COLORS[verdict], "pattern": {"shape": _PATTERNS[verdict], "fillmode": "replace"}}
    if not _PATTERNS[verdict]:
        marker.pop("pattern")
    return go.Bar(x=x, y=y, name=DECISIONS[verdict][1], marker=marker, **more)


def _laid_out(figure: go.Figure, title: str, along: str) -> go.Figure:
    return figure.update_layout(
        barmode="stack",
        title={"text": title, "font": {"size": 14}},
        xaxis_title=along,
        yaxis_title="decisions",
        height=280,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": -0.35},
    )
