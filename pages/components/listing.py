"""Lists of what is wrong or to know: where, and what."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

_MOST_UNSCROLLED, _MOST_LISTED = 4, 500


def listed(title: str, rows: Sequence[tuple[str, str]], more: str = "") -> None:
    """Draw a list of (where, what), scrolled where it is long; nothing where it is empty.

    Args:
        title: above it.
        rows: plain text.
        more: where the rest is, if there are too many to show.
    """
    if not rows:
        return
    st.markdown(f"**{title}** · {len(rows):,}")
    cells = "".join(
        f"<tr><td>{escape(where)}</td><td>{escape(what)}</td></tr>" for where, what in rows[:_MOST_LISTED]
    )
    # what scrolls can be reached by Tab, and then be scrolled by the arrow keys
    scrolls = (
        f" tabindex='0' role='region' aria-label='{escape(title)}'" if len(rows) > _MOST_UNSCROLLED else ""
    )
    with st.container(border=True):
        st.html(f"<div class='px-scrolled'{scrolls}><table class='px-problems'>{cells}</table></div>")
        if len(rows) > _MOST_LISTED:
            st.caption(f"… and {len(rows) - _MOST_LISTED:,} more{more}.")
