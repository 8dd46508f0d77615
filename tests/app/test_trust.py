"""The Trust page: measuring known pairs, and what they say of the pair on the screen."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.components import trust_bar, trust_drawing, trust_measuring, trust_words
from pages.components.trust_figures import PLAUSIBILITY, SIMILARITY, separation
from pages.components.trust_measuring import Desk, Standing, study_of
from pages.components.workspace import Source
from pairx_core.decisions.lines import FileLines
from pairx_core.errors import ExplanationError
from pairx_core.evaluate.kept import read_rows
from pairx_core.evaluate.measuring import PairRow
from pairx_core.evaluate.reranking import Reranking
from pairx_core.evaluate.statistics import Interval
from pairx_core.evaluate.trust import TrustStudy
from pairx_core.render.evidence_drawing import render_evidence
from pairx_core.sessions import SessionBook, SessionPair, plan_session

from .conftest import explained, html, press

TRUST = "pages/trust.py"


@pytest.fixture
def zoo(make_catalogue):
    """Eight known animals with three photos each, which are alike, and one photo to identify."""
    known = [(f"k{n:02d}", f"ind{n // 3}", "left", f"2025-05-{n + 1:02d}", "spring") for n in range(24)]
    path = make_catalogue([*known, ("u0", "unknown", "left", "2025-06-01", "dam")], "zoo")
    for number in range(24):
        random = np.random.default_rng(number)
        animal = np.random.default_rng(1000 + number // 3).integers(0, 255, (8, 12, 3))
        noisy = np.clip(animal + random.normal(0, 60, animal.shape), 0, 255).astype(np.uint8)
        picture = Image.fromarray(noisy).resize((120, 80), Image.Resampling.BICUBIC)
        picture.save(path.parent / f"k{number:02d}.jpg", quality=92)
    return path


@pytest.fixture(autouse=True)
def never_busy(monkeypatch):
    """What Review explains is nothing that these tests wait for."""
    monkeypatch.setattr("pages.components.explaining.ExplanationWorker.is_busy", False)


def trust(app: AppTest) -> AppTest:
    app.switch_page(TRUST).run()
    assert not app.exception
    return app


def desk() -> Desk:
    """The desk on which the page works: the last one."""
    return list(trust_measuring.desks()._desks.values())[-1]


def measured(app: AppTest, photographs: int | None = None) -> AppTest:
    trust(app)
    if photographs is not None:
        app.number_input(key=trust_bar.PHOTOGRAPHS).set_value(photographs).run()
    press(app, "Measure this catalogue")
    return ended(app)


def ended(app: AppTest) -> AppTest:
    """Runs the page until nothing is measured and made any more."""
    assert desk().measuring.wait(60)
    app.run()
    assert all(task.wait(60) for _, task in desk()._plans.values())
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    texts = (*app.markdown, *app.caption, *app.info, *app.warning, *app.error)
    return "\n".join([*(one.value for one in texts), html(app)])


def row(number: int, *, same: bool, similarity: float, plausible: float) -> PairRow:
    animal = f"ind{number // 5 % 15}"
    other = animal if same else f"other{number % 7}"
    measures = {"aligned": plausible, "nearness": plausible / 2}
    ids = f"q{number // 5}", f"c{number}"
    return PairRow(*ids, animal, other, similarity, int(similarity * 50), "pairx", measures)


def rows(count: int, gap: float = 1.0) -> list[PairRow]:
    """Known pairs of which right ones have the more plausible explanations by a gap, at the same similarity."""
    random = np.random.default_rng(0)
    return [
        row(
            number,
            same=bool(number % 2),
            similarity=float(random.uniform(0.5, 0.9)),
            plausible=float(random.normal(gap * (number % 2), 0.5)),
        )
        for number in range(count)
    ]


# --- the page --------------------------------------------------------------------------------------------------------


def test_before_anything_is_measured_the_page_says_how_much_there_is(open_app, zoo):
    app = trust(open_app(zoo))
    assert "120 pairs to explain" in said(app)
    assert not app.get("plotly_chart")
    assert not app.get("download_button")[1:]  # the sidebar's own alone


def test_measuring_shows_the_known_pairs_and_what_they_say_of_the_pair_on_review(open_app, zoo):
    app = measured(open_app(zoo), photographs=14)
    text = said(app)
    assert "70 pairs measured" in text
    assert "A right pair has the higher value in" in text
    assert app.get("plotly_chart")
    assert "u0.jpg and " in text
    assert "known pairs that look like this" in text or trust_words.NOTHING in text
    assert text.count("similarity 0.") + text.count("similarity 1.") == 6  # three references of each kind
    assert "same animal (ind" in text and "different animals (ind" in text
    assert len(app.get("image")) == 7
    assert "Re-ranking would" in text or "Whether re-ranking would help" in text
    assert "Brier score" in text
    choice = app.selectbox(key="trust_score")
    assert choice.value == PLAUSIBILITY
    choice.set_value(SIMILARITY).run()
    assert not app.exception
    assert "equally similar" not in said(app)


def test_review_says_it_too_once_the_catalogue_is_measured(open_app, zoo):
    app = explained(open_app(zoo))
    assert "px-stands" in html(app)
    assert not re.search("known pairs that look like this|nothing can be said", html(app))
    measured(app, photographs=14)
    app.switch_page("pages/review.py").run()
    assert re.search("known pairs that look like this|nothing can be said", html(app))
    press(app, "Reject")  # another pair
    assert all(task.wait(60) for _, task in desk()._plans.values())
    app.run()
    assert not app.exception
    assert re.search("known pairs that look like this|nothing can be said", html(app))


def test_too_few_pairs_are_said_to_be_too_few(open_app, herd):
    app = measured(open_app(herd))
    assert re.search("40 pairs, [0-9] of the same animal and 3[0-9] of different animals", said(app))
    assert "At least 60 are needed, 10 of each kind" in said(app)
    assert not app.get("plotly_chart")


def test_pairs_that_cannot_be_measured_are_listed(open_app, herd):
    app = open_app(herd)
    (herd.parent / "k0.jpg").unlink()
    app = measured(app)
    assert "Pairs that could not be measured" in said(app)
    assert "k0.jpg" in html(app)


def test_animals_that_are_nobodys_candidates_are_said_to_be(open_app, make_catalogue):
    known = [("k0", "ann", "left", "2025-05-01", "dam"), ("k1", "bo", "right", "2025-05-02", "dam")]
    app = trust(open_app(make_catalogue([*known, ("u0", "unknown", "left", "", "")])))
    assert app.error[0].value == "No photo of a known individual has a candidate that is known."
    assert not [one for one in app.button if one.key == "trust_measure"]


def test_no_known_animals_leave_nothing_to_measure(open_app, make_catalogue):
    catalogue = make_catalogue([(f"u{n}", "unknown", "left", "", "") for n in range(3)])
    assert "no two photographs of known animals here" in said(trust(open_app(catalogue)))


def test_a_stop_keeps_what_is_measured_and_another_program_goes_on_from_there(open_app, zoo, monkeypatch):
    look = trust_measuring.Measuring._progress

    def stop_after_seven(self, done, *others):
        if done == 7:
            self.cancel()
        look(self, done, *others)

    app = trust(open_app(zoo))
    app.number_input(key=trust_bar.PHOTOGRAPHS).set_value(13).run()
    with monkeypatch.context() as patched:
        patched.setattr(trust_measuring.Measuring, "_progress", stop_after_seven)
        ended(press(app, "Measure this catalogue"))
    (folder,) = desk()._folder.iterdir()
    assert len(read_rows(folder)) == 7
    trust_measuring.desks.clear()  # as a restart does
    app.run()
    assert "58 pairs are left" in said(app)
    app = ended(press(app, "Go on measuring"))
    kept = read_rows(folder)
    assert len(kept) == len({one.key for one in kept}) == 65
    assert "65 pairs measured" in said(app)


def test_the_stop_button_stops_after_the_pair_at_hand(open_app, zoo, monkeypatch):
    monkeypatch.setattr("pages.components.explaining.ExplanationWorker.is_busy", True)  # it waits politely
    app = press(trust(open_app(zoo)), "Measure this catalogue")
    assert desk().is_measuring
    press(app, "Stop")
    assert desk().measuring.wait(10)
    app.run()
    assert desk().measuring.was_stopped
    assert not app.error
    assert [one.label for one in app.button if one.key == "trust_measure"] == ["Measure this catalogue"]


def test_two_sessions_join_the_same_measuring(open_app, zoo, monkeypatch):
    monkeypatch.setattr("pages.components.explaining.ExplanationWorker.is_busy", True)
    first, second = open_app(zoo), open_app(zoo, reviewer="Ben")
    press(trust(first), "Measure this catalogue")
    trust(second)
    assert [one.label for one in second.button if one.key == "trust_stop"] == ["Stop"]
    press(second, "Stop")
    assert desk().measuring.wait(10)


def test_a_blind_session_hides_the_page(open_app, zoo, decisions):
    book = SessionBook(FileLines(decisions.with_suffix(".sessions.jsonl"), "sessions file"))
    pairs = [SessionPair("u0", "k00", 1, 0.9)]
    book.add(
        plan_session(
            name="s", coordinator="Ada", reviewers=("Ben", "Cleo"), pairs=pairs, overlap=1, order="by_query"
        )
    )
    app = open_app(zoo, "Ben")
    trust(app)
    assert "under way" in said(app)
    assert not app.number_input
    assert not app.get("download_button")


def test_a_model_that_cannot_be_explained_has_nothing_to_measure(open_app, zoo, monkeypatch):
    def unexplained(model, layer, cache):
        return None, "no rule for its attention"

    monkeypatch.setattr("pages.components.shelf.explainer_of", unexplained)
    app = trust(open_app(zoo))
    assert "cannot be explained: no rule for its attention" in said(app)
    assert not app.number_input


def test_another_matchers_candidates_are_not_measured(open_app, zoo, tmp_path, monkeypatch):
    table = tmp_path / "theirs.csv"
    table.write_text("query_id,candidate_id,score\nu0,k00,0.9\n", encoding="utf-8")
    of = Source.from_settings
    monkeypatch.setattr(
        Source, "from_settings", lambda settings: replace(of(settings), candidates=str(table))
    )
    app = trust(open_app(zoo))
    assert "theirs.csv, another matcher" in said(app)
    assert not app.number_input


# --- other methods ---------------------------------------------------------------------------------------------------


def test_other_methods_are_drawn_on_a_press(open_app, zoo):
    app = trust(open_app(zoo))
    app.multiselect(key="trust_methods").set_value(["nearest", "chance"]).run()
    assert not app.get("image")
    press(app, "Draw them")
    assert len(app.get("image")) == 2
    assert "Nearest neighbours without relevance" in said(app)


def test_methods_whose_packages_are_missing_are_named(open_app, zoo, monkeypatch):
    monkeypatch.setattr(trust_drawing, "available_methods", lambda: ("pairx", "nearest"))
    app = trust(open_app(zoo))
    assert "SIFT with a homography, without the model" in said(app)
    assert "pip install -r requirements-evaluate.txt" in said(app)
    assert len(app.multiselect(key="trust_methods").options) == 2


def test_a_method_that_fails_says_so_and_the_others_are_drawn(open_app, zoo, monkeypatch):
    draw = trust_drawing.by_method

    def by_method(name, *others):
        if name == "chance":
            raise ExplanationError("no luck today")
        return draw(name, *others)

    monkeypatch.setattr("pages.components.trust_sections.by_method", by_method)
    app = trust(open_app(zoo))
    app.multiselect(key="trust_methods").set_value(["chance", "nearest"]).run()
    press(app, "Draw them")
    assert "Chance: no luck today" in said(app)
    assert len(app.get("image")) == 1


def test_evidence_is_drawn_on_both_photos():
    images = Image.new("RGB", (60, 40), "grey"), Image.new("RGB", (40, 40), "grey")
    bare = render_evidence(images, ([], []), (None, None), height=80)
    assert bare.size == (120 + 6 + 80, 80)
    hot = np.zeros((4, 6))
    hot[0, 0] = 1
    mapped = np.asarray(render_evidence(images, ([], []), (hot, None), height=80), int)
    changed = np.abs(mapped - np.asarray(bare, int)).sum(axis=2)
    assert changed[:15, :15].min() > 0  # the corner of the query
    assert changed[:, 60:].max() == 0  # nothing of its other half, nor of the candidate
    lined = np.asarray(render_evidence(images, ([[30, 20]], [[20, 20]]), (None, None), height=80), int)
    drawn = np.abs(lined - np.asarray(bare, int)).sum(axis=2)
    assert drawn[40, 61:160].min() > 0  # from the middle of one to the middle of the other


# --- words -----------------------------------------------------------------------------------------------------------


def test_known_pairs_that_look_alike_are_counted_in_words():
    study = TrustStudy.of(rows(200))
    words = trust_words.looks_like(study, 0.7, row(0, same=True, similarity=0.7, plausible=1.0))
    assert words.startswith("Of 40 known pairs that look like this,")
    vague = TrustStudy.of(rows(200, gap=0.2))  # none of its pairs is surely the same animal
    beyond = row(0, same=True, similarity=0.7, plausible=99.0)
    assert trust_words.looks_like(vague, 0.7, beyond) == trust_words.NOTHING


def test_what_separates_is_said_with_whether_it_may_be_chance():
    apart = separation(TrustStudy.of(rows(200)), PLAUSIBILITY)
    assert apart.matched.low > 0.5
    assert "it tells more than similarity alone" in trust_words.separates(apart, PLAUSIBILITY)[1]
    alike = separation(TrustStudy.of(rows(200, gap=0.0)), PLAUSIBILITY)
    assert "may be chance" in trust_words.separates(alike, PLAUSIBILITY)[1]
    assert len(trust_words.separates(alike, SIMILARITY)) == 1


def test_no_study_is_made_of_one_animals_queries():
    one = [row(75 * number, same=bool(number % 2), similarity=0.5, plausible=0.5) for number in range(80)]
    assert study_of(one) is None
    assert study_of(rows(59)) is None
    assert study_of(rows(60)) is not None


def test_reranking_is_said_with_its_interval():
    rank, reciprocal = Interval(0.02, -0.01, 0.06, 60), Interval(0.01, -0.01, 0.04, 60)
    found = Reranking(None, 60, 20, 55, 0.87, 0.89, 0.90, 0.91, rank, reciprocal)
    assert trust_words.reranking(found) == (
        "Re-ranking would not help here: rank-1 87 % → 89 % (difference −1 to +6 points, cross-validated)."
    )
    better = replace(
        found, rank_1_difference=replace(rank, low=0.01), reciprocal_difference=replace(reciprocal, low=0.0)
    )
    assert "would help here" in trust_words.reranking(better)
    assert "(difference +1 to +6 points, cross-validated)" in trust_words.reranking(better)
    assert "cannot be said of 9 animals" in trust_words.reranking(replace(better, individuals=9))


def test_the_time_left_is_said_roughly():
    said = [trust_words.until_measured(seconds) for seconds in (None, 3.0, 61, 600, 9000)]
    assert said[1:] == [
        "about 5 seconds left",
        "about 60 seconds left",
        "about 10 minutes left",
        "about 2.5 hours left",
    ]


def test_the_rows_are_a_table_without_formulas():
    known = rows(80)
    known[0] = PairRow(**{name: getattr(known[0], name) for name in PairRow.__slots__} | {"query_id": "=1+1"})
    content = trust_bar.rows_csv(Standing(tuple(known), 80, TrustStudy.of(known)))
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(table) == 80
    assert table[0]["query_id"] == "'=1+1"
    assert {"aligned", "nearness", "plausibility", "same"} <= table[0].keys()
