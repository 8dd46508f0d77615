"""The Showcase, and making a story for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pairx_core.stories import parse_story, read_story
from tests.conftest import paint

from .conftest import ROOT, press

SHOWCASE, STORY = "pages/showcase.py", "pages/story.py"
COUNTED = "animals at the most, each photograph without a name counted as one"


def player(app: AppTest) -> dict:
    """What the player was given to show."""
    (found,) = (one for one in app.get("bidi_component") if one.proto.component_name == "pairx_story_player")
    return json.loads(found.proto.json)


def at(app: AppTest, page: str) -> AppTest:
    app.switch_page(page).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(one.value for kind in ("error", "warning", "info", "success") for one in app.get(kind))


@pytest.fixture
def reviewed(open_app, herd) -> AppTest:
    """Two decisions on the first query that is to be identified."""
    app = open_app(herd)
    press(app, "Accept")
    app.query_params["go"] = "u0"
    app.run()
    press(app, "Reject")
    return app


@pytest.fixture
def making(reviewed) -> AppTest:
    """The page on which a story is made, with both pairs chosen and explained."""
    app = at(reviewed, STORY)
    pairs = app.multiselect(key="story_pairs")
    assert len(pairs.options) == 2
    for option in reversed(pairs.options):  # the newest comes first
        pairs.select(option)
    app.run()
    return press(app, "Explain and propose captions")


def test_the_bundled_story_is_shown_without_opening_what_is_there(open_app, tmp_path, monkeypatch):
    monkeypatch.setenv("PAIRX_CATALOGUE", str(tmp_path / "nothing here"))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page(SHOWCASE).run()
    assert not app.exception and not said(app)
    shown = player(app)
    assert [scene["kind"] for scene in shown["scenes"]] == [
        "opening", "arrival", "candidates", "pair", "pair", "decision", "count", "ending",
    ]  # fmt: skip
    assert not shown["plays"] and shown["seconds"] < 240
    assert all(photo["url"] for photo in shown["photos"].values())
    marks = shown["scenes"][3]["marks"]
    assert [mark["number"] for mark in marks] == list(range(1, len(marks) + 1))
    assert all(0 < part < 1 for mark in marks for side in ("query", "candidate") for part in mark[side])


def test_an_address_makes_it_run_by_itself_again_and_again(open_app, herd):
    app = open_app(herd, play="1")
    shown = player(at(app, SHOWCASE))
    assert shown["plays"] and shown["repeats"]


def test_a_story_is_made_of_reviewed_pairs_saved_and_shown(making, herd):
    assert not said(making)
    shown = player(making)
    assert [scene["kind"] for scene in shown["scenes"]].count("pair") == 2
    assert [one["decision"] for one in shown["scenes"][5]["pairs"]] == ["accept", "reject"]
    (count,) = (scene for scene in shown["scenes"] if scene["kind"] == "count")
    assert count["counts"] == [
        ["photographs without a name", 2, 1],
        ["animals at the most, each photograph without a name counted as one", 6, 5],
    ]
    making.text_input(key="story_title").set_value("A/B: “day”").run()
    assert player(making)["title"] == "A/B: “day”"
    arrival = next(one for one in making.text_area if one.label == "The photograph arrives")
    arrival.set_value("Look who is here.").run()
    press(making, "Explain and propose captions")  # anew, which keeps what was written
    press(making, "Save beside the photographs")
    file = herd.parent / "A_B_day.story.toml"
    assert str(file).replace("_", "\\_") in said(making)
    story = read_story(file)
    assert story.title == "A/B: “day”" and story.chapters[0].arrival == "Look who is here."
    app = at(making, SHOWCASE)
    app.selectbox(key="story").select(file.name).run()
    assert player(app)["title"] == "A/B: “day”"
    assert player(app)["scenes"][1]["steps"][0]["caption"] == "Look who is here."


def test_what_was_written_is_there_after_a_look_at_another_page(making):
    opening = next(one for one in making.text_area if one.label == "Opening")
    opening.set_value("Once upon a time.").run()
    at(making, "pages/queries.py")
    app = at(making, STORY)
    assert next(one for one in app.text_area if one.label == "Opening").value == "Once upon a time."
    assert player(app)["scenes"][0]["steps"][0]["caption"] == "Once upon a time."


def test_another_file_of_that_name_is_not_replaced(making, herd):
    file = herd.parent / "Who_is_this.story.toml"
    file.write_text("mine")
    press(making, "Save beside the photographs")
    assert "Who\\_is\\_this\\_2.story.toml" in said(making) and file.read_text() == "mine"
    press(making, "Save beside the photographs")  # again: the same file
    assert sorted(one.name for one in herd.parent.glob("*.toml")) == [
        "Who_is_this.story.toml",
        "Who_is_this_2.story.toml",
    ]


def test_matches_light_up_as_the_lines_say_and_what_is_no_line_is_told(making):
    lines = next(one for one in making.text_area if one.label == "Matches that light up")
    lines.set_value("3: The hip.\n1\n\n3: again\nnonsense\n99: far").run()
    assert "Left out: “3: again”" in said(making)
    marks, steps = (player(making)["scenes"][3][name] for name in ("marks", "steps"))
    assert len(marks) == 2 and [step["caption"] for step in steps[1:3]] == ["The hip.", "The hip."]


def test_the_verdict_that_reviewers_agree_on_is_told_whoever_spoke_last(open_app, herd):
    app = open_app(herd)
    press(app, "Accept")
    other = open_app(herd, "Ben", go="u0")
    press(other, "Unsure")
    pairs = at(other, STORY).multiselect(key="story_pairs")
    assert [option.split()[1:3] for option in pairs.options] == [["✓", "accepted"]]


def test_a_story_of_another_catalogue_begins_with_its_own_words(
    making, open_app, make_catalogue, monkeypatch
):
    opening = next(one for one in making.text_area if one.label == "Opening")
    opening.set_value("Of the first herd.").run()
    draft = making.session_state["story_draft"]
    making.session_state["story_draft"] = replace(draft, catalogue="/elsewhere/metadata.csv")
    making.run()
    assert not making.get("bidi_component")  # it is another catalogue's
    press(making, "Explain and propose captions")
    assert player(making)["scenes"][0]["steps"][0]["caption"].startswith("10 photographs, 4 known")


def test_names_are_never_markup(open_app, make_catalogue):
    rows = [
        ("k0", "[x](http://evil) <b>", "left", "2025-05-01", "spring"),
        ("u0", "unknown", "left", "2025-06-01", "dam"),
    ]
    app = open_app(make_catalogue(rows, "odd"))
    press(app, "Accept")
    app = at(app, STORY)
    pairs = app.multiselect(key="story_pairs")
    pairs.select(pairs.options[0]).run()
    press(app, "Explain and propose captions")
    written = "\n".join(one.value for one in app.markdown)
    assert "**\\[x\\](http" in written and "[x](http" not in written.replace("\\[x\\](http", "")


def test_without_decisions_there_is_nothing_to_tell(open_app, herd):
    app = at(open_app(herd), STORY)
    assert "No pair has been decided on yet" in said(app)


def test_a_story_of_another_catalogue_says_which_photo_is_missing(open_app, herd):
    story = (ROOT / "data_samples" / "showcase.story.toml").read_text(encoding="utf-8")
    (herd.parent / "other.story.toml").write_text(story, encoding="utf-8")
    app = at(open_app(herd), SHOWCASE)
    app.selectbox(key="story").select("other.story.toml").run()
    assert "“IMG\\_0041”, which is not in the catalogue" in said(app)
    assert not app.get("bidi_component")


def test_photos_that_changed_or_went_are_said(making, herd):
    press(making, "Save beside the photographs")
    file = next(herd.parent.glob("*.story.toml"))
    query, *others = parse_story(file.read_bytes(), "story").photos
    paint(herd.parent / f"{query}.jpg", 999)
    (herd.parent / f"{others[0]}.jpg").unlink()
    app = at(making, SHOWCASE)
    app.selectbox(key="story").select(file.name).run()
    assert not app.exception
    assert f"Changed since the story was made: {query}" in said(app)
    photo = player(app)["photos"][others[0]]
    assert "url" not in photo and Path(f"{others[0]}.jpg").name in photo["problem"]


def test_a_damaged_story_is_said_by_name_and_line(open_app, herd):
    (herd.parent / "bad.story.toml").write_text('format = "pairx-story"\nversion = 1\n', encoding="utf-8")
    app = at(open_app(herd), SHOWCASE)
    app.selectbox(key="story").select("bad.story.toml").run()
    assert "bad.story.toml: the story has no chapter" in said(app)
