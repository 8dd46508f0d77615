"""Captions that a story begins with: what happens, in plain words; teams write their own in their place."""

from __future__ import annotations

from dataclasses import replace

from pairx_core.catalogue import Catalogue, Photo
from pairx_core.stories.story import Chapter, Story, StoryPair

_CLOSING = {
    "accept": "The reviewer found the marks to match: the same animal.",
    "reject": "The model found something to match here, too. The reviewer found the marks to differ: another animal.",
    "not_comparable": "What would tell the animals apart is not seen on both photographs.",
    "unsure": "Not enough to be sure. That is recorded, too.",
}
_DECIDED = {
    "accept": "accepts {name}",
    "reject": "rejects {name}",
    "not_comparable": "finds {name} not comparable",
    "unsure": "stays unsure about {name}",
}


def proposed(story: Story, catalogue: Catalogue) -> Story:
    """The story with a caption wherever it has none."""
    photos = len(catalogue.photos)
    known = len(catalogue.individuals)
    opening = f"{photos:,} photographs, {known:,} known individuals."
    if any(not catalogue.photo(chapter.query).is_known for chapter in story.chapters):
        opening += " Who is on the new one?"
    ending = "Every decision is kept: who decided, when, on which pair, and what they saw."
    return replace(
        story,
        opening=story.opening or opening,
        ending=story.ending or ending,
        chapters=tuple(_chapter(chapter, catalogue) for chapter in story.chapters),
    )


def carried_over(story: Story, before: Story) -> Story:
    """A story that was made anew, with what was written for the same chapters and pairs before.

    What the captions of a decision say hangs on the chapter's pairs: they are kept where those are the same.
    """
    known = {chapter.query: chapter for chapter in before.chapters}
    chapters = tuple(
        _carried(chapter, known[chapter.query]) if chapter.query in known else chapter
        for chapter in story.chapters
    )
    return replace(story, opening=before.opening, ending=before.ending, chapters=chapters)


def _carried(chapter: Chapter, before: Chapter) -> Chapter:
    known = {(pair.candidate, pair.decision): pair for pair in before.pairs}
    pairs = []
    for pair in chapter.pairs:
        old = known.get((pair.candidate, pair.decision))
        is_same = old is not None and old.matches == pair.matches
        pairs.append(old if old is not None and is_same else pair)
    kept = replace(chapter, arrival=before.arrival, proposed=before.proposed, pairs=tuple(pairs))
    if [(pair.candidate, pair.decision) for pair in pairs] == list(known):
        return replace(kept, decided=before.decided, counted=before.counted)
    return kept


def _chapter(chapter: Chapter, catalogue: Catalogue) -> Chapter:
    query = catalogue.photo(chapter.query)
    count = len(chapter.candidates)
    proposed = (
        f"The model proposes {'photographs that look alike' if count > 1 else 'one photograph that looks alike'}. It "
        "ranks; it does not decide."
        if count
        else "The model proposes nobody."
    )
    return replace(
        chapter,
        arrival=chapter.arrival or _arrival(query),
        proposed=chapter.proposed or proposed,
        decided=chapter.decided or _decided(chapter, catalogue),
        counted=chapter.counted or _counted(chapter),
        pairs=tuple(_pair(pair, catalogue.photo(pair.candidate)) for pair in chapter.pairs),
    )


def _arrival(photo: Photo) -> str:
    when = "" if photo.date is None else f", {photo.date.day} {photo.date:%B %Y}"
    where = f", {photo.site}" if photo.site else ""
    return f"A photograph{f' of {photo.identity}' if photo.identity else ' arrives'}{when}{where}."


def _pair(pair: StoryPair, candidate: Photo) -> StoryPair:
    caption = f"Is it {_who(candidate)}? Lines join the places that the model matched."
    return replace(pair, caption=pair.caption or caption, closing=pair.closing or _CLOSING[pair.decision])


def _decided(chapter: Chapter, catalogue: Catalogue) -> str:
    said = [
        _DECIDED[pair.decision].format(name=_who(catalogue.photo(pair.candidate))) for pair in chapter.pairs
    ]
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"The reviewer {listed}."


def _counted(chapter: Chapter) -> str:
    if chapter.after.individuals < chapter.before.individuals:
        return "One question less: photographs that seemed to be of two animals are of one."
    return "What is known of the animals has changed."


def _who(photo: Photo) -> str:
    return photo.identity or f"the animal on {photo.path.name}"
