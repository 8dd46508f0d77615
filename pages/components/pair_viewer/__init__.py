"""The pair: photos at once, the explanation as soon as it is ready."""

from pages.components.pair_viewer.showing import show, show_query_alone

__all__ = ["show", "show_query_alone"]
