"""Right pairs against wrong ones: one score, back to back, so that position tells them apart as well as color."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import streamlit as st

from pages.components import styles
from pages.components.trust_figures import values_of
from pairx_core.evaluate.trust import TrustStudy

SAME, DIFFERENT = "#2b83c6", "#d9822b"  # blue and orange: apart for color-blind readers, light and dark
_BINS = 28
_HEIGHT = 270
Floats = npt.NDArray[np.float64]


def distribution(study: TrustStudy, score: str, title: str, here: float | None) -> None:
    """How a score is distributed over right and wrong pairs.

    Args:
        study: the known pairs.
        score: which one, as ``score_names`` calls it.
        title: the same in words, for the axis.
        here: of the pair on the screen; None: there is none.
    """
    values = values_of(study, score)
    edges = _edges(values[np.isfinite(values)], here)
    right, wrong = _shares(values[study.same], edges), _shares(values[~study.same], edges)
    figure = go.Figure(
        [
            _bars(right, edges, f"same animal ({int(study.same.sum()):,} pairs)", SAME, ""),
            _bars(-wrong, edges, f"different animals ({int((~study.same).sum()):,} pairs)", DIFFERENT, "/"),
        ]
    )
    _lay_out(figure, title, max(right.max(initial=0), wrong.max(initial=0)))
    if here is not None:
        ink = "#e4eaea" if styles.is_dark() else "#1c2426"
        figure.add_vline(
            x=here, line={"color": ink, "width": 2, "dash": "dot"}, annotation_text="this pair",
            annotation_font_color=ink, annotation_position="top",
        )  # fmt: skip
    st.plotly_chart(figure, width="stretch", key="trust_chart", config={"displayModeBar": False})


def _edges(values: Floats, here: float | None) -> Floats:
    """The bins' edges (B + 1,): over all values and the pair on the screen."""
    whole = values if here is None else np.append(values, here)
    low, high = (float(whole.min()), float(whole.max())) if len(whole) else (0.0, 1.0)
    return np.linspace(low, high if high > low else low + 1.0, _BINS + 1)


def _shares(values: Floats, edges: Floats) -> Floats:
    """Percent of a kind's pairs in each bin, (B,)."""
    counts = np.histogram(values[np.isfinite(values)], edges)[0]
    return 100 * counts / max(len(values), 1)


def _bars(shares: Floats, edges: Floats, name: str, color: str, pattern: str) -> go.Bar:
    marker: dict[str, object] = {"color": color}
    if pattern:
        marker["pattern"] = {"shape": pattern, "fillmode": "replace"}
    said = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    return go.Bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=shares,
        width=(edges[1] - edges[0]) * 0.92,
        name=name,
        marker=marker,
        customdata=list(zip(np.abs(shares), said, strict=True)),
        hovertemplate="%{customdata[1]}: %{customdata[0]:.0f} %<extra>" + name + "</extra>",
    )


def _lay_out(figure: go.Figure, title: str, highest: float) -> None:
    step = next((one for one in (2, 5, 10, 20) if highest / one <= 3), 50)
    ticks = np.arange(-5, 6) * step
    figure.update_layout(
        barmode="overlay",
        height=_HEIGHT,
        margin={"l": 10, "r": 10, "t": 22, "b": 0},
        legend={"orientation": "h", "y": -0.32, "traceorder": "normal"},
        xaxis_title=f"{title} →",
        yaxis={
            "title": "% of the pairs",
            "tickvals": ticks,
            "ticktext": [f"{abs(tick)}" for tick in ticks],
            "range": [-1.12 * highest, 1.2 * highest],
            "zeroline": True,
            "zerolinewidth": 1,
        },
    )
