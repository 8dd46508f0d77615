"""Story files: TOML that a person can correct, a few kilobytes for a story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import tomli_w

from pairx_core.errors import StoryError
from pairx_core.stories.story import (
    Chapter,
    Count,
    Shown,
    Story,
    StoryCandidate,
    StoryMatch,
    StoryPair,
    StoryVerdict,
)
from pairx_core.toml_files import parse_toml, read_toml_file

STORY_ENDING = ".story.toml"  # of a file's name
_FORMAT = "pairx-story"
_VERSION = 1
_WHAT = "story file"
_LONGEST = 256 << 10  # bytes; a story has some kilobytes
_MOST = {"chapters": 24, "pairs": 12, "candidates": 50, "shown": 60, "matches": 200}  # entries of a list
_GREATEST = 10**9  # of a whole number


def read_story(path: str | Path) -> Story:
    """Read a story file.

    Raises:
        StoryError: it is missing, cannot be read, or is no story; which entry is wrong is said.
    """
    file = Path(path)
    table = read_toml_file(file, what=_WHAT, longest=_LONGEST, error=StoryError)
    return _story(_Entry(table, str(file), ""))


def parse_story(content: bytes, name: str) -> Story:
    """A story from a file's content.

    Args:
        content: all of it.
        name: what messages call the file.

    Raises:
        StoryError: it is no story; which entry is wrong is said.
    """
    if len(content) > _LONGEST:
        raise StoryError(f"{name} is too large to be a {_WHAT}. Choose another file.")
    return _story(_Entry(parse_toml(content, name, what=_WHAT, error=StoryError), name, ""))


def story_text(story: Story) -> str:
    """A story as its file's content."""
    table: dict[str, Any] = {"format": _FORMAT, "version": _VERSION}
    names = ("title", "opening", "ending", "catalogue", "model", "layer", "departures")
    table |= {name: text for name in names if (text := getattr(story, name))}
    table["digests"] = dict(story.digests)
    table["chapters"] = [_chapter_table(chapter) for chapter in story.chapters]
    return tomli_w.dumps(table)


def _story(entry: _Entry) -> Story:
    name = entry.file
    if entry.table.get("format") != _FORMAT:
        raise StoryError(f'{name} is not a {_WHAT}: it has no line format = "{_FORMAT}".')
    version = entry.whole("version", 1)
    if version > _VERSION:
        raise StoryError(
            f"{name}: version is {version}, but this PAIR-X Review reads up to {_VERSION}. Install a newer one."
        )
    chapters = tuple(_chapter(one) for one in entry.entries("chapters"))
    if not chapters:
        raise StoryError(
            f"{name}: the story has no chapter. Write [[chapters]] with a query, or make it anew."
        )
    return Story(
        title=entry.text("title"),
        chapters=chapters,
        catalogue=entry.text("catalogue", ""),
        model=entry.text("model", ""),
        layer=entry.text("layer", ""),
        departures=entry.text("departures", ""),
        opening=entry.text("opening", ""),
        ending=entry.text("ending", ""),
        digests=entry.texts("digests"),
    )


def _chapter_table(chapter: Chapter) -> dict[str, Any]:
    names = ("query", "arrival", "proposed", "decided", "counted")
    return {
        **{name: text for name in names if (text := getattr(chapter, name))},
        "candidates": [{"photo": one.photo, "score": one.score} for one in chapter.candidates],
        "before": _count_table(chapter.before),
        "after": _count_table(chapter.after),
        "pairs": [_pair_table(pair) for pair in chapter.pairs],
    }


def _count_table(count: Count) -> dict[str, int]:
    return {"individuals": count.individuals, "unnamed": count.unnamed}


def _pair_table(pair: StoryPair) -> dict[str, Any]:
    names = ("candidate", "decision", "caption", "closing")
    return {
        **{name: text for name in names if (text := getattr(pair, name))},
        "shown": [{"match": one.match, **({"says": one.says} if one.says else {})} for one in pair.shown],
        "matches": [[*one.query_xy, *one.candidate_xy] for one in pair.matches],
    }


@dataclass(frozen=True, slots=True)
class _Entry:
    """A table of the file, and where it stands in it."""

    table: Mapping[str, Any]
    file: str
    place: str  # such as “chapters 1, pairs 2, ”

    def text(self, name: str, default: str | None = None) -> str:
        value = self.table.get(name, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(name, "a text in quotation marks")
        return value.strip()

    def whole(self, name: str, least: int) -> int:
        value = self.table.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _GREATEST:
            raise self.wrong(name, f"a whole number from {least}")
        return value

    def texts(self, name: str) -> dict[str, str]:
        value = self.table.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.wrong(name, "a table of texts")
        return dict(value)

    def entry(self, name: str) -> _Entry:
        value = self.table.get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "a table")
        return _Entry(value, self.file, f"{self.place}{name}, ")

    def entries(self, name: str) -> tuple[_Entry, ...]:
        value = self.table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(name, "a list of tables")
        if len(value) > _MOST[name]:
            raise StoryError(
                f"{self.file}: {self.place}{name} has {len(value):,} entries; there may be {_MOST[name]}."
            )
        return tuple(
            _Entry(one, self.file, f"{self.place}{name} {number}, ") for number, one in enumerate(value, 1)
        )

    def wrong(self, name: str, wanted: str) -> StoryError:
        said = "is missing" if name not in self.table else f"is {_quoted(self.table[name])}"
        return StoryError(f"{self.file}: {self.place}{name} {said}; it must be {wanted}.")


def _chapter(entry: _Entry) -> Chapter:
    pairs = tuple(_pair(one) for one in entry.entries("pairs"))
    if not pairs:
        raise entry.wrong("pairs", "one pair at least")
    return Chapter(
        query=entry.text("query"),
        candidates=tuple(
            StoryCandidate(one.text("photo"), one.text("score", "")) for one in entry.entries("candidates")
        ),
        pairs=pairs,
        before=_count(entry.entry("before")),
        after=_count(entry.entry("after")),
        arrival=entry.text("arrival", ""),
        proposed=entry.text("proposed", ""),
        decided=entry.text("decided", ""),
        counted=entry.text("counted", ""),
    )


def _count(entry: _Entry) -> Count:
    return Count(entry.whole("individuals", 0), entry.whole("unnamed", 0))


def _pair(entry: _Entry) -> StoryPair:
    verdicts: tuple[StoryVerdict, ...] = get_args(StoryVerdict)
    decision = next((one for one in verdicts if one == entry.table.get("decision")), None)
    if decision is None:
        raise entry.wrong("decision", f"one of {', '.join(verdicts)}")
    matches = tuple(_matches(entry))
    shown = tuple(Shown(one.whole("match", 1), one.text("says", "")) for one in entry.entries("shown"))
    beyond = next((one.match for one in shown if one.match > len(matches)), None)
    if beyond is not None:
        raise entry.wrong(
            "shown", f"of matches that there are: there is no match {beyond}, only {len(matches)}"
        )
    return StoryPair(
        candidate=entry.text("candidate"),
        decision=decision,
        matches=matches,
        shown=shown,
        caption=entry.text("caption", ""),
        closing=entry.text("closing", ""),
    )


def _matches(entry: _Entry) -> list[StoryMatch]:
    value = entry.table.get("matches", [])
    rows: list[Any] = value if isinstance(value, list) and len(value) <= _MOST["matches"] else [None]
    for row in rows:
        if not isinstance(row, list) or len(row) != 4 or not all(_is_place(one) for one in row):
            raise entry.wrong(
                "matches", "a list of [x, y, x, y], in pixels of the query and of the candidate"
            )
    return [StoryMatch((float(a), float(b)), (float(c), float(d))) for a, b, c, d in rows]


def _is_place(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e6 < value < 1e6


def _quoted(value: object) -> str:
    """A value as a message quotes it."""
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    if isinstance(value, int) and abs(value) > _GREATEST:
        return "a number that is too large"
    return str(value)
