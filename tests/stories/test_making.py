"""Making stories: what is computed, what is proposed to say, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from pairx_core import read_catalogue
from pairx_core.errors import StoryError
from pairx_core.retrieval import Candidate
from pairx_core.stories import Chosen, Count, Shown, carried_over, is_changed, make_story
from tests.conftest import paint


@dataclass
class Matches:
    query_xy: np.ndarray
    candidate_xy: np.ndarray


@dataclass
class Explanation:
    matches: Matches


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Six photos: two of ann, two of bob, two of nobody known."""
    folder = tmp_path_factory.mktemp("photos")
    lines = ["image_id,identity,path,date,site"]
    for number, name in enumerate(["ann", "ann", "bob", "bob", "unknown", "unknown"]):
        paint(folder / f"p{number}.jpg", number)
        lines.append(f"p{number},{name},p{number}.jpg,2025-06-{number + 1:02d},spring")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_catalogue(folder / "metadata.csv")


def explain(query, candidate) -> Explanation:
    """Thirty matches along a line, 3 pixels from one to the next."""
    places = np.arange(30, dtype=np.float32)[:, None] * np.array([[3.0, 1.0]], np.float32) + 10.04
    return Explanation(Matches(places, places + 1))


def made(catalogue, *chosen: Chosen, **more):
    def propose(query):
        others = [photo for photo in catalogue.photos if photo.id != query.id]
        return [Candidate(photo, 0.9 - rank / 10, rank) for rank, photo in enumerate(others[:5], 1)]

    return make_story("Who?", chosen, catalogue, propose=propose, explain=explain, **more)


def test_pairs_of_one_query_are_one_chapter_and_told_in_the_order_in_which_they_were_chosen(catalogue):
    story = made(
        catalogue, Chosen("p4", "p2", "reject"), Chosen("p4", "p0", "accept"), Chosen("p5", "p4", "unsure")
    )
    assert [chapter.query for chapter in story.chapters] == ["p4", "p5"]
    assert [(pair.candidate, pair.decision) for pair in story.chapters[0].pairs] == [
        ("p2", "reject"),
        ("p0", "accept"),
    ]
    assert [(one.photo, one.score) for one in story.chapters[0].candidates][:2] == [
        ("p0", "0.80"),
        ("p1", "0.70"),
    ]


def test_individuals_are_counted_by_names_and_the_decisions_told_so_far(catalogue):
    story = made(
        catalogue, Chosen("p4", "p0", "accept"), Chosen("p5", "p2", "reject"), Chosen("p5", "p4", "accept")
    )
    first, second = story.chapters
    assert (first.before, first.after) == (Count(4, 2), Count(3, 1))
    assert (second.before, second.after) == (Count(3, 1), Count(2, 0))


def test_matches_that_light_up_are_those_chosen_or_a_few_that_lie_apart(catalogue):
    story = made(catalogue, Chosen("p4", "p0", "accept", (7, 2, 7, 99)), Chosen("p5", "p2", "reject"))
    chosen, proposed = (chapter.pairs[0] for chapter in story.chapters)
    assert [one.match for one in chosen.shown] == [7, 2]
    assert [one.match for one in proposed.shown] == [
        1,
        4,
        7,
        10,
        13,
        16,
    ]  # over a tenth of the photo from each other
    assert len(chosen.matches) == 20 and chosen.matches[1].query_xy == (13.0, 11.0)


def test_another_matchers_score_is_told_as_it_came(catalogue):
    unscored = [
        Candidate(catalogue.photo("p0"), float("nan"), 1),
        Candidate(catalogue.photo("p1"), 0.1, 2, "12 pts"),
    ]
    story = make_story(
        "Who?", [Chosen("p4", "p0", "accept")], catalogue, propose=lambda _: unscored, explain=explain
    )
    assert [one.score for one in story.chapters[0].candidates] == ["", "12 pts"]


def test_captions_say_what_happens(catalogue):
    chapter = made(catalogue, Chosen("p4", "p0", "accept"), Chosen("p4", "p2", "reject")).chapters[0]
    assert chapter.arrival == "A photograph arrives, 5 June 2025, spring."
    assert chapter.decided == "The reviewer accepts ann and rejects bob."
    assert "same animal" in chapter.pairs[0].closing and "another animal" in chapter.pairs[1].closing
    assert "bob" in chapter.pairs[1].caption


def test_progress_is_told_pair_by_pair(catalogue):
    told = []
    chosen = [Chosen("p4", "p0", "accept"), Chosen("p5", "p2", "reject")]
    made(catalogue, *chosen, tell=lambda done, total: told.append((done, total)))
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_what_was_written_is_kept_when_a_story_is_made_anew(catalogue):
    before = made(catalogue, Chosen("p4", "p0", "accept"), Chosen("p5", "p2", "reject"))
    first, second = before.chapters
    pair = replace(first.pairs[0], caption="Look at the hip.", shown=(Shown(3, "Here."),))
    written = replace(
        before,
        ending="The end.",
        chapters=(replace(first, arrival="At last!", decided="Yes.", pairs=(pair,)), second),
    )
    again = carried_over(
        made(
            catalogue,
            Chosen("p5", "p3", "accept"),
            Chosen("p4", "p0", "accept"),
            Chosen("p4", "p2", "reject"),
        ),
        written,
    )
    other, same = again.chapters
    assert again.ending == "The end." and same.arrival == "At last!"
    assert same.pairs[0] == pair
    assert same.decided == "The reviewer accepts ann and rejects bob."  # it has another pair now
    assert other.pairs[0].candidate == "p3" and other.decided == "The reviewer accepts bob."
    assert carried_over(before, written).chapters[0].decided == "Yes."


def test_a_photo_that_has_changed_is_noticed(catalogue, tmp_path):
    story = made(catalogue, Chosen("p4", "p0", "accept"))
    photo = catalogue.photo("p4")
    assert not is_changed(photo, story.digests)
    paint(tmp_path / "other.jpg", 99)
    assert is_changed(replace(photo, path=tmp_path / "other.jpg"), story.digests)
    assert not is_changed(replace(photo, path=tmp_path / "other.jpg"), {})


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ([], "needs one reviewed pair"),
        ([Chosen("p4", "gone", "accept")], "photo “gone” is not in the catalogue .*metadata.csv"),
        ([Chosen("p4", "p0", "accept")] * 13, "12 pairs at the most, and 13 were chosen"),
        ([Chosen("p4", "p4", "accept")], "“p4” is paired with itself"),
    ],
)
def test_what_cannot_be_told_is_refused(catalogue, chosen, said):
    with pytest.raises(StoryError, match=said):
        made(catalogue, *chosen)
