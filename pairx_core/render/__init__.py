"""A PairExplanation as a picture or as an interactive figure."""

from pairx_core.render.figure import overlay_figure
from pairx_core.render.overlay import Layout, render_overlay
from pairx_core.render.pair import render_pair

__all__ = ["Layout", "overlay_figure", "render_overlay", "render_pair"]
