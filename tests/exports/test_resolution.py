from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.decisions.decision import ADJUDICATED
from pairx_core.errors import ExportError
from pairx_core.exports.resolution import Resolution
from tests.exports.making import WHEN, kinds, made_up, named, resolved, say

LATER = WHEN + timedelta(days=1)


def identities(resolution: Resolution) -> dict[str, str | None]:
    return {photo: one.identity for photo, one in resolution.photos.items()}


# --- identities ------------------------------------------------------------------------------------------------------


def test_without_decisions_the_catalogue_is_kept():
    resolution = resolved(made_up(a="ann", b=None))
    assert identities(resolution) == {"a": "ann", "b": None}
    assert not any(one.changed or one.decided_by or one.decided_at for one in resolution.photos.values())
    assert resolution.left_open == ()


def test_an_accepted_photo_gets_the_name_of_the_catalogue():
    resolution = resolved(made_up(a="ann", a2="ann", u=None), say("u", "a", "accept"))
    assert identities(resolution) == {"a": "ann", "a2": "ann", "u": "ann"}
    assert [one.photo_id for one in resolution.photos.values() if one.changed] == ["u"]


def test_who_decided_and_when_is_of_the_accepted_pairs():
    resolution = resolved(
        made_up(a="ann", a2="ann", u=None, v=None),
        say("u", "a", "accept", "Ben"),
        say("u", "a", "unsure", "Dan", decided_at=LATER + timedelta(days=9)),
        say("v", "u", "accept", "Cleo", decided_at=LATER),
    )
    for photo in "uva":
        assert (resolution.of(photo).decided_by, resolution.of(photo).decided_at) == (("Ben", "Cleo"), LATER)
    assert resolution.of("a2").decided_by == ()  # nobody looked at it: the catalogue says so
    assert resolution.reviewers == ("Ben", "Cleo")


def test_times_are_written_in_utc():
    east = timezone(timedelta(hours=3))
    resolution = resolved(
        made_up(a="ann", u=None), say("u", "a", "accept", decided_at=datetime(2026, 3, 1, 15, tzinfo=east))
    )
    assert resolution.of("u").decided_at == WHEN
    assert resolution.of("u").decided_at.tzinfo is UTC


def test_an_adjudication_counts_alone():
    resolution = resolved(
        made_up(a="ann", u=None),
        say("u", "a", "accept", "Ben"),
        say("u", "a", "reject", "Cleo"),
        say("u", "a", "accept", "Ada", decided_at=LATER, tags=(ADJUDICATED,)),
    )
    assert identities(resolution)["u"] == "ann"
    assert resolution.of("u").decided_by == ("Ada",)
    assert resolution.left_open == ()


def test_a_given_name_holds_for_the_group_with_who_gave_it():
    resolution = resolved(
        made_up(u=None, v=None, w=None),
        say("u", "v", "accept"),
        names=(named("v", "Notch", at=LATER),),
    )
    assert identities(resolution) == {"u": "Notch", "v": "Notch", "w": None}
    assert (resolution.of("u").decided_by, resolution.of("u").decided_at) == (("Ada", "Ben"), LATER)


def test_a_single_photo_can_be_named():
    resolution = resolved(made_up(u=None), names=(named("u", "Notch"),))
    assert resolution.of("u").identity == "Notch"
    assert resolution.of("u").decided_by == ("Ada",)


def test_decisions_on_other_photos_do_not_count():
    resolution = resolved(
        made_up(a="ann"),
        say("a", "elsewhere", "unsure"),
        say("x", "y", "accept"),
        names=(named("x", "Notch"),),
    )
    assert identities(resolution) == {"a": "ann"}
    assert resolution.left_open == ()


def test_a_resolution_of_another_catalogue_is_refused():
    with pytest.raises(ExportError, match="another catalogue, without the photo “b”"):
        resolved(made_up(a="ann")).of("b")


# --- what is open ----------------------------------------------------------------------------------------------------


def test_a_contradiction_is_listed_and_nothing_is_guessed():
    resolution = resolved(
        made_up(a="ann", u=None, v=None, b="bo"),
        say("a", "u", "accept"),
        say("u", "v", "accept"),
        say("a", "v", "reject"),
        names=(named("v", "Notch"),),
    )
    assert identities(resolution) == {"a": "ann", "u": None, "v": None, "b": "bo"}
    assert not any(one.decided_by for one in resolution.photos.values())
    finding = resolution.left_open[0]
    assert (finding.kind, finding.photo_ids) == ("contradiction", ("a", "u", "v"))
    assert "“a” and “v” are rejected, and yet joined" in finding.message
    assert resolution.open_photos >= {"a", "u", "v"}


def test_a_rejected_pair_of_one_name_is_a_contradiction():
    resolution = resolved(made_up(a="ann", a2="ann"), say("a", "a2", "reject"))
    assert kinds(resolution.left_open) == ["contradiction"]
    assert identities(resolution) == {"a": "ann", "a2": "ann"}


def test_one_individual_with_two_names_keeps_both_as_they_were():
    resolution = resolved(made_up(a="ann", b="bo", u=None), say("a", "u", "accept"), say("u", "b", "accept"))
    assert identities(resolution) == {"a": "ann", "b": "bo", "u": None}
    assert kinds(resolution.left_open) == ["name_clash"]
    assert "“ann” and “bo”" in resolution.left_open[0].message


def test_two_given_names_for_one_individual_are_a_clash():
    resolution = resolved(
        made_up(u=None, v=None),
        say("u", "v", "accept"),
        names=(named("u", "Notch"), named("v", "Wide Ear")),
    )
    assert identities(resolution) == {"u": None, "v": None}
    assert kinds(resolution.left_open) == ["name_clash"]


@pytest.mark.parametrize("names", [("Notch", "Notch"), ("ann", "Wide Ear")])
def test_a_name_does_not_join_what_no_decision_joins(names):
    resolution = resolved(
        made_up(a="ann", u=None, v=None), names=(named("u", names[0]), named("v", names[1]))
    )
    assert identities(resolution)["u"] is None
    assert kinds(resolution.left_open) == ["shared_name"]


def test_the_name_in_the_catalogue_goes_before_a_given_one():
    resolution = resolved(
        made_up(a="ann", u=None), say("a", "u", "accept"), names=(named("u", "Notch", by="Ada"),)
    )
    assert identities(resolution)["u"] == "ann"
    assert resolution.of("u").decided_by == ("Ben",)
    assert kinds(resolution.left_open) == ["name_not_used"]


def test_disagreement_is_listed_and_joins_nothing():
    resolution = resolved(
        made_up(a="ann", u=None), say("u", "a", "accept", "Ben"), say("u", "a", "reject", "Cleo")
    )
    assert identities(resolution)["u"] is None
    assert kinds(resolution.left_open) == ["disagreement", "suggested_merge"]
    assert resolution.left_open[0].photo_ids == ("a", "u")


def test_unsure_pairs_are_listed_and_join_nothing():
    resolution = resolved(made_up(a="ann", u=None), say("u", "a", "unsure"))
    assert identities(resolution)["u"] is None
    assert kinds(resolution.left_open) == ["unsure", "suggested_merge"]


def test_a_suggested_merge_names_both_individuals():
    resolution = resolved(made_up(a="ann", b="bo"), say("a", "b", "unsure"))
    message = resolution.left_open[-1].message
    assert "“ann” and “bo” may be one individual" in message


def test_joined_photos_that_nobody_named_are_unknown_and_listed():
    resolution = resolved(made_up(u=None, v=None, w=None), say("u", "v", "accept"))
    assert identities(resolution) == {"u": None, "v": None, "w": None}
    assert kinds(resolution.left_open) == ["unnamed_group"]
    assert resolution.left_open[0].photo_ids == ("u", "v")


# --- whatever is decided ---------------------------------------------------------------------------------------------

PHOTOS = {"a": "ann", "a2": "ann", "b": "bo", "u": None, "v": None, "w": None}
_pairs = st.tuples(st.sampled_from(list(PHOTOS)), st.sampled_from(list(PHOTOS))).filter(
    lambda two: two[0] != two[1]
)
decided = st.lists(
    st.builds(
        lambda pair, verdict, reviewer: say(*pair, verdict, reviewer),
        _pairs,
        st.sampled_from(["accept", "accept", "reject", "unsure", "not_comparable"]),
        st.sampled_from(["Ben", "Cleo"]),
    ),
    max_size=12,
)
given_names = st.lists(
    st.builds(named, st.sampled_from(list(PHOTOS)), st.sampled_from(["Notch", "ann", "Wide Ear"])), max_size=3
)


@settings(deadline=None, max_examples=150)
@given(decided, given_names)
def test_rejected_photos_share_a_name_only_where_the_catalogue_says_so(decisions, names):
    resolution = resolved(made_up(**PHOTOS), *decisions, names=tuple(names))
    last = {}
    for row in decisions:
        last[frozenset((row.query_id, row.candidate_id)), row.reviewer] = row
    for pair in {pair for pair, _ in last}:
        said = {row.decision for (of, _), row in last.items() if of == pair}
        one, other = (resolution.of(photo) for photo in sorted(pair))
        if "reject" in said and "accept" not in said and one.identity and one.identity == other.identity:
            assert one.before == other.before == one.identity


@settings(deadline=None, max_examples=150)
@given(decided, given_names)
def test_whatever_changes_has_somebody_who_said_so(decisions, names):
    resolution = resolved(made_up(**PHOTOS), *decisions, names=tuple(names))
    for one in resolution.photos.values():
        assert not one.changed or (one.decided_by and one.decided_at)
        assert one.identity == one.before or one.before is None  # no name of the catalogue is ever replaced


@settings(deadline=None, max_examples=100)
@given(decided, given_names, st.randoms())
def test_the_order_of_the_photos_does_not_matter(decisions, names, random):
    shuffled = list(PHOTOS.items())
    random.shuffle(shuffled)
    one = resolved(made_up(**PHOTOS), *decisions, names=tuple(names))
    other = resolved(made_up(**dict(shuffled)), *decisions, names=tuple(names))
    assert identities(one) == identities(other)
