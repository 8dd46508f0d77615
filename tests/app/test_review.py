"""The Review page: what it shows, and what its buttons write."""

from __future__ import annotations

import re
import threading
import time

import pytest
import streamlit as st

from pages.components import explaining, resources
from pages.components.saying import plain
from pairx_core.decisions import COLUMNS
from pairx_core.errors import PhotoError
from pairx_core.explain import PairExplainer

from .conftest import button, explained, html, look_at, pair, press, rows, viewer

SHORTCUTS = {
    "Accept": "a",
    "Reject": "x",
    "Not comparable": "n",
    "Unsure": "u",
    "Undo": "z",
    "Previous query": "left",
    "Next query": "right",
}


def test_opens_at_once_with_candidates_and_an_explanation(open_app, herd):
    app = explained(open_app(herd))
    assert "Query 1 of 2" in html(app)
    assert html(app).count('<div class="px-card') == 5
    assert "1st · " in html(app)
    shown = viewer(app)
    assert len(shown["explanation"]["matches"]) >= shown["explanation"]["k_lines"] > 0
    assert (
        shown["explanation"]["query"]["maps"]["count"]
        == shown["explanation"]["candidate"]["maps"]["count"]
        > 0
    )
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
    assert row["overlay_shown"] == "lines|points|heat_map"
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
    monkeypatch.setattr("pages.components.state.pairs.HELD_KEY_SECONDS", 60)
    press(open_app(herd), "Accept")
    assert rows(decisions) == []


def test_a_decisions_file_that_cannot_be_written_loses_nothing(open_app, herd, decisions):
    app = open_app(herd)
    before = pair(app)
    note(app).set_value("torn ear").run()
    ours = decisions.read_bytes()
    decisions.write_text("year,euros\n2025,12\n", encoding="utf-8")  # another program's file took its place
    press(app, "Accept")
    assert str(decisions) in said(app.error[0])
    assert pair(app) == before
    assert note(app).value == "torn ear"
    decisions.write_bytes(ours)
    press(app, "Accept")
    assert [row["note"] for row in rows(decisions)] == ["torn ear"]


def test_layers_can_be_switched_off_and_are_recorded(open_app, herd, decisions):
    app = explained(open_app(herd))
    look_at(app, "color_maps", "lines")
    press(app, "Reject")
    look_at(explained(app))
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
    tags(app).set_value(["poor photo", "scenerymatch"]).run()
    press(app, "Unsure")
    (row,) = rows(decisions)
    assert (row["confidence"], row["tags"]) == ("pretty_sure", "poor photo|scenerymatch")
    assert app.selectbox[0].value is None
    assert tags(app).value == []


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
    assert "all queries done" not in html(app)  # nothing was done


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
    assert f"{candidate}.jpg" in viewer(app)["candidate"]["problem"]
    assert "url" in viewer(app)["query"]
    assert "photo cannot be read" in html(app)
    press(app, "Not comparable")
    assert "problem" not in viewer(explained(app))["candidate"]


def test_an_unreadable_photo_leaves_the_others_usable(open_app, herd):
    (herd.parent / "k3.jpg").write_bytes(b"")
    app = explained(open_app(herd))
    shown = []
    for rank in ("1st", "2nd", "3rd", "4th", "5th"):
        press(app, f"Show {rank} candidate")
        shown.append(pair(app)[1])
        assert "url" in viewer(app)["candidate"]
    assert "k3" not in shown and len(set(shown)) == 5
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


PICTURE = "![x](http:/localhost:1/p.png)"


def test_a_name_in_markdown_is_said_as_it_is(open_app, make_catalogue):
    catalogue = make_catalogue([("q", "unknown", "left", "", ""), ("r", "ann", "left", "", "")])
    lines = catalogue.read_text(encoding="utf-8").replace("r.jpg", f"r_1 $x$ {PICTURE}.jpg")
    photo = catalogue.parent / f"r_1 $x$ {PICTURE}.jpg"
    photo.parent.mkdir(parents=True)
    (catalogue.parent / "r.jpg").rename(photo)
    catalogue.write_text(lines, encoding="utf-8")
    app = open_app(catalogue)
    photo.write_bytes(b"not a picture any more")
    time.sleep(0.01)
    explained(app.run())
    assert PICTURE in viewer(app)["candidate"]["problem"]  # the viewer writes text, never markup
    assert all("![" not in one.value for one in (*app.error, *app.warning, *app.caption, *app.markdown))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("10:30, a (b) and c.jpg", "10\\:30, a (b) and c.jpg"),
        (
            "$a$ *b* _c_ ~d~ `e` <i> #f |g| \\",
            "\\$a\\$ \\*b\\* \\_c\\_ \\~d\\~ \\`e\\` \\<i> \\#f \\|g\\| \\\\",
        ),
        ("![x](y) :red[z]", "\\!\\[x\\](y) \\:red\\[z\\]"),
        (":material/home:", ":\u2060material/home:"),
        ("1. a\n- b", "1\\. a\n\\- b"),
    ],
)
def test_signs_of_markdown_are_escaped(text, escaped):
    assert plain(text) == escaped


def test_undo_takes_back_what_its_button_was_drawn_for(open_app, herd, decisions):
    app = press(press(open_app(herd), "Reject"), "Reject")
    for _ in range(2):
        button(app, "Undo").click()
    app.run()
    assert [row["decision"] for row in rows(decisions)] == ["reject", "reject", "undo"]
    press(app, "Undo")
    assert len({row["supersedes"] for row in rows(decisions)[2:]}) == 2


def test_an_explanation_that_fails_by_a_bug_leaves_the_buttons(open_app, herd, decisions, monkeypatch):
    def explain(*_args, **_kwargs):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(PairExplainer, "stages", explain)
    app = wait(open_app(herd))
    assert [one.message for one in app.exception] == ["out of memory"]
    button(app, "Accept").click().run()
    assert [(row["decision"], row["overlay_shown"]) for row in rows(decisions)] == [("accept", "none")]


def test_a_photo_that_comes_back_is_explained_after_all(open_app, herd, monkeypatch):
    stages = PairExplainer.stages

    def fail(*_args, **_kwargs):
        raise PhotoError("the drive is gone")

    monkeypatch.setattr(PairExplainer, "stages", fail)
    app = explained(open_app(herd))
    assert "the drive is gone" in app.warning[0].value
    monkeypatch.setattr(PairExplainer, "stages", stages)
    later = time.monotonic() + explaining._RETRY_SECONDS
    monkeypatch.setattr(explaining.time, "monotonic", lambda real=time.monotonic, by=later: real() + by)
    assert not explained(app.run()).warning


def test_a_model_that_cannot_be_explained_shows_the_photos(open_app, herd, decisions, monkeypatch):
    of = resources.shelf().open
    reason = "There is no rule for Attention_1."

    def without_explainer(source, cache_dir):
        opening = of(source, cache_dir)
        assert opening.wait(60)
        object.__setattr__(opening.value, "explainer", None)
        object.__setattr__(opening.value, "unexplained", reason)
        return opening

    monkeypatch.setattr(resources.shelf(), "open", without_explainer)
    app = open_app(herd)
    assert any(reason in said(one) for one in app.caption)
    assert "url" in viewer(app)["candidate"] and viewer(app)["explanation"] is None
    assert not viewer(app)["waiting"]
    assert "layer" not in html(app).split("px-sub")[-1].split("</div>")[0]
    press(app, "Accept")
    assert [(row["layer"], row["overlay_shown"]) for row in rows(decisions)] == [("", "none")]


def test_a_note_stays_with_its_catalogue(open_app, make_catalogue, monkeypatch):
    photos = [("q", "unknown", "left", "", ""), ("r", "ann", "left", "", "")]
    one, two = make_catalogue(photos, "one"), make_catalogue(photos, "two")
    app = open_app(one)
    note(app).set_value("of the first").run()
    monkeypatch.setenv("PAIRX_CATALOGUE", str(two))
    app.run()
    assert note(app).value == ""


def test_undo_on_a_page_that_is_out_of_date_takes_nothing_back(open_app, herd, decisions):
    app = press(open_app(herd), "Reject")
    press(open_app(herd), "Unsure")
    press(app, "Undo")
    assert [row["decision"] for row in rows(decisions)] == ["reject", "unsure"]
    assert "a newer decision was saved meanwhile" in app.error[0].value
    press(app, "Undo")
    assert rows(decisions)[-1]["supersedes"] == rows(decisions)[1]["decision_id"]


def test_decisions_on_other_photos_are_not_counted_or_undone(open_app, herd, make_catalogue):
    press(open_app(herd), "Reject")
    other = open_app(make_catalogue([("a", "unknown", "left", "", ""), ("b", "x", "left", "", "")], "other"))
    assert "0 decisions" in other.get("progress")[0].proto.text
    assert button(other, "Undo").disabled


def test_the_sidebar_says_how_many_photos_are_left_out(open_app, herd):
    assert "left out" not in "".join(one.value for one in open_app(herd).caption)
    (herd.parent / "k3.jpg").write_bytes(b"")
    (herd.parent / "k4.jpg").unlink()
    st.cache_resource.clear()
    assert any("2 photos left out: see Setup" in one.value for one in open_app(herd).caption)


def test_a_name_typed_with_two_spaces_is_the_same_reviewer(open_app, herd, decisions):
    press(open_app(herd, reviewer="Ada  L"), "Accept")
    again = open_app(herd, reviewer=" Ada   L ")
    assert "1 decision" in again.get("progress")[0].proto.text
    assert pair(again)[0] != rows(decisions)[0]["query_id"]


def said(element) -> str:
    """A message as the reviewer reads it."""
    return re.sub(r"\\(\W|_)", r"\1", element.value)


def wait(app, seconds: float = 60):
    """Runs the page until the explanation is there or has failed in whatever way."""
    until = time.monotonic() + seconds
    while viewer(app)["waiting"] and time.monotonic() < until:
        time.sleep(0.1)
        app.run()
    return app


def tags(app):
    return next(one for one in app.multiselect if one.label == "Tags")


def note(app):
    return next(one for one in app.text_input if one.label == "Note")


def test_lines_are_shown_while_color_maps_are_still_being_made(open_app, herd, decisions, monkeypatch):
    stages = PairExplainer.stages
    may_go_on = threading.Event()

    def slow(self, *photos):
        made = stages(self, *photos)
        yield next(made)
        assert may_go_on.wait(30)
        yield from made

    monkeypatch.setattr(PairExplainer, "stages", slow)
    app = open_app(herd)
    look_at(app, "lines", "color_maps")
    end = time.monotonic() + 30
    while viewer(app)["waiting"] != "Making the color maps …" and time.monotonic() < end:
        app.run()
    explanation = viewer(app)["explanation"]
    assert explanation["matches"] and explanation["query"]["maps"] is None
    button(app, "Accept").click().run()
    assert rows(decisions)[0]["overlay_shown"] == "lines"
    may_go_on.set()
    assert viewer(explained(app))["explanation"]["query"]["maps"]["count"] > 0
