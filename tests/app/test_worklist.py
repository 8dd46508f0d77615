"""The worklist and its columns against plain loops over all photos."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.components.by_record import ByRecordBook
from pages.components.candidate_lists import CandidateLists
from pages.components.query_status import DISAGREED, UNSURE, QueryStatus
from pages.components.roster import Queries, Roster, Wanted
from pages.components.worklist import QueryFilters, VerdictsOf, Worklist
from pairx_core.catalogue import Photo
from pairx_core.decisions import Decision
from pairx_core.decisions.followed import FollowedDecisions
from pairx_core.retrieval import Candidate, CandidateFilters

FILTERS = CandidateFilters()
ENOUGH = 2
CANDIDATES = ["a", "b", "c"]
_WORDS = st.sampled_from([None, "one", "two"])
_PHOTOS = st.lists(st.tuples(_WORDS, _WORDS, _WORDS, st.booleans(), st.sampled_from("xyZ")), max_size=9)
_SAID = st.dictionaries(
    st.tuples(st.integers(0, 8), st.sampled_from(CANDIDATES)),
    st.sampled_from(["accept", "reject", "unsure", "not_comparable"]),
)
_STANDINGS = st.sets(st.sampled_from([*(one.value for one in QueryStatus), UNSURE, DISAGREED]), max_size=2)
_FILTERS = st.builds(
    QueryFilters,
    open_only=st.booleans(),
    standings=_STANDINGS.map(frozenset),
    species=st.sets(st.sampled_from(["one", "two"]), max_size=1).map(frozenset),
    flanks=st.sets(st.sampled_from(["one", "two"]), max_size=1).map(frozenset),
    sites=st.sets(st.sampled_from(["one", "two"]), max_size=1).map(frozenset),
    name=st.sampled_from(["", "X", "z."]),
)


def photos_of(drawn) -> list[Photo]:
    return [
        Photo(
            id=f"q{number}",
            path=Path(f"/photos/{letter}.jpg"),
            identity="ann" if is_known else None,
            species=species,
            flank=flank,
            site=site,
        )
        for number, (species, flank, site, is_known, letter) in enumerate(drawn)
    ]


def candidates_of(query: Photo) -> list[Candidate]:
    """The last photos have fewer candidates, and one of them none."""
    count = {"q7": 1, "q8": 0}.get(query.id, 2)
    return [
        Candidate(Photo(one, Path(f"/{one}.jpg")), 0.5, at) for at, one in enumerate(CANDIDATES[:count], 1)
    ]


def record_of(said) -> tuple[Decision, ...]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(
        Decision(f"d{at}", now, "Ann", "", f"q{query}", candidate, verdict)
        for at, ((query, candidate), verdict) in enumerate(said.items())
    )


def plain_status(query: Photo, said) -> str:
    decided = {candidate: verdict for (of, candidate), verdict in said.items() if f"q{of}" == query.id}
    shown = [decided.get(one.photo.id) for one in candidates_of(query)]
    if "accept" in decided.values():
        return QueryStatus.ACCEPTED.value
    if not shown:
        return QueryStatus.EMPTY.value
    if None in shown:
        return QueryStatus.OPEN.value
    return (QueryStatus.ALL_REJECTED if set(shown) == {"reject"} else QueryStatus.REVIEWED).value


def status_by_record(query: Photo, said) -> str:
    decided = {candidate: verdict for (of, candidate), verdict in said.items() if f"q{of}" == query.id}
    if "accept" in decided.values():
        return QueryStatus.ACCEPTED.value
    if len(decided) < ENOUGH:
        return QueryStatus.OPEN.value
    is_rejected = set(decided.values()) == {"reject"}
    return (QueryStatus.ALL_REJECTED if is_rejected else QueryStatus.REVIEWED).value


def passes(query: Photo, status: str, said, wanted: QueryFilters, disagreed) -> bool:
    stands = {status}
    stands |= {UNSURE for (of, _), verdict in said.items() if f"q{of}" == query.id and verdict == "unsure"}
    stands |= {DISAGREED} if query.id in disagreed else set()
    return (
        (not wanted.species or query.species in wanted.species)
        and (not wanted.flanks or query.flank in wanted.flanks)
        and (not wanted.sites or query.site in wanted.sites)
        and wanted.name.casefold() in query.path.name.casefold()
        and (not wanted.open_only or status == QueryStatus.OPEN.value)
        and (not wanted.standings or not wanted.standings.isdisjoint(stands))
    )


def worklist_of(photos: Sequence[Photo], said, wanted: QueryFilters, *, is_large: bool = False) -> Worklist:
    roster, standing = Roster(photos), FollowedDecisions().look(record_of(said)).of("Ann")
    return Worklist(
        queries=roster.queries(),
        decided=VerdictsOf(standing.by_query),
        candidates_of=candidates_of,
        filters=wanted,
        disagreed=frozenset({"q1"}),
        by_record=ByRecordBook(roster, ENOUGH).of("Ann", standing) if is_large else None,
    )


@settings(deadline=None)
@given(_PHOTOS, _SAID, _FILTERS)
def test_a_small_list_is_walked_as_a_plain_loop_would(drawn, said, wanted):
    photos = photos_of(drawn)
    worklist = worklist_of(photos, said, wanted)
    status = {query.id: plain_status(query, said) for query in photos}
    passing = [query for query in photos if passes(query, status[query.id], said, wanted, {"q1"})]
    assert list(worklist.matching) == passing
    done = {QueryStatus.ACCEPTED.value, QueryStatus.ALL_REJECTED.value, QueryStatus.REVIEWED.value}
    touched = {f"q{query}" for query, _ in said}
    assert worklist.done_count == sum(status[one.id] in done and one.id in touched for one in photos)
    for at, here in enumerate(photos):
        around = [*photos[at + 1 :], *photos[: at + 1]]
        to_do = [one for one in around if one in passing]
        to_do = [one for one in to_do if (one != here if wanted.standings else status[one.id] == "open")]
        assert worklist.next_open(here.id) == next(iter(to_do), None)
        assert worklist.step(here.id, 1) == next((one for one in photos[at + 1 :] if one in passing), None)
        assert worklist.step(here.id, -1) == next((one for one in photos[:at][::-1] if one in passing), None)


@settings(deadline=None)
@given(_PHOTOS, _SAID, _FILTERS)
def test_a_large_list_stands_as_the_record_says(drawn, said, wanted):
    photos = photos_of(drawn)
    worklist = worklist_of(photos, said, wanted, is_large=True)
    status = {query.id: status_by_record(query, said) for query in photos}
    passing = [query for query in photos if passes(query, status[query.id], said, wanted, {"q1"})]
    assert list(worklist.matching) == passing
    assert worklist.done_count == sum(one != QueryStatus.OPEN.value for one in status.values())
    following = worklist.next_open(None)
    if following is not None and not wanted.standings:
        assert following in passing
        assert status[following.id] == "open" and plain_status(following, said) == "open"


def test_codes_are_followed_decision_by_decision():
    photos = photos_of([(None, None, None, True, "x")] * 6)
    said = {(n % 6, one): ("reject", "unsure", "accept")[n % 3] for n in range(6) for one in CANDIDATES[:2]}
    book, followed, rows = ByRecordBook(Roster(photos), ENOUGH), FollowedDecisions(), record_of(said)
    for end in range(len(rows) + 1):
        codes = book.of("Ann", followed.look(rows[:end]).of("Ann")).codes
        anew = FollowedDecisions().look(rows[:end]).of("Ann")
        assert np.array_equal(codes, ByRecordBook(Roster(photos), ENOUGH).of("Ann", anew).codes)


def test_where_nothing_has_candidates_a_large_list_does_not_look_for_ever():
    photos = photos_of([(None, None, None, True, "x")] * 300)
    looked_at = []
    worklist = worklist_of(photos, {}, QueryFilters(), is_large=True)
    worklist = Worklist(
        worklist.queries,
        worklist.decided,
        lambda query: looked_at.append(query.id) or (),
        by_record=worklist.by_record,
    )
    assert worklist.next_open("q0") is not None
    assert len(looked_at) < 100


@given(_PHOTOS, st.booleans(), _FILTERS)
def test_columns_choose_what_a_loop_chooses(drawn, to_identify, asked):
    photos = photos_of(drawn)
    wanted = Wanted(to_identify, asked.species, asked.flanks, asked.sites, asked.name)
    found = Roster(photos).queries(wanted)
    plain = [
        one
        for one in photos
        if not (to_identify and one.is_known) and passes(one, "open", {}, QueryFilters(
            species=asked.species, flanks=asked.flanks, sites=asked.sites, name=asked.name), ())
    ]  # fmt: skip
    assert list(found) == plain and found[1:3] == tuple(plain[1:3])
    assert [found.position(one.id) for one in photos] == [
        plain.index(one) if one in plain else None for one in photos
    ]
    counts = {site: sum(one.site == site for one in plain) for site in ("one", "two")}
    assert found.sites == tuple(
        sorted(
            (site for site in counts if counts[site]),
            key=lambda site: (-counts[site], first(plain, photos, site)),
        )
    )


def first(plain, photos, site) -> int:
    return next(at for at, one in enumerate(photos) if one.site == site)


@pytest.mark.parametrize(("text", "found"), [("q3", 3), ("z.JPG", 1), ("Z.jpg", 2), ("x", 0), ("w", None)])
def test_a_query_is_found_by_id_or_file(text, found):
    photos = photos_of([(None, None, None, True, letter) for letter in "xzZx"])
    assert Queries.of(photos).find(text) == (None if found is None else photos[found])


class CountingPhotos(Sequence):
    """Photos that count how often one is looked at."""

    def __init__(self, photos):
        self.photos, self.looks = photos, 0

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, at):
        self.looks += 1
        return self.photos[at]


def test_a_run_of_a_page_does_not_go_through_all_photos():
    photos = CountingPhotos(photos_of([("one", "two", None, n % 2 == 0, "x") for n in range(5000)]))
    said = {(n, one): "reject" for n in range(40) for one in CANDIDATES[:2]}
    roster, followed = Roster(photos), FollowedDecisions()
    standing = followed.look(record_of(said)).of("Ann")
    book = ByRecordBook(roster, ENOUGH)
    photos.looks = 0
    for wanted in (QueryFilters(), QueryFilters(open_only=True, flanks=frozenset({"two"}), name="X")):
        worklist = Worklist(
            roster.queries(Wanted(to_identify=True)),
            VerdictsOf(standing.by_query),
            candidates_of,
            filters=wanted,
            by_record=book.of("Ann", standing),
        )
        assert (len(worklist.queries), worklist.done_count) == (2500, 20)
        assert worklist.next_open("q1").id == "q41"
        assert worklist.step("q41", 1).id == "q43"
        assert len(worklist.matching[24:48]) == 24
        worklist.upcoming("q41", 24)
    assert photos.looks < 200


class CountingIndex:
    """Answers, and counts how often it is gone through."""

    def __init__(self):
        self.passes: list[list[str]] = []

    def candidates_of(self, queries, k, filters):
        self.passes.append([query.id for query in queries])
        return [candidates_of(query)[:k] for query in queries]


def test_lists_of_a_page_are_looked_for_in_one_pass_and_remembered():
    index, photos = CountingIndex(), photos_of([(None, None, None, True, "x")] * 6)
    lists = CandidateLists(index, 2)
    lists.of(photos[1], FILTERS)
    lists.prepare(photos[:4], FILTERS)
    assert [lists.of(one, FILTERS) for one in photos[:4]] == [tuple(candidates_of(one)) for one in photos[:4]]
    assert index.passes == [["q1"], ["q0", "q2", "q3"]]
    lists.prepare_from(photos, FILTERS)  # the first is known
    assert len(index.passes) == 2


def test_what_comes_next_is_looked_for_meanwhile(monkeypatch):
    monkeypatch.setattr("pages.components.candidate_lists._REST_SECONDS", 0.01)
    index, photos = CountingIndex(), photos_of([(None, None, None, True, "x")] * 9)
    lists = CandidateLists(index, 2)
    lists.prepare_ahead(photos, FILTERS)
    lists._thread.join(10)
    assert [lists.of(one, FILTERS) for one in photos] == [tuple(candidates_of(one)) for one in photos]
    assert len(index.passes) == 1
    lists.prepare_ahead(photos, FILTERS)  # nothing is missing
    assert lists._thread is None and len(index.passes) == 1


def test_first_similarities_are_those_of_the_lists():
    index, photos = CountingIndex(), photos_of([(None, None, None, True, "x")] * 9)
    found = CandidateLists(index, 2).first_similarities(photos, FILTERS)
    assert found[:8].tolist() == [0.5] * 8 and np.isnan(found[8])
