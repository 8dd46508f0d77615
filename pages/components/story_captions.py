"""Writing a story's captions, and which matches light up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import streamlit as st

from pages.components import saying, state
from pages.components.words import DECISIONS, file_name, identity
from pairx_core.catalogue import Catalogue
from pairx_core.stories import Chapter, Shown, Story, StoryPair, scenes

_LONGEST = 240  # letters of a caption that are read from a screen across a room
_MOST_SHOWN = 60  # matches of a pair
_MOST_MINUTES = 4  # that an audience has
_LINE = re.compile(r"^\s*(\d{1,4})\s*[:.)]?\s*(.*?)\s*$")


def fields(draft: state.StoryDraft, catalogue: Catalogue) -> None:
    """Fields for all captions; :func:`written` reads them."""
    story, key = draft.story, _key(draft)
    pictures = iter(draft.pictures)
    _caption("Opening", story.opening, f"{key}-opening")
    for number, chapter in enumerate(story.chapters):
        query = saying.plain(file_name(catalogue.photo(chapter.query)))
        with st.expander(f"Chapter {number + 1}: {query}", expanded=number == 0):
            _chapter(chapter, catalogue, pictures, f"{key}-{number}")
    _caption("Ending", story.ending, f"{key}-ending")
    _tell_length(written(draft))


def written(draft: state.StoryDraft) -> Story:
    """The story with what is in the fields, or would be in them."""
    story, key = draft.story, _key(draft)
    chapters = []
    for number, chapter in enumerate(story.chapters):
        of = f"{key}-{number}"
        texts = {name: state.written(f"{of}-{name}", getattr(chapter, name)) for name in _OF_CHAPTER}
        pairs = tuple(_written_pair(pair, f"{of}-{at}") for at, pair in enumerate(chapter.pairs))
        chapters.append(replace(chapter, pairs=pairs, **texts))
    return replace(
        story,
        opening=state.written(f"{key}-opening", story.opening),
        ending=state.written(f"{key}-ending", story.ending),
        chapters=tuple(chapters),
    )


_OF_CHAPTER = {
    "arrival": "The photograph arrives",
    "proposed": "The model's candidates",
    "decided": "The decision",
    "counted": "What has changed",
}


def _written_pair(pair: StoryPair, key: str) -> StoryPair:
    lines = state.written(f"{key}-shown", _as_lines(pair.shown))
    return replace(
        pair,
        caption=state.written(f"{key}-caption", pair.caption),
        closing=state.written(f"{key}-closing", pair.closing),
        shown=tuple(shown for shown in _shown(lines, len(pair.matches)) if isinstance(shown, Shown))[
            :_MOST_SHOWN
        ],
    )


def _key(draft: state.StoryDraft) -> str:
    return f"story-{draft.number}"


def _tell_length(story: Story) -> None:
    minutes, seconds = divmod(round(sum(scene.seconds for scene in scenes(story))), 60)
    said = f"By itself it takes {minutes}:{seconds:02d} minutes."
    if minutes >= _MOST_MINUTES:
        said += " That is long: shorten captions, or let fewer matches light up."
    st.caption(said)


def _chapter(chapter: Chapter, catalogue: Catalogue, pictures: Iterator[bytes], key: str) -> None:
    for name in ("arrival", "proposed"):
        _caption(_OF_CHAPTER[name], getattr(chapter, name), f"{key}-{name}")
    for number, pair in enumerate(chapter.pairs):
        who = identity(catalogue.photo(pair.candidate))
        _, word = DECISIONS[pair.decision]
        st.markdown(f"**{saying.plain(who)}**, {word}")
        _pair(pair, who, next(pictures, None), f"{key}-{number}")
    _caption(_OF_CHAPTER["decided"], chapter.decided, f"{key}-decided")
    if chapter.before != chapter.after:
        _caption(_OF_CHAPTER["counted"], chapter.counted, f"{key}-counted")


def _pair(pair: StoryPair, who: str, picture: bytes | None, key: str) -> None:
    _caption("Before the first match", pair.caption, f"{key}-caption")
    if picture is not None:
        st.image(picture, alt=f"The query and {who}, joined by numbered matches")
    lines = st.text_area(
        "Matches that light up",
        _as_lines(pair.shown),
        height=160,
        key=f"{key}-shown",
        persist_state="session",
        help="One a line, in their order: the number on the picture, a colon, and what is said. Without words the "
        "caption before it stays.",
    )
    wrong = [line for line in _shown(lines or "", len(pair.matches)) if isinstance(line, str)]
    if wrong:
        saying.warning(
            f"Left out: “{wrong[0][:60]}”. A line begins with a number from 1 to {len(pair.matches)}, and each match "
            "lights up once."
        )
    _caption("After the last match", pair.closing, f"{key}-closing")


def _as_lines(shown: tuple[Shown, ...]) -> str:
    return "\n".join(f"{one.match}: {one.says}".rstrip() for one in shown)


def _shown(lines: str, most: int) -> Iterator[Shown | str]:
    """The matches that lines name; a line that names none, or one that there was before, as it is."""
    seen: set[int] = set()
    for line in filter(str.strip, lines.splitlines()):
        found = _LINE.match(line)
        number = int(found[1]) if found else 0
        if found is None or not 1 <= number <= most or number in seen:
            yield line.strip()
            continue
        seen.add(number)
        yield Shown(number, found[2])


def _caption(label: str, text: str, key: str) -> None:
    written = st.text_area(label, text, height=68, key=key, persist_state="session") or ""
    if len(written) > _LONGEST:
        st.caption(f"{len(written):,} letters: more than can be read from across a room.")
