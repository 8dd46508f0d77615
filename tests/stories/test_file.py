"""Story files: read as written, corrected by hand, and wrong in every way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairx_core.errors import StoryError
from pairx_core.stories import (
    Chapter,
    Count,
    Shown,
    Story,
    StoryCandidate,
    StoryMatch,
    StoryPair,
    parse_story,
    read_story,
    scenes,
    story_text,
)

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(str.strip)
names = texts.filter(bool)
places = st.tuples(*[st.floats(0, 9000).map(lambda one: round(one, 1))] * 2)
pairs = st.builds(
    StoryPair,
    names,
    st.sampled_from(["accept", "reject", "not_comparable", "unsure"]),
    st.just((StoryMatch((1.5, 2.0), (3.0, 4.5)),) * 3),
    st.lists(st.builds(Shown, st.integers(1, 3), texts), max_size=3).map(tuple),
    texts,
    texts,
)
counts = st.builds(Count, st.integers(0, 9999), st.integers(0, 9999))
chapters = st.builds(
    Chapter,
    names,
    st.lists(st.builds(StoryCandidate, names, texts), max_size=3).map(tuple),
    st.lists(pairs, min_size=1, max_size=2).map(tuple),
    counts,
    counts,
    texts,
    texts,
    texts,
    texts,
)
stories = st.builds(
    Story,
    names,
    st.lists(chapters, min_size=1, max_size=2).map(tuple),
    texts,
    texts,
    texts,
    texts,
    texts,
    texts,
    st.dictionaries(names, texts, max_size=2),
)


@given(stories)
def test_a_story_is_read_as_it_was_written(story):
    assert parse_story(story_text(story).encode(), "story") == story


@pytest.fixture
def content() -> str:
    pair = StoryPair("b", "accept", (StoryMatch((1, 2), (3, 4)),), (Shown(1, "Here."),), "Before.", "After.")
    chapter = Chapter(
        "a", (StoryCandidate("b", "0.90"),), (pair,), Count(3, 1), Count(2, 0), arrival="It comes."
    )
    return story_text(Story("Who?", (chapter,), digests={"a": "00", "b": "11"}))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1", "version = 2", "version is 2.*reads up to 1"),
        ("version = 1", "version = true", "version is True; it must be a whole number"),
        ('format = "pairx-story"', "", "has no line format"),
        ('title = "Who?"', "", "title is missing; it must be a text"),
        ('query = "a"', "query = 5", "chapters 1, query is 5; it must be a text"),
        ('decision = "accept"', 'decision = "yes"', "chapters 1, pairs 1, decision is 'yes'.*accept, reject"),
        ("match = 1", "match = 2", "pairs 1, shown .*there is no match 2, only 1"),
        ("match = 1", "match = 0", "shown 1, match is 0; it must be a whole number from 1"),
        ("individuals = 3", "individuals = -3", "before, individuals is -3"),
        ("[chapters.after]", "[chapters.later]", "after is missing; it must be a table"),
        ("[[chapters]]", "[chapters]", "chapters is a table; it must be a list of tables"),
        ("        3,", "        nan,", r"matches .* in pixels"),
        ("title =", "title", "is not a story file"),
        ("version = 1", "version = 0x" + "f" * 6000, "version is a number that is too large"),
        ("version = 1", "version = " + "9" * 6000, "is not a story file"),
        ("version = 1", "version = " + "[" * 6000, "is not a story file"),
        ('title = "Who?"', "title" + ".a" * 900 + " = 1", "title is a table; it must be a text"),
        (
            "    { match = 1",
            "    { match = 1 },\n" * 70 + "    { match = 1",
            "shown has 71 entries; there may be 60",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(content, old, new, said):
    assert old in content
    with pytest.raises(StoryError, match=f"(?s)my file.*{said}"):
        parse_story(content.replace(old, new).encode(), "my file")


def test_a_story_without_chapters_or_pairs_is_refused(content):
    start = content.index("[[chapters]]")
    with pytest.raises(StoryError, match="has no chapter"):
        parse_story(content[:start].encode(), "file")
    with pytest.raises(StoryError, match="chapters 1, pairs is missing"):
        parse_story(content[: content.index("[[chapters.pairs]]")].encode(), "file")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(StoryError, match=r"There is no story file .*gone.story.toml"):
        read_story(tmp_path / "gone.story.toml")
    with pytest.raises(StoryError, match=f"{tmp_path.name} cannot be read"):
        read_story(tmp_path)
    (tmp_path / "photo.story.toml").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(StoryError, match=r"photo.story.toml is not a story file"):
        read_story(tmp_path / "photo.story.toml")
    (tmp_path / "large.story.toml").write_bytes(b"#" * (300 << 10))
    with pytest.raises(StoryError, match="too large"):
        read_story(tmp_path / "large.story.toml")
    with pytest.raises(StoryError, match="brought is too large"):
        parse_story(b"#" * (300 << 10), "brought")


def test_a_byte_order_mark_and_windows_lines_are_read(content):
    assert parse_story(b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode(), "x").title == "Who?"


def test_a_story_runs_from_its_opening_to_its_ending_match_by_match(content):
    told = scenes(parse_story(content.encode(), "x"))
    assert [scene.kind for scene in told] == [
        "opening",
        "arrival",
        "candidates",
        "pair",
        "decision",
        "count",
        "ending",
    ]
    assert [step.caption for step in told[3].steps] == ["Before.", "Here.", "After."]
    assert all(step.seconds > 2 for scene in told for step in scene.steps)


def test_longer_captions_stay_longer_and_what_changes_nothing_is_not_counted(content):
    longer = parse_story(content.replace("It comes.", "It comes " + "slowly " * 20).encode(), "x")
    short = parse_story(
        content.replace("individuals = 3", "individuals = 2").replace("unnamed = 1", "unnamed = 0").encode(),
        "x",
    )
    assert scenes(longer)[1].seconds > 3 * scenes(short)[1].seconds
    assert "count" not in [scene.kind for scene in scenes(short)]
