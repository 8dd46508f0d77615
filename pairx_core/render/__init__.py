"""A PairExplanation as a picture, as an interactive figure, or in parts for a screen that draws them itself."""

from pairx_core.render.figure import overlay_figure
from pairx_core.render.overlay import Layout, render_overlay
from pairx_core.render.pair import render_pair
from pairx_core.render.parts import ColorSheet, color_sheet, heat_levels

__all__ = [
    "ColorSheet",
    "Layout",
    "color_sheet",
    "heat_levels",
    "overlay_figure",
    "render_overlay",
    "render_pair",
]
