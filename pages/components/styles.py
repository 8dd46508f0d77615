"""The style sheet, put on each page once."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components.browser import AROUND

ICON = Path(__file__).with_name("icon.svg")
_CSS = Path(__file__).with_name("styles.css").read_text(encoding="utf-8")


def apply() -> None:
    """Put the style sheet on the page, with the theme's own accent color."""
    primary = (
        st.get_option("theme.dark.primaryColor" if is_dark() else "theme.light.primaryColor") or "#09666c"
    )
    on_primary = "#0b1a1b" if is_dark() else "#ffffff"  # the dark theme's accent is too light for white text
    st.html(
        f"<style>:root {{ --px-primary: {primary}; --px-on-primary: {on_primary}; --px-around: {AROUND}px; }}\n"
        f"{_CSS}</style>"
    )


def around_pair(pixels: int) -> None:
    """Say how much of the window's height is taken by everything but the pair, where it is not as on Review."""
    st.html(f"<style>:root {{ --px-around: {pixels}px; }}</style>")


def around_story(pixels: int) -> None:
    """Say how much of the window's height is taken by everything but a story."""
    st.html(f"<style>:root {{ --px-story: {pixels}px; }}</style>")


def is_dark() -> bool:
    """Whether the reviewer's theme is dark."""
    return st.context.theme.type == "dark"
