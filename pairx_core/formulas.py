"""Texts that a spreadsheet program would run as a formula, whoever wrote them (OWASP, *CSV Injection*)."""

from __future__ import annotations

import re

MARKER = "neutralised"  # the column that says true in rows whose texts were written by neutralise_cell
_FORMULA = re.compile(r"'*[\s\ufeff\u200b-\u200d\u2060]*[=+\-@\t\r\n＝＋－＠]")


def neutralise_cell(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet might run it, or if it might seem to have one.

    Such texts start with ``= + - @``, also in full width, a tab or a line end, after any spaces and
    apostrophes; so :func:`restore_cell` gives every text back exactly.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def restore_cell(text: str) -> str:
    """The text that :func:`neutralise_cell` was given."""
    rest = text.removeprefix("'")
    return rest if _FORMULA.match(rest) else text
