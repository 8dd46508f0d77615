"""The Review page: what it shows, and what its buttons write."""

from __future__ import annotations

import time

import pytest

from pairx_core.decisions import COLUMNS

from .conftest import button, explained, html, pair, press, rows

SHORTCUTS = {
    "Accept": "a",
    "Reject": "x",
    "Not comparable": "n",
    "Unsure": "u",
    "Undo": "z",
    "Previous query": "left",
    "Next query": "right",
    "Lines": "l",
    "Heat map": "h",
    "Color maps": "m",
    "Bare photos": "b",
}


def test_opens_at_once_with_candidates_and_an_explanation(open_app, herd):
    app = explained(open_app(herd))
    assert "Query 1 of 2" in html(app)
    assert html(app).count('<div class="px-card') == 5
    assert "1st · " in html(app)
    assert len(app.get("image")) == 1
    assert "filters: same species, same flank, not from the same day and site" in html(app)


def test_every_button_has_its_name_and_its_key(open_app, herd):
    app = open_app(herd)
    assert {label: button(app, label).proto.shortcut for label in SHORTCUTS} == SHORTCUTS
    assert [button(app, f"Show {n} candidate").proto.shortcut for n in ("1st", "2nd", "5th")] == [
        "1",
        "2",
        "5",
    ]


def test_accept_writes_one_row_and_goes_to_the_next_query(open_app, herd, decisions):
    app = explained(open_app(herd))
    query, candidate = pair(app)
    press(app, "Accept")
    assert decisions.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
    (row,) = rows(decisions)
    assert (row["decision"], row["query_id"], row["candidate_id"]) == ("accept", query, candidate)
    assert (row["reviewer"], row["rank"], row["query_path"]) == ("Ada", "1", f"{query}.jpg")
    assert row["overlay_shown"] == "lines|heat_map"
    assert float(row["seconds"]) >= 0
    assert pair(app)[0] != query
    assert [one.value for one in app.toast] == [
        f"Accepted: {query}.jpg and {candidate}.jpg. On to the next query."
    ]


def test_reject_goes_through_the_candidates_and_says_when_all_are_rejected(open_app, herd, decisions):
    app = open_app(herd)
    query, _ = pair(app)
    for _ in range(4):
        press(app, "Reject")
        assert pair(app)[0] == query
    press(app, "Reject")
    assert pair(app)[0] != query
    assert "All candidates of this query are rejected" in app.toast[0].value
    assert len({row["candidate_id"] for row in rows(decisions)}) == 5
    press(app, "Previous query")
    assert pair(app)[0] == query
    assert "✕ all candidates rejected" in html(app)


@pytest.mark.parametrize(("label", "word"), [("Not comparable", "not_comparable"), ("Unsure", "unsure")])
def test_other_decisions_are_written_too(open_app, herd, decisions, label, word):
    app = press(open_app(herd), label)
    assert [row["decision"] for row in rows(decisions)] == [word]
    assert f"px-{word}" in html(app)


def test_undo_appends_a_row_and_returns_to_the_pair_with_its_note(open_app, herd, decisions):
    app = open_app(herd)
    before = pair(app)
    note(app).set_value("white spot").run()
    press(app, "Reject")
    assert pair(app) != before
    assert note(app).value == ""
    press(app, "Undo")
    assert pair(app) == before
    assert note(app).value == "white spot"
    written = rows(decisions)
    assert [row["decision"] for row in written] == ["reject", "undo"]
    assert written[1]["supersedes"] == written[0]["decision_id"]
    assert button(app, "Undo").disabled


def test_a_reload_returns_to_the_same_pair(open_app, herd):
    app = press(open_app(herd), "Reject")
    place = pair(app)
    again = open_app(herd, query=place[0], candidate=place[1])
    assert pair(again) == place
    assert "✕ rejected" in html(again)


def test_a_restart_resumes_after_the_last_decision(open_app, herd):
    app = open_app(herd)
    first = pair(app)[0]
    press(app, "Accept")
    again = open_app(herd)
    assert pair(again)[0] == pair(app)[0] != first
    press(again, "Previous query")
    assert "✓ accepted" in html(again)


def test_each_reviewer_has_their_own_list(open_app, herd):
    press(open_app(herd, reviewer="Ada"), "Accept")
    other = open_app(herd, reviewer="Ben")
    assert "0 decisions" in other.get("progress")[0].proto.text
    assert button(other, "Undo").disabled


def test_two_sessions_write_to_one_file(open_app, herd, decisions):
    one, two = open_app(herd, reviewer="Ada"), open_app(herd, reviewer="Ben")
    press(one, "Reject")
    press(two, "Accept")
    press(one, "Reject")
    assert [row["reviewer"] for row in rows(decisions)] == ["Ada", "Ben", "Ada"]


def test_without_a_name_nothing_is_recorded_and_the_page_says_why(open_app, herd, decisions):
    app = open_app(herd)
    app.text_input(key="reviewer").set_value("").run()
    press(app, "Accept")
    assert "Enter your name" in app.error[0].value
    assert rows(decisions) == []


def test_a_decision_right_after_the_pair_appeared_is_not_taken(open_app, herd, decisions, monkeypatch):
    monkeypatch.setattr("pages.components.state.HELD_KEY_SECONDS", 60)
    press(open_app(herd), "Accept")
    assert rows(decisions) == []


def test_a_decisions_file_that_cannot_be_written_loses_nothing(open_app, herd, decisions):
    app = open_app(herd)
    before = pair(app)
    note(app).set_value("torn ear").run()
    ours = decisions.read_bytes()
    decisions.write_text("year,euros\n2025,12\n", encoding="utf-8")  # another program's file took its place
    press(app, "Accept")
    assert str(decisions) in app.error[0].value
    assert pair(app) == before
    assert note(app).value == "torn ear"
    decisions.write_bytes(ours)
    press(app, "Accept")
    assert [row["note"] for row in rows(decisions)] == ["torn ear"]


def test_layers_can_be_switched_off_and_are_recorded(open_app, herd, decisions):
    app = explained(open_app(herd))
    press(app, "Heat map")
    press(app, "Color maps")
    press(app, "Reject")
    explained(app)
    press(app, "Bare photos")
    press(app, "Reject")
    assert [row["overlay_shown"] for row in rows(decisions)] == ["lines|color_maps", "none"]


def test_a_candidate_is_chosen_by_its_button(open_app, herd):
    app = open_app(herd)
    third = html(app).split("<kbd>3</kbd>")[1].split('title="')[1].split('"')[0]
    press(app, "Show 3rd candidate")
    assert "Candidate 3rd · " in html(app)
    assert f"<b>{third}</b>" in html(app)


def test_confidence_and_tags_are_recorded_and_cleared(open_app, herd, decisions):
    app = open_app(herd)
    app.selectbox[0].set_value("pretty_sure").run()
    app.multiselect[0].set_value(["poor photo", "scenerymatch"]).run()
    press(app, "Unsure")
    (row,) = rows(decisions)
    assert (row["confidence"], row["tags"]) == ("pretty_sure", "poor photo|scenerymatch")
    assert app.selectbox[0].value is None
    assert app.multiselect[0].value == []


def test_filters_change_the_candidates(open_app, make_catalogue):
    catalogue = make_catalogue(
        [
            ("q", "unknown", "left", "2025-05-01", "spring"),
            ("same", "ann", "left", "2025-05-02", "spring"),
            ("other_flank", "bo", "right", "2025-05-03", "spring"),
            ("burst", "cy", "left", "2025-05-01", "spring"),
        ]
    )
    app = open_app(catalogue)
    assert html(app).count('<div class="px-card') == 1
    app.checkbox(key="same_flank").uncheck().run()
    assert html(app).count('<div class="px-card') == 2
    app.checkbox(key="other_encounter").uncheck().run()
    assert html(app).count('<div class="px-card') == 3
    assert "filters: same species" in html(app)


def test_no_candidates_after_the_filters_is_said(open_app, make_catalogue):
    catalogue = make_catalogue([("q", "unknown", "left", "", ""), ("r", "ann", "right", "", "")])
    app = open_app(catalogue)
    assert "No photo passes the filters" in app.info[0].value
    assert button(app, "Accept").disabled
    app.checkbox(key="same_flank").uncheck().run()
    assert not app.info
    assert not button(app, "Accept").disabled


def test_one_photo_is_nothing_to_compare(open_app, make_catalogue):
    app = open_app(make_catalogue([("only", "ann", "left", "", "")]))
    assert "one photo" in app.info[0].value


def test_when_everything_is_decided_the_page_says_so(open_app, herd):
    app = press(press(open_app(herd), "Accept"), "Accept")
    assert "All queries are done" in app.toast[0].value
    assert "✓ all queries done" in html(app)
    assert app.get("progress")[0].proto.value == 100


def test_all_photos_can_be_queries_and_open_ones_alone_be_walked(open_app, herd):
    app = open_app(herd)
    app.get("button_group")[0].set_value("All photos").run()
    assert "of 10" in html(app)
    query = pair(app)[0]
    press(app, "Accept")
    app.toggle(key="open_only").set_value(True).run()
    press(app, "Previous query")
    assert pair(app)[0] != query


def test_undo_of_a_query_outside_the_list_brings_it_back(open_app, herd, decisions):
    app = open_app(herd, queries="All photos")
    before = pair(app)
    press(app, "Reject")
    app.get("button_group")[0].set_value("To identify").run()
    assert pair(app)[0] != before[0]
    press(app, "Undo")
    assert pair(app) == before
    assert "of 10" in html(app)


def test_a_photo_that_breaks_after_indexing_is_said_in_place(open_app, herd):
    app = open_app(herd)
    _, candidate = pair(app)
    (herd.parent / f"{candidate}.jpg").write_bytes(b"not a picture any more")
    time.sleep(0.01)
    app.run()
    explained(app)
    assert f"{candidate}.jpg" in app.error[0].value
    assert "photo cannot be read" in html(app)
    press(app, "Not comparable")
    explained(app)
    assert not app.error


def test_an_unreadable_photo_leaves_the_others_usable(open_app, herd):
    (herd.parent / "k3.jpg").write_bytes(b"")
    app = explained(open_app(herd))
    assert "k3.jpg" not in html(app)
    assert not app.error


def test_names_are_text_and_never_markup(open_app, make_catalogue):
    name = "<img src=x onerror=alert(1)>\"'"
    app = open_app(make_catalogue([("q", "unknown", "left", "", ""), ("r", name, "left", "", name)]))
    assert "<img src=x" not in html(app)
    assert "&lt;img src=x" in html(app)


def test_a_catalogue_that_is_not_there_is_said_and_setup_offered(open_app, tmp_path):
    app = open_app(tmp_path / "nowhere.csv")
    assert "nowhere.csv" in app.error[0].value
    assert not app.button


def note(app):
    return next(one for one in app.text_input if one.label == "Note")
