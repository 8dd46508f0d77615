"""Saying what was not written here: names of files, paths and messages, kept from Markdown.

Streamlit reads every message as Markdown, in which a name may be a picture to fetch, a formula or an icon.
"""

from __future__ import annotations

import re

import streamlit as st

_ANYWHERE = re.compile(r"[\\`*_\[\]<!$~#|]|:(?=[\w/:\[{\\])|&(?=[#\w])")
_AT_LINE_START = re.compile(r"^(\s*\d*)([-+>=.)])", re.MULTILINE)
_ICON = re.compile(
    r":(?=(?:material/)?[\w+-]+:)"
)  # replaced after the signs are read, so that a backslash does not help
_WORD_JOINER = "\u2060"  # invisible, and no space


def plain(text: str) -> str:
    """Text that Markdown leaves alone."""
    broken = _ICON.sub(f":{_WORD_JOINER}", text)
    return _AT_LINE_START.sub(r"\1\\\2", _ANYWHERE.sub(r"\\\g<0>", broken))


def error(text: str) -> None:
    """Something went wrong."""
    st.error(plain(text))


def warning(text: str) -> None:
    """Something is not as it should be."""
    st.warning(plain(text))


def info(text: str) -> None:
    """Something to know."""
    st.info(plain(text))


def success(text: str) -> None:
    """Something worked."""
    st.success(plain(text))


def toast(text: str) -> None:
    """Something to know, for a moment."""
    st.toast(plain(text))
