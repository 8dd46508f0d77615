"""Going through queries: filters, jumps, none of these, other photos of an individual, others' decisions."""

from __future__ import annotations

import pytest

from pages.components.query_status import DISAGREED, UNSURE, QueryStatus
from pages.components.roster import Queries
from pages.components.worklist import QueryFilters, Worklist
from pairx_core.catalogue import Photo
from pairx_core.decisions import DecisionLog
from pairx_core.retrieval import Candidate

from .conftest import button, explained, html, pair, press, rows, viewer


def photo(name: str, tmp_path, **known) -> Photo:
    return Photo(id=name, path=tmp_path / f"{name}.jpg", **known)


def by_query(verdicts: dict[tuple[str, str], str]) -> dict[str, dict[str, str]]:
    """Verdicts by query, as the worklist has them."""
    found: dict[str, dict[str, str]] = {}
    for (query, candidate), verdict in verdicts.items():
        found.setdefault(query, {})[candidate] = verdict
    return found


@pytest.fixture
def herd_of_six(tmp_path):
    """Six queries of two sites and flanks, each with the same two candidates."""
    queries = [
        photo(
            f"q{n}",
            tmp_path,
            site="dam" if n % 2 else "spring",
            flank="left" if n < 3 else "right",
            species="eland",
        )
        for n in range(6)
    ]
    candidates = [
        Candidate(photo("a", tmp_path, identity="ann"), 0.9, 1),
        Candidate(photo("b", tmp_path), 0.5, 2),
    ]

    def worklist(filters=None, verdicts=None, disagreed=()):
        return Worklist(
            queries=Queries.of(queries),
            decided=by_query(verdicts or {}),
            candidates_of=lambda query: candidates if query.id != "q5" else candidates[1:],
            filters=filters or QueryFilters(),
            disagreed=frozenset(disagreed),
        )

    return worklist


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        (QueryFilters(), "012345"),
        (QueryFilters(sites=frozenset({"dam"})), "135"),
        (QueryFilters(flanks=frozenset({"left"}), sites=frozenset({"spring"})), "02"),
        (QueryFilters(species=frozenset({"kudu"})), ""),
        (QueryFilters(similarity=(0.6, 1.0)), "01234"),
        (QueryFilters(name="Q4"), "4"),
        (QueryFilters(open_only=True), "345"),
        (QueryFilters(standings=frozenset({QueryStatus.ACCEPTED.value})), "0"),
        (QueryFilters(standings=frozenset({QueryStatus.ALL_REJECTED.value, UNSURE})), "12"),
        (QueryFilters(standings=frozenset({DISAGREED})), "4"),
    ],
)
def test_each_filter_lets_its_queries_pass(herd_of_six, filters, passing):
    verdicts = {
        ("q0", "a"): "accept",
        ("q1", "a"): "reject",
        ("q1", "b"): "reject",
        ("q2", "a"): "unsure",
        ("q2", "b"): "reject",
    }
    worklist = herd_of_six(filters, verdicts, disagreed=["q4"])
    assert "".join(query.id[1:] for query in worklist.matching) == passing


def test_arrows_and_the_next_open_query_keep_to_the_filters(herd_of_six):
    worklist = herd_of_six(QueryFilters(sites=frozenset({"dam"})), {("q3", "a"): "accept"})
    assert worklist.step("q1", 1).id == "q3"
    assert worklist.step("q1", -1) is None
    assert worklist.next_open("q1").id == "q5"
    assert worklist.next_open("q5").id == "q1"


def test_queries_of_a_standing_are_walked_though_they_are_not_open(herd_of_six):
    verdicts = {(f"q{n}", "a"): "accept" for n in (1, 4)}
    worklist = herd_of_six(QueryFilters(standings=frozenset({QueryStatus.ACCEPTED.value})), verdicts)
    assert worklist.next_open("q1").id == "q4"
    assert worklist.next_open("q4").id == "q1"


@pytest.mark.parametrize(
    ("text", "found"),
    [("2", "q1"), ("q3", "q3"), ("q3.jpg", "q3"), ("Q5", "q5"), ("7", None), ("nothing", None)],
)
def test_a_query_is_found_by_number_or_file(herd_of_six, text, found):
    query = herd_of_six().find(text)
    assert (None if query is None else query.id) == found


def test_a_decision_on_another_photo_of_the_individual_counts_for_its_candidate(herd_of_six, tmp_path):
    worklist = herd_of_six(verdicts={("q0", "elsewhere"): "reject"})
    candidate = worklist.candidates_of(worklist.queries[0])[0].photo
    assert worklist.verdict(worklist.queries[0], candidate) is None
    known = Worklist(worklist.queries, worklist.decided, worklist.candidates_of, {"elsewhere": "ann"}.get)
    assert known.verdict(worklist.queries[0], candidate) == "reject"
    assert known.next_undecided(worklist.queries[0]).photo.id == "b"


def test_none_of_these_rejects_what_is_open_and_one_undo_takes_it_all_back(open_app, herd, decisions):
    app = explained(open_app(herd))
    query = pair(app)[0]
    press(app, "Reject")
    press(app, "None of these")
    written = rows(decisions)
    assert [row["decision"] for row in written] == ["reject"] * 5
    assert {row["query_id"] for row in written} == {query}
    assert len({row["candidate_id"] for row in written}) == 5
    assert [row["tags"] for row in written] == ["", *["none_of_these"] * 4]
    assert [bool(row["seconds"]) for row in written] == [True, True, False, False, False]
    assert "4 candidates" in app.toast[0].value and "stays in the list" in app.toast[0].value
    assert pair(app)[0] != query
    press(app, "Undo")
    assert [row["decision"] for row in rows(decisions)[5:]] == ["undo"] * 4
    assert pair(app)[0] == query
    assert html(app).count("✕ rejected") == 1
    press(app, "Undo")
    assert html(app).count("✕ rejected") == 0


def test_three_decisions_are_undone_one_by_one(open_app, herd, decisions):
    app = open_app(herd)
    seen = []
    for label in ("Reject", "Unsure", "Accept"):
        seen.append(pair(app))
        press(app, label)
    for before in reversed(seen):
        press(app, "Undo")
        assert pair(app) == before
    assert [row["decision"] for row in rows(decisions)] == ["reject", "unsure", "accept", *["undo"] * 3]
    assert button(app, "Undo").disabled


def test_without_going_on_by_itself_the_pair_stays(open_app, herd, decisions):
    app = open_app(herd)
    app.toggle(key="advance").set_value(False).run()
    before = pair(app)
    press(app, "Accept")
    assert pair(app) == before
    assert "✓ accepted" in html(app)
    press(app, "Next query")
    assert pair(app)[0] != before[0]
    assert len(rows(decisions)) == 1


def test_a_typed_number_or_name_goes_to_the_query(open_app, herd):
    app = open_app(herd, queries="All photos")
    jump = next(one for one in app.text_input if one.label == "Go to query")
    jump.set_value("4").run()
    assert "Query 4 of 10" in html(app)
    next(one for one in app.text_input if one.label == "Go to query").set_value("u1").run()
    assert pair(app)[0] == "u1"
    next(one for one in app.text_input if one.label == "Go to query").set_value("zebra").run()
    assert "“zebra”" in app.toast[0].value
    assert pair(app)[0] == "u1"


def test_filtered_queries_are_counted_in_the_head(open_app, herd):
    app = open_app(herd, queries="All photos")
    filter_of(app, "Site").set_value(["dam"]).run()
    assert "2 queries pass the filters" in html(app)
    press(app, "Next query")
    assert pair(app)[0] in ("u0", "u1")


def filter_of(app, label):
    return next(one for one in app.multiselect if one.label == label)


def test_another_photo_of_the_individual_can_be_compared_and_decided(open_app, make_catalogue, decisions):
    many = [(f"k{i}", "ann", "left", f"2025-05-{i + 1:02d}", "spring") for i in range(8)]
    catalogue = make_catalogue([*many, ("b0", "bo", "left", "", ""), ("q", "unknown", "left", "", "")])
    app = explained(open_app(catalogue))
    individual = viewer(app)["individual"]
    assert (individual["name"], individual["total"], individual["photos"]) == (
        "ann",
        8,
        [],
    )  # sent once it is open
    app.session_state["strip"] = True
    app.run()
    strip = viewer(app)["individual"]["photos"]
    assert len(strip) == 8 and [one["id"] for one in strip if one["is_chosen"]] == [pair(app)[1]]
    beyond = strip[-1]["id"]  # the least similar: not among the five
    app.session_state["candidate"] = beyond
    app.run()
    assert pair(app)[1] == beyond
    assert viewer(app)["candidate"]["id"] == beyond
    assert html(app).count("px-chosen") == 1  # the card of the individual
    press(app, "Reject")
    (row,) = rows(decisions)
    assert (row["candidate_id"], row["candidate_identity"], row["decision"]) == (beyond, "ann", "reject")
    assert int(row["rank"]) > 5
    assert "✕ rejected" in html(app)


def test_two_hundred_photos_of_an_individual_come_a_dozen_at_a_time(open_app, make_catalogue):
    rows_ = [(f"k{i}", "ann", "right" if i % 2 else "left", "", "") for i in range(200)]
    app = open_app(make_catalogue([*rows_, ("q", "unknown", "left", "", "")]), same_flank="false")
    app.session_state["strip"] = True
    app.run()
    individual = viewer(app)["individual"]
    assert (individual["total"], individual["first"], len(individual["photos"])) == (200, 0, 12)
    assert all("left flank" in one["words"] for one in individual["photos"])  # the query's flank first
    app.session_state["strip_page"] = (viewer(app)["pair"], -1)
    app.run()
    individual = viewer(app)["individual"]
    assert (individual["first"], len(individual["photos"])) == (192, 8)


def test_others_decisions_are_shown_only_when_asked_for(open_app, herd, decisions):
    app = open_app(herd)
    query, candidate = pair(app)
    DecisionLog(decisions).record(reviewer="Bela", query_id=query, candidate_id=candidate, decision="reject")
    app.run()
    assert "Bela" not in html(app)
    app.toggle(key="others").set_value(True).run()
    assert "Bela" in html(app)
    app.toggle(key="advance").set_value(False).run()
    press(app, "Accept")
    filter_of(app, "Decided so far").set_value([DISAGREED]).run()
    assert "1 query pass" in html(app)


def test_the_page_of_queries_shows_how_each_stands_and_leads_there(open_app, herd):
    app = open_app(herd)
    query = pair(app)[0]
    press(app, "Accept")
    app.switch_page("pages/queries.py").run()
    app.text_input(key="reviewer").set_value("Ada").run()  # a browser keeps the address
    assert not app.exception
    assert "2 queries" in html(app)
    assert html(app).count('<div class="px-card') == 2
    assert "✓ accepted" in html(app) and "○ open" in html(app)
    assert f"{query}.jpg" in html(app)
