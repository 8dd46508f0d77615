"""The session's report: the numbers of the existing functions, escaped, whole, and without what must not be in it."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from pairx_core.catalogue import Catalogue, Photo
from pairx_core.decisions import ADJUDICATED, Decision, DecisionLog, Evidence, TickedMatch
from pairx_core.decisions.adjudication import disputes
from pairx_core.decisions.agreement import agreement_summary, ratings
from pairx_core.decisions.performance import accuracy, reveal_changes, time_per_decision
from pairx_core.errors import SessionError
from pairx_core.render.markup import safe, table
from pairx_core.render.report import gather_report, write_session_report
from pairx_core.render.report_page import MOST_PICTURED, in_words, report_page
from pairx_core.sessions import ExpertSession, SessionBook, SessionPair, plan_session, progress

STARTED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MADE = STARTED + timedelta(days=4)
WILD = """<script>alert("1")</script>&amp;'<img src=x onerror=y>"""
WILD_PATH = Path("/nowhere/<b>.jpg")
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tables: list[list[list[str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self.words)

    def rows(self, *head: str) -> list[list[str]]:
        """The rows of the first table whose head begins so."""
        found = next(one for one in self.tables if one[0][: len(head)] == list(head))
        assert all(len(row) == len(found[0]) for row in found)
        return found[1:]


def planned(**changes) -> ExpertSession:
    plan = {
        "name": "spring",
        "coordinator": "Ada",
        "reviewers": ("Ben", "Cleo", "Dan"),
        "pairs": [SessionPair(f"q{n}", f"c{n}", 1, 0.5) for n in range(8)],
        "known_answers": [SessionPair(f"k{n}", f"l{n}", 1, 0.5, n % 2 == 0) for n in range(6)],
        "overlap": 2,
        "model": "demo",
        "layer": "blocks.3",
        "catalogue": "abc123",
        "made_at": STARTED,
    }
    return plan_session(**plan | changes)


def judged(session: ExpertSession, seed: int = 1) -> list[Decision]:
    """What its reviewers said, drawn by lot: in a blind session twice."""
    lots = random.Random(seed)
    rows: list[Decision] = []
    for reviewer, queue in session.queues.items():
        for number in queue:
            verdict = lots.choice(["accept", "accept", "reject", "unsure", "not_comparable"])
            for blind in [True, False] if session.is_blind else [False]:
                said = verdict if lots.random() < 0.7 else lots.choice(["accept", "reject"])
                at = STARTED + timedelta(minutes=len(rows))
                pair = session.pairs[number].ids
                row = Decision(f"d{len(rows)}", at, reviewer, session.name, *pair, said, blind=blind)
                rows.append(replace(row, seconds=lots.uniform(3, 60), app_version="0.1.0"))
    return rows


def page_of(session: ExpertSession, rows, **more) -> Page:
    return Page(report_page(gather_report(session, rows, made_at=MADE, **more)))


@pytest.fixture
def session() -> ExpertSession:
    return replace(planned(), closed_at=STARTED + timedelta(days=3))


@pytest.fixture
def rows(session) -> list[Decision]:
    return judged(session)


def test_agreement_is_what_the_statistics_say(session, rows):
    summaries = [
        agreement_summary(ratings(rows, session="spring", stage=stage)) for stage in ("blind", "final")
    ]
    said = {row[0]: row[1:] for row in page_of(session, rows).rows("", "Bare photos", "With the explanation")}
    assert said["Percent agreement (as a share)"] == [in_words(one.percent) for one in summaries]
    assert said["Fleiss' kappa"] == [in_words(one.fleiss) for one in summaries]
    assert said["Krippendorff's alpha"] == [in_words(one.krippendorff) for one in summaries]
    for place, one in enumerate(summaries):
        for first, second, kappa in one.cohen:
            assert said[f"Cohen's kappa, {first} and {second}"][place] == in_words(kappa)
            assert f"{kappa.value:.3f} ({kappa.low:.2f} to {kappa.high:.2f}), {kappa.units} pair" in in_words(
                kappa
            )


def test_accuracy_is_what_the_record_says(session, rows):
    expected = []
    for stage, title in (("blind", "Bare photos"), ("final", "With the explanation")):
        for reviewer, one in accuracy(rows, session.truth, stage=stage).items():
            low, high = one.interval
            share = f"{one.share:.1%} ({low:.1%} to {high:.1%}), {one.right} of {one.decided}"
            counts = (one.false_accepts, one.false_rejects, one.undecided, one.decided + one.undecided)
            expected.append([reviewer, title, share, *map(str, counts)])
    assert page_of(session, rows).rows("Reviewer", "Stage", "Right (95 % Wilson interval)") == expected


def test_what_the_reveal_changed_is_what_the_record_says(session, rows):
    found = reveal_changes(rows, session.truth)
    page = page_of(session, rows)
    said = {row[0]: [int(value) for value in row[1:]] for row in page.rows("Reviewer", "Kept")}
    for reviewer, one in found.items():
        assert said[reviewer or "all"] == [one.kept, one.changed, one.better, one.worse, one.judged]
    assert f"p = {found[''].p_value:.3g}." in page.text


def test_times_are_what_the_record_says(session, rows):
    expected = [
        [reviewer, title, f"{one.median:.1f} s", f"{one.low:.1f} to {one.high:.1f} s", str(one.count)]
        for stage, title in (("blind", "Bare photos"), ("final", "With the explanation"))
        for reviewer, one in time_per_decision(rows, stage=stage).items()
    ]
    assert page_of(session, rows).rows("Reviewer", "Stage", "Median") == expected


def test_progress_counts_what_is_done(session, rows):
    some = rows[:21]
    said = page_of(session, some).rows("Reviewer", "Done")
    expected = [progress(session, reviewer, some) for reviewer in session.reviewers]
    assert [row[1:3] for row in said[:-1]] == [[str(one.done), str(one.total)] for one in expected]
    assert said[-1][:3] == [
        "all",
        str(sum(one.done for one in expected)),
        str(sum(one.total for one in expected)),
    ]


def test_every_row_is_in_the_appendix_and_undone_ones_are_struck(session, rows):
    last = rows[-1]
    undo = replace(last, decision_id="u", decision="undo", supersedes=last.decision_id, decided_at=MADE)
    elsewhere = replace(last, decision_id="e", session="autumn", note="of another session")
    page = page_of(session, [*rows, elsewhere, undo])
    said = page.rows("No.", "Decided (UTC)")
    assert [row[2:5] for row in said] == [
        [row.reviewer, row.query_id, row.candidate_id] for row in [*rows, undo]
    ]
    assert said[-1][5] == "taken back"
    assert page.attributes.count(("class", "undone")) == 1
    assert "of another session" not in page.text


def test_disagreements_and_their_settling_are_told(session, rows):
    first = disputes(rows)[0]
    settled = replace(
        first.said[0],
        decision_id="a",
        reviewer="Eve",
        decision="reject",
        tags=(ADJUDICATED,),
        note="another ear",
    )
    match = TickedMatch("misleading", 7, (0, 0), (0, 0), (0.0, 0.0), (0.0, 0.0), 0.1, 1.0)
    ticked = Evidence(first.said[0].decision_id, "x", "q", "c", "m", "f", "l", (match,), MADE)
    text = page_of(session, [*rows, settled], evidence=[ticked]).text
    found = disputes([*rows, settled])
    assert f"{len(found)} pairs with different verdicts, {len(found) - 1} to settle." in text
    assert "Settled by an adjudicator: rejected as different individuals, by Eve, 2026-03-01" in text
    assert "“another ear”" in text
    assert "misleading: 7" in text
    assert "such as adjudicators: Eve" in text


def test_an_open_session_has_one_stage_and_no_reveal():
    session = planned(is_blind=False, shows_others=True, known_answers=[])
    page = page_of(session, judged(session))
    assert page.rows("", "Verdicts")
    assert "What the explanation changed" not in page.text
    assert "what others said was shown" in page.text
    assert "The session has none." in page.text
    assert "must not see" not in page.text


def test_a_blind_session_that_is_still_open_warns(session, rows):
    assert "must not see this" in page_of(planned(), rows).text
    assert "must not see this" not in page_of(session, rows).text


@pytest.mark.parametrize(
    ("order", "words"), [("by_query", "candidates together"), ("shuffled", "an order of their own")]
)
def test_the_order_is_told(order, words):
    assert words in page_of(planned(order=order, seed=4), []).text


def test_a_session_without_decisions_has_a_report(session):
    page = page_of(session, [])
    assert "No pair has different verdicts." in page.text
    assert "No times are recorded." in page.text
    assert "not defined" in page.text


def test_whatever_is_typed_stays_text():
    wild = planned(
        name=WILD, coordinator=WILD, reviewers=(WILD, f"{WILD}2"), model=WILD, layer=WILD, catalogue=WILD
    )
    rows = [
        replace(row, note=f"{WILD}\x00\x1b", tags=(WILD,), confidence=WILD, app_version=WILD, query_id=WILD)
        for row in judged(wild)
    ]
    catalogue = Catalogue(WILD_PATH, (Photo(WILD, WILD_PATH),))
    page = page_of(wild, rows, catalogue=catalogue)
    assert page.text.count("<script>") > 20
    assert not {"script", "link", "iframe", "object", "a", "form", "base"} & set(page.tags)
    assert {name for name, _ in page.attributes} <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "alt", "src",
    }  # fmt: skip
    assert "\x00" not in page.text


def test_nothing_points_outside_and_no_key_is_told(session, rows, photographed):
    text = report_page(gather_report(session, rows, made_at=MADE, catalogue=photographed))
    assert not re.search(r"https?:|//|url\(|@import", re.sub(r'src="data:[^"]*"', "", text))
    secrets = [*session.keys.values(), session.coordinator_key, session.session_id]
    assert not [secret for secret in secrets if secret in text]


@pytest.fixture
def photographed(session, tmp_path) -> Catalogue:
    """A catalogue without the second disputed pair; the file of a photo of the first one is gone."""
    first, second = disputes(judged(session))[:2]
    photos = []
    for pair in (pair for pair in session.pairs if pair.ids != (second.query_id, second.candidate_id)):
        for photo_id in pair.ids:
            path = tmp_path / f"{photo_id}.png"
            Image.new("RGB", (300, 200), (90, 60, 30)).save(path)
            photos.append(Photo(photo_id, path))
    (tmp_path / f"{first.query_id}.png").unlink()
    return Catalogue(tmp_path / "metadata.csv", tuple(photos))


def test_pictures_are_inside_and_missing_ones_are_told(session, rows, photographed):
    page = page_of(session, rows, catalogue=photographed)
    sources = [value for name, value in page.attributes if name == "src"]
    assert sources
    assert all(value.startswith("data:image/jpeg;base64,") for value in sources)
    first, second = disputes(rows)[:2]
    assert f"{first.query_id} cannot be shown: {first.query_id}.png" in page.text
    assert f"{second.query_id} is not in the catalogue." in page.text
    assert len(sources) == 2 * len(disputes(rows)) - 3


def test_only_so_many_disagreements_have_pictures(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "one.png")
    count = MOST_PICTURED + 2
    session = planned(
        pairs=[SessionPair(f"q{n}", f"c{n}") for n in range(count)], reviewers=("B", "C"), is_blind=False
    )
    rows = [
        Decision(f"{who}{n}", STARTED, who, "spring", f"q{n}", f"c{n}", verdict)
        for who, verdict in (("B", "accept"), ("C", "reject"))
        for n in range(count)
    ]
    photos = tuple(Photo(f"{side}{n}", tmp_path / "one.png") for n in range(count) for side in "qc")
    page = page_of(session, rows, catalogue=Catalogue(tmp_path, photos))
    assert page.tags.count("img") == 2 * MOST_PICTURED
    assert f"Pictures of the first {MOST_PICTURED} only." in page.text


def test_the_same_session_gives_the_same_file(session, rows, photographed, tmp_path):
    for name in "ab":
        write_session_report(tmp_path / name, session, rows, made_at=MADE, catalogue=photographed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_report_is_made_from_a_record_and_its_book(session, tmp_path):
    log = DecisionLog(tmp_path / "log.csv")
    SessionBook(log.lines("sessions")).add(planned())
    log.record(
        reviewer="Ben", query_id="q0", candidate_id="c0", decision="accept", session="spring", blind=True
    )
    (found,) = SessionBook(DecisionLog(tmp_path / "log.csv").lines("sessions")).sessions()
    write_session_report(tmp_path / "r.html", found, log.decisions(), evidence=log.evidence.all())
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(page.rows("No.")) == 1


def test_a_place_where_it_cannot_be_written_is_named(session, tmp_path):
    with pytest.raises(SessionError, match=r"no folder/r.html: the session's report cannot be written"):
        write_session_report(tmp_path / "no folder" / "r.html", session, [], made_at=MADE)
    with pytest.raises(SessionError, match="time zone"):
        write_session_report(tmp_path / "r.html", session, [], made_at=datetime(2026, 3, 5))
    assert list(tmp_path.iterdir()) == []


def test_half_a_character_does_not_stop_the_report(session, rows, tmp_path):
    write_session_report(tmp_path / "r.html", session, [replace(rows[0], note="\ud800")], made_at=MADE)
    Page((tmp_path / "r.html").read_text(encoding="utf-8"))


def test_markup_escapes_texts_once_and_leaves_markup_alone():
    assert safe("<&>") == "<bdi>&lt;&amp;&gt;</bdi>"
    assert safe(safe("<&>")) == safe("<&>")
    assert Page(table(("a<",), [("b&", 3)])).tables == [[["a<"], ["b&", "3"]]]
