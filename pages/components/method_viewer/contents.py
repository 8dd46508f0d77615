"""What is sent to the viewer: plain data, and addresses of pictures."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pages.components import media
from pages.components.method_making import SIDES, MethodPair
from pages.components.state.method import Place
from pairx_core.explain.steps import Floats, PairSteps, Side, other
from pairx_core.render.cells import cell_layer
from pairx_core.render.palettes import HEAT_STOPS, match_color

Sent = dict[str, Any]
UNKNOWN = -1  # in place of a cell's number


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Values of cells to lay over the photos."""

    values: tuple[Floats | None, Floats | None]  # (h, w) of query and candidate; None: none on this photo
    palette: str
    least: str  # what the faint end of the palette stands for
    most: str
    is_common: bool = False  # both photos are scaled to one range

    def range_of(self, side: int) -> tuple[float, float]:
        """Least and greatest value that the palette reaches from and to."""
        shown = self.values if self.is_common else (self.values[side],)
        both = [values for values in shown if values is not None]
        return min(float(one.min()) for one in both), max(float(one.max()) for one in both)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is looked at."""

    pair: MethodPair
    labels: tuple[str, str]
    chosen: Place
    layer: Layer | None = None
    lines: int = 0  # matches that are drawn as lines
    rings: int = 0  # matches whose cells are numbered
    has_dots: bool = False  # on every cell that has a match
    has_path: bool = False  # from the chosen cell to its nearest and back
    tinted: int | None = None  # the match whose color maps are laid over
    is_dim: bool = False  # the photos are gray and dark under it
    snaps: bool = False  # only cells with a ring can be chosen


def contents(view: View) -> Sent:
    """All that the viewer shows."""
    steps = view.pair.steps
    side, (column, row) = view.chosen
    shown = max(view.lines, view.rings)
    return {
        "pair": view.pair.key,
        "query": _side(view, 0),
        "candidate": _side(view, 1),
        "chosen": {"side": side, "cell": row * steps.grid(side)[0] + column},
        "lines": view.lines,
        "rings": view.rings,
        "colors": ["#{:02x}{:02x}{:02x}".format(*match_color(number)) for number in range(shown)],
        "has_dots": view.has_dots,
        "has_path": view.has_path,
        "snaps": view.snaps,
        "legend": None if view.layer is None else _legend(view.layer),
    }


def small_picture(values: Floats, low: float, high: float) -> str:
    """A channel of a feature map (h, w) as an address that holds the picture, a pixel a cell."""
    return _address(cell_layer(values, "viridis", low=low, high=high))


def _side(view: View, at: int) -> Sent:
    side, steps = SIDES[at], view.pair.steps
    columns, rows = steps.grid(side)
    width, height = steps.frame(side).photo_size
    cells = steps.matched_cells(side)
    return {
        "url": media.address(view.pair.photos[at], "image/jpeg", f"method-{side}"),
        "label": view.labels[at],
        "width": width,
        "height": height,
        "columns": columns,
        "rows": rows,
        "layer": _layer(view, at),
        "is_tint": view.tinted is not None,
        "is_dim": view.is_dim,
        "nearest": _nearest(steps, side),
        "matched": (cells[:, 1] * columns + cells[:, 0]).tolist(),
    }


def _layer(view: View, at: int) -> str | None:
    """The picture that is laid over a photo, as an address that holds it."""
    if view.tinted is not None:
        return _png(view.pair.tints[view.tinted][at].png)
    values = None if view.layer is None else view.layer.values[at]
    if view.layer is None or values is None:
        return None
    low, high = view.layer.range_of(at)
    return _address(cell_layer(values, view.layer.palette, low=low, high=high))


def _nearest(steps: PairSteps, side: Side) -> list[int]:
    """The flat number of each cell's nearest on the other photo; of a field pack's only those of matches."""
    if steps.maps is not None:
        near = steps.maps.query_nearest if side == "query" else steps.maps.candidate_nearest
        return [int(number) for number in near]
    columns, rows = steps.grid(side)
    found = np.full(columns * rows, UNKNOWN)
    own, far = steps.matched_cells(side), steps.matched_cells(other(side))
    found[own[:, 1] * columns + own[:, 0]] = far[:, 1] * steps.grid(other(side))[0] + far[:, 0]
    return [int(number) for number in found]


def _legend(layer: Layer) -> Sent:
    stops = ["rgb({}, {}, {})".format(*stop) for stop in HEAT_STOPS[layer.palette]]
    return {"least": layer.least, "most": layer.most, "stops": stops}


def _address(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return _png(buffer.getvalue())


def _png(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
