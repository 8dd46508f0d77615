"""Points with their intervals, drawn as SVG: what a report shows, and a browser and a Markdown viewer both draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from pairx_core.evaluate.statistics import Interval

_ROW = 26  # pixels
_LETTER = 7  # pixels, of a label's wide enough not to reach the plot
_LEAST_LABELS = 330
_PLOT = 500
_TOP = 46
_TICKS = 5
_STYLE = "font-family:system-ui,sans-serif;font-size:13px"
_BLUE, _GREY = "#0072B2", "#8a8f98"  # tells apart for color-blind readers, on white and on black


def forest_svg(
    title: str, rows: Sequence[tuple[str, Interval]], *, mark: float | None = None, controls: int = 0
) -> str:
    """A row for each method: its number as a dot, its interval as a bar.

    Args:
        title: what the numbers are.
        rows: label and number, top to bottom; a number that cannot be measured has an empty row.
        mark: where to draw a dashed line, such as at chance.
        controls: how many of the last rows are controls, drawn in grey.
    """
    ends = [end for _, one in rows for end in (one.low, one.high, one.value) if math.isfinite(end)]
    low, high = _range([*ends, *([] if mark is None else [mark])])

    labels = max([_LEAST_LABELS, *(_LETTER * len(label) + 24 for label, _ in rows)])
    width = labels + _PLOT + 30

    def x(value: float) -> float:
        return labels + _PLOT * (value - low) / (high - low)

    height = _TOP + _ROW * len(rows) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(12, 22, title, weight="600"),
    ]
    bottom = _TOP + _ROW * len(rows)
    for step in range(_TICKS + 1):
        value = low + (high - low) * step / _TICKS
        parts.append(_line(x(value), _TOP - 8, x(value), bottom, "#e3e5e8"))
        parts.append(_text(x(value), bottom + 20, f"{value:.2f}".replace("-", "−"), anchor="middle"))
    if mark is not None:
        parts.append(_line(x(mark), _TOP - 8, x(mark), bottom, "#444444", dashes="4 4"))
    for number, (label, one) in enumerate(rows):
        color = _GREY if number >= len(rows) - controls else _BLUE
        parts += _row(label, one, _TOP + _ROW * number + _ROW / 2, x, color)
    return "\n".join([*parts, "</svg>", ""])


def _row(label: str, one: Interval, y: float, x: Callable[[float], float], color: str) -> list[str]:
    parts = [_text(12, y + 4, label)]
    if math.isfinite(one.low) and math.isfinite(one.high):
        parts.append(_line(x(one.low), y, x(one.high), y, color, width=3))
    if math.isfinite(one.value):
        parts.append(f'<circle cx="{x(one.value):.1f}" cy="{y:.1f}" r="5" fill="{color}"/>')
    return parts


def _range(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    step = 0.05
    low, high = math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step
    return (low, high) if high > low else (low, low + step)


def _line(x1: float, y1: float, x2: float, y2: float, color: str, *, width: int = 1, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="{width}"{dashed}/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="#22262b" '
        f'style="{_STYLE}">{escape(text)}</text>'
    )
