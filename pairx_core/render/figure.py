"""overlay_figure: an explanation as an interactive plotly figure."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pairx_core.explain.explanation import PairExplanation
from pairx_core.render.overlay import render_overlay
from pairx_core.render.pair import Pair, lay_out
from pairx_core.render.palettes import Rgb, match_color

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_HOVER = (
    "rank %{customdata[0]}<br>relevance %{customdata[1]:.3g}<br>distance %{customdata[2]:.3g}<extra></extra>"
)


def overlay_figure(
    explanation: PairExplanation,
    *,
    query_image: Image.Image | None = None,
    candidate_image: Image.Image | None = None,
    lines: bool = True,
    heat_map: bool = True,
    color_maps: bool = False,
    k_lines: int | None = None,
    k_colors: int | None = None,
    height: int = 640,
    max_width: int | None = None,
    gap: int = 6,
) -> Figure:
    """The pair with its matches; pointing at an end tells rank, relevance and distance.

    Arguments and errors are those of :func:`render_overlay`. Heat map and color maps are part of the picture,
    lines and end points are traces (one a match, named by its rank), in pixels of the picture.
    """
    import plotly.graph_objects as go  # slow to import, and needed by nobody who does not call this

    pair = lay_out(explanation, query_image, candidate_image, height=height, max_width=max_width, gap=gap)
    picture = render_overlay(
        explanation,
        query_image=pair.query.picture,
        candidate_image=pair.candidate.picture,
        lines=False,
        heat_map=heat_map,
        color_maps=color_maps,
        k_colors=k_colors,
        height=pair.size[1],
        gap=gap,
    )
    figure = go.Figure(layout=_layout(picture))
    if lines:
        count = min(explanation.k_lines if k_lines is None else k_lines, len(explanation.matches))
        for match in reversed(range(max(0, count))):  # the most relevant is drawn last, on top
            figure.add_trace(go.Scatter(**_trace(explanation, pair, match)))
    return figure


def _trace(explanation: PairExplanation, pair: Pair, match: int) -> dict[str, Any]:
    matches = explanation.matches
    ends = np.concatenate(
        [
            pair.query.to_drawing(matches.query_xy[match]),
            pair.candidate.to_drawing(matches.candidate_xy[match]),
        ]
    )
    color = _css(match_color(match))
    facts = [match + 1, float(matches.relevance[match]), float(matches.distance[match])]
    return {
        "name": str(match + 1),
        "x": [float(x) for x in ends[:, 0]],
        "y": [float(y) for y in ends[:, 1]],
        "customdata": [facts, facts],
        "mode": "lines+markers+text",
        "text": [f"<b>{match + 1}</b>"] * 2,
        "textposition": "top center",
        "textfont": {"color": color, "size": 13, "shadow": "0 0 3px #000, 0 0 3px #000"},
        "line": {"color": color, "width": 2},
        "marker": {"size": 10, "color": color, "line": {"color": "#0e1014", "width": 2}},
        "hovertemplate": _HOVER,
        "showlegend": False,
    }


def _layout(picture: Image.Image) -> dict[str, Any]:
    width, height = picture.size
    hidden = {"visible": False, "constrain": "domain"}
    image = {
        "source": _data_uri(picture),
        "xref": "x",
        "yref": "y",
        "x": 0,
        "y": 0,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
    }
    return {
        "images": [image],
        "xaxis": {**hidden, "range": [0, width]},
        "yaxis": {**hidden, "range": [height, 0], "scaleanchor": "x"},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "width": width,
        "height": height,
        "hovermode": "closest",
        "dragmode": "pan",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }


def _data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _css(color: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
