"""A little HTML: everything is escaped, except what was made here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def safe(value: object) -> Html:
    """A value as HTML: its text escaped, and set apart from what is around it, whatever direction it runs in."""
    if isinstance(value, Html):
        return value
    text = "".join(character for character in str(value) if character.isprintable() or character.isspace())
    return Html(f"<bdi>{escape(text)}</bdi>") if text else Html("")


def element(name: str, *content: object, css: str = "") -> Html:
    """An element with its content; texts in it are escaped."""
    attributes = f' class="{escape(css)}"' if css else ""
    return Html(f"<{name}{attributes}>{''.join(map(safe, content))}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after the other."""
    return Html(between.join(map(safe, parts)))


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, css: str = "") -> Html:
    """A table; the first cell of a row names it."""
    names = element("thead", element("tr", *(element("th", name) for name in head)))
    lines = [
        element("tr", element("th", row[0]), *(element("td", value) for value in row[1:])) for row in rows
    ]
    return element("table", names, element("tbody", *lines), css=css)


def facts(rows: Iterable[tuple[str, object]]) -> Html:
    """A list of names and what belongs to them."""
    return element("dl", *(join((element("dt", name), element("dd", value))) for name, value in rows))
