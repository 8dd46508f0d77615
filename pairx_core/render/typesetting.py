"""Text set into areas of a page: wrapped, cut with an ellipsis, and honest about what the font cannot show."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from pairx_core.errors import SettingsError
from pairx_core.render.palettes import Rgb

PAGE_FONT = (
    Path(__file__).with_name("fonts") / "DejaVuSans.ttf"
)  # Latin, Greek, Cyrillic, Hebrew, Arabic and more
ELLIPSIS = "…"
AFTER_NAME = "\u200e"  # an invisible mark: what follows a name in Hebrew or Arabic is no part of it
_KEPT = frozenset("\u200c\u200d" + AFTER_NAME)  # invisible, but they shape or order what is beside them
_LEFT_OUT = frozenset("\ufe0e\ufe0f")  # they only choose between two looks of the sign before them
_NO_CHARACTER = "\U0010ffff"  # drawn as whatever the font has for what it has not
_LINE = 1.3  # height of a line, in sizes of the font
_NARROWEST = 0.05  # of the size: no more characters than this allows are looked at for one line


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the page, in whole pixels of it."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Where it ends, exclusive."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Where it ends, exclusive."""
        return self.top + self.height

    def holds(self, other: Area) -> bool:
        """Whether another one lies within."""
        starts = self.left <= other.left and self.top <= other.top
        return starts and other.right <= self.right and other.bottom <= self.bottom

    def overlaps(self, other: Area) -> bool:
        """Whether they share a pixel."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class SetLine:
    """A line of text and its place."""

    text: str  # as it is drawn
    area: Area  # as wide as the text
    size: int  # of the font, pixels
    font: Path
    is_bold: bool = False


def set_text(
    text: str, area: Area, size: int, *, fonts: Sequence[Path] = (), is_bold: bool = False
) -> tuple[SetLine, ...]:
    """The lines of a text, all of them within the area; what finds no place is replaced by an ellipsis.

    Args:
        text: anything; line ends begin a new line, other spaces are one space.
        area: where; one that is too small for an ellipsis stays empty.
        size: of the font, pixels.
        fonts: further font files, of which the first is taken that has all characters, where the page's has not.
        is_bold: whether the strokes are thicker.

    Raises:
        SettingsError: one of ``fonts`` is no font file.
    """
    font, shown = _readable(text, tuple(fonts))
    style = _Style(font, size, is_bold)
    most = area.height // style.line_height
    wrapped: list[str] = []
    for line in _wrapped(shown, area.width, style):
        if len(wrapped) == most:
            wrapped[-1:] = [_cut(wrapped[-1], area.width, style)] if most else []
            break
        wrapped.append(line)
    return tuple(_placed(line, number, area, style) for number, line in enumerate(wrapped) if line)


def readable(text: str, fonts: Sequence[Path] = ()) -> str:
    """The text as it is drawn: what no font shows is written as its code points, ``[U+738B U+5C0F]``.

    The same holds for characters that nobody sees but that change the order of others.
    """
    return _readable(text, tuple(fonts))[1]


def line_height(size: int) -> int:
    """Pixels from one line to the next."""
    return math.ceil(_LINE * size)


def text_width(text: str, size: int, *, is_bold: bool = False) -> int:
    """Pixels that a text is wide in one line."""
    font, shown = _readable(text, ())
    return _Style(font, size, is_bold).width(shown)


def draw_line(page: Image.Image, line: SetLine, color: Rgb) -> None:
    """Draw a line; nothing of it gets out of its area, whatever accents it piles up."""
    style = _Style(line.font, line.size, line.is_bold)
    mask = Image.new("L", (line.area.width, line.area.height), 0)
    left = style.bounds(line.text)[0]
    ImageDraw.Draw(mask).text(
        (-left, line.size), line.text, fill=255, font=style.loaded, anchor="ls", stroke_width=style.stroke
    )
    page.paste(color, (line.area.left, line.area.top), mask)


@dataclass(frozen=True, slots=True)
class _Style:
    """How a line is drawn."""

    font: Path
    size: int
    is_bold: bool

    @property
    def loaded(self) -> ImageFont.FreeTypeFont:
        return _loaded(self.font, self.size)

    @property
    def line_height(self) -> int:
        return line_height(self.size)

    @property
    def stroke(self) -> float:
        return self.size / 32 if self.is_bold else 0

    def bounds(self, text: str) -> tuple[int, int]:
        """Where the line's ink or its advance begins and ends, pixels from its origin."""
        left, _, right, _ = self.loaded.getbbox(text, anchor="ls", stroke_width=self.stroke)
        return min(0, math.floor(left)), math.ceil(max(right, self.loaded.getlength(text)))

    def width(self, text: str) -> int:
        left, right = self.bounds(text)
        return right - left


def _placed(text: str, number: int, area: Area, style: _Style) -> SetLine:
    height = style.line_height
    place = Area(area.left, area.top + number * height, style.width(text), height)
    return SetLine(text, place, style.size, style.font, style.is_bold)


def _wrapped(text: str, width: int, style: _Style) -> Iterator[str]:
    """Lines no wider than a width; a place where not even one character fits yields none."""
    for paragraph in text.split("\n"):
        rest = paragraph.strip(" ")
        if not rest:
            yield ""
        while rest:
            line = _line_of(rest, width, style)
            if not line:
                return
            yield line.strip(" ")
            rest = rest[len(line) :].lstrip(" ")


def _line_of(text: str, width: int, style: _Style) -> str:
    """The beginning of a text that fits, up to the end of a word where there is one."""
    count = _fitting(text, width, style)
    if count == len(text) or text[count] == " ":
        return text[:count]
    at_word = text.rfind(" ", 0, count)
    return text[:at_word] if at_word > 0 else text[:count]


def _cut(text: str, width: int, style: _Style) -> str:
    """The text with an ellipsis at its end, within a width."""
    count = _fitting(text, width, style, ELLIPSIS)
    return text[:count].rstrip(" ") + ELLIPSIS if count or style.width(ELLIPSIS) <= width else ""


def _fitting(text: str, width: int, style: _Style, ending: str = "") -> int:
    """How many characters of a text, with an ending, are no wider than a width; accents stay with their letters."""
    low, high = 0, min(len(text), math.ceil(width / (_NARROWEST * style.size)))
    while low < high:
        middle = (low + high + 1) // 2
        fits = style.width(text[:middle] + ending) <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    while low and style.width(text[:low].rstrip(" ") + ending) > width:  # shaping may widen what was cut
        low -= 1
    whole = low
    while 0 < whole < len(text) and unicodedata.combining(text[whole]):
        whole -= 1
    return whole or low


def _readable(text: str, fonts: tuple[Path, ...]) -> tuple[Path, str]:
    """The font to take, and the text as it is drawn with it."""
    tidy = _tidy(text)
    for font in (PAGE_FONT, *fonts):
        if all(_has(font, character) for character in set(tidy) if character != "\n"):
            return font, tidy
    return PAGE_FONT, _with_code_points(tidy)


def _tidy(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    seen = ("".join(one for one in line if one not in _LEFT_OUT) for line in lines)
    return "\n".join(" ".join(line.split()) for line in seen).strip("\n")


def _with_code_points(text: str) -> str:
    """Runs of characters that the page's font has not as ``[U+738B U+5C0F]``."""
    parts: list[str] = []
    missing: list[str] = []
    for character in [*text, ""]:
        is_missing = character not in ("", "\n") and not _has(PAGE_FONT, character)
        if is_missing:
            missing.append(f"U+{ord(character):04X}")
            continue
        if missing:
            parts.append(f"[{' '.join(missing)}]")
            missing = []
        parts.append(character)
    return "".join(parts)


@lru_cache(maxsize=20_000)
def _has(font: Path, character: str) -> bool:
    """Whether a font shows a character, in the right place."""
    if character in _KEPT:
        return True
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return False
    if unicodedata.bidirectional(character) in ("R", "AL") and not features.check("raqm"):
        return False  # without that library, right to left would be drawn left to right
    mask, nothing = (_plain(font).getmask(one) for one in (character, _NO_CHARACTER))
    return (mask.size, bytes(mask)) != (nothing.size, bytes(nothing))


@lru_cache(maxsize=8)
def _plain(font: Path) -> ImageFont.FreeTypeFont:
    """A font as it is asked for single characters."""
    return _opened(font, 24, ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _loaded(font: Path, size: int) -> ImageFont.FreeTypeFont:
    return _opened(font, size, None)


def _opened(font: Path, size: int, engine: ImageFont.Layout | None) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(font, size, layout_engine=engine)
    except OSError as error:
        raise SettingsError(
            f"{font} cannot be used as a font ({error}). Give the path of a .ttf or .otf file that exists."
        ) from error
