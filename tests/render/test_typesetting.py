"""Text stays in its place, and what the font has not is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from pairx_core.errors import SettingsError
from pairx_core.render.typesetting import (
    ELLIPSIS,
    PAGE_FONT,
    Area,
    draw_line,
    line_height,
    readable,
    set_text,
    text_width,
)

HEBREW, ARABIC, CHINESE = "משה כהן", "أحمد", "王小明"
PILED = "Z" + "\u0301\u0327\u0323" * 60
AREA = Area(11, 7, 200, 90)


def texts_of(lines) -> list[str]:
    return [line.text for line in lines]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.integers(1, 300), st.integers(1, 200), st.integers(8, 40), st.booleans())
@example("x" * 30_000, 200, 90, 20, False)
@example(CHINESE * 40, 200, 90, 20, True)
@example("\U0001f98c" * 40 + "\n" * 40, 200, 90, 20, False)
@example(HEBREW * 40, 200, 60, 20, False)
def test_every_line_of_any_text_lies_in_the_area(text, width, height, size, is_bold):
    area = Area(5, 9, width, height)
    lines = set_text(text, area, size, is_bold=is_bold)
    assert all(area.holds(line.area) for line in lines)
    assert not any(one.area.overlaps(other.area) for one in lines for other in lines if one is not other)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="abc defgh\n", max_size=80), st.integers(40, 400), st.integers(30, 300))
def test_nothing_is_lost_without_an_ellipsis(text, width, height):
    lines = set_text(text, Area(0, 0, width, height), 16)
    shown, given_text = "".join(texts_of(lines)).replace(" ", ""), "".join(text.split())
    if shown != given_text:
        assert shown.endswith(ELLIPSIS)
        assert given_text.startswith(shown.removesuffix(ELLIPSIS))


def test_lines_break_between_words_and_at_line_ends():
    area = Area(0, 0, text_width("one two", 20) + 2, 200)
    assert texts_of(set_text("one two three\nfour", area, 20)) == ["one two", "three", "four"]


def test_a_long_word_is_broken_and_a_long_text_cut():
    lines = set_text("x" * 500, AREA, 20)
    assert len(lines) == AREA.height // line_height(20)
    assert lines[-1].text.endswith(ELLIPSIS)
    assert not lines[0].text.endswith(ELLIPSIS)


@pytest.mark.parametrize("area", [Area(0, 0, 3, 100), Area(0, 0, 100, 5), Area(0, 0, 0, 0)])
def test_no_room_means_no_lines(area):
    assert set_text("something", area, 20) == ()


@pytest.mark.parametrize(
    "text", ["Müller Ångström Łukasz", "Жанна", "Ωmega", HEBREW, ARABIC, "✓ ✕ ⊘ ↶ × · …"]
)
def test_what_the_page_font_has_is_shown_as_it_is(text):
    assert readable(text) == text


def test_what_no_font_has_is_written_as_code_points():
    assert readable(f"Dr {CHINESE}.") == "Dr [U+738B U+5C0F U+660E]."
    assert readable("\U0001f98c") == "[U+1F98C]"


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\ud800", "\ue000"]
)
def test_characters_that_nobody_sees_are_shown(hidden):
    assert readable(f"gpj{hidden}.exe") == f"gpj[U+{ord(hidden):04X}].exe"


def test_spaces_of_all_kinds_are_one_space():
    assert readable("a\t\u00a0 b\u2028c\r\nd\re") == "a b c\nd\ne"


def test_ink_stays_in_the_lines_area_whatever_it_piles_up():
    (line,) = set_text(PILED, Area(40, 40, 200, 30), 20)
    page = Image.new("RGB", (300, 120), (255, 255, 255))
    draw_line(page, line, (0, 0, 0))
    inked = np.argwhere(np.asarray(page.convert("L")) < 255)
    assert len(inked)
    top, left = inked.min(axis=0)
    bottom, right = inked.max(axis=0)
    assert line.area.holds(Area(int(left), int(top), int(right - left) + 1, int(bottom - top) + 1))


def test_right_to_left_is_drawn_in_its_order():
    """The first letter of a Hebrew word is its rightmost one."""
    word, first = (drawn(text) for text in ("אבגדה", "א"))
    width = first.shape[1]
    assert np.abs(word[:, -width:] - first).mean() < np.abs(word[:, :width] - first).mean()


def test_a_font_of_ones_own_is_taken_where_the_pages_lacks_a_character():
    (line,) = set_text("abc", AREA, 20, fonts=[PAGE_FONT.with_name("missing.ttf")])
    assert line.font == PAGE_FONT
    with pytest.raises(SettingsError, match="missing.ttf"):
        set_text(CHINESE, AREA, 20, fonts=[PAGE_FONT.with_name("missing.ttf")])


def drawn(text: str) -> np.ndarray:
    (line,) = set_text(text, Area(0, 0, 400, 40), 30)
    page = Image.new("RGB", (line.area.width, line.area.height), (255, 255, 255))
    draw_line(page, line, (0, 0, 0))
    return np.asarray(page.convert("L"), np.int16)
