from __future__ import annotations

import csv
import io

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import resources
from pages.components.individuals_list import identities_csv
from pages.components.record import summarise
from pairx_core.decisions import DecisionLog
from tests.app.conftest import pair, press


@pytest.fixture
def say(decisions):
    log = DecisionLog(decisions)

    def record(query: str, candidate: str, verdict: str, reviewer: str = "Ada", **values):
        return log.record(
            reviewer=reviewer, query_id=query, candidate_id=candidate, decision=verdict, **values
        )

    return record


@pytest.fixture
def page(open_app, herd):
    def show(part: str = "Record", reviewer: str = "Ada") -> AppTest:
        app = open_app(herd, reviewer)
        app.switch_page("pages/decisions.py").run()
        if part != "Record":
            app.segmented_control(key="shown_part").set_value(part).run()
        assert not app.exception
        return app

    return show


def numbers(app: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}


def texts(app: AppTest) -> str:
    return "\n".join([one.value for one in app.markdown] + [one.value for one in app.caption])


def links(app: AppTest) -> list[str]:
    return [one.proto.label.replace("\\", "") for one in app.get("page_link")]


def test_an_empty_record_is_said_to_be_empty(page):
    app = page()
    assert "Nothing is decided yet" in app.info[0].value
    assert numbers(app)["Decisions"] == "0"


def test_the_table_holds_what_stands_with_thumbnails(page, say):
    say("u0", "k0", "reject", note="=1+1")
    say("u0", "k0", "accept")
    table = page().dataframe[0].value
    assert table["Decision"].tolist() == ["✓ accepted"]
    assert table["Query"][0].startswith("data:image/jpeg;base64,")


def test_everything_is_shown_when_asked_for(page, say):
    say("u0", "k0", "reject")
    say("u0", "k0", "accept")
    app = page()
    app.selectbox(key="rows_kind").set_value("All rows, undone and replaced ones too").run()
    assert app.dataframe[0].value["Decision"].tolist() == ["✓ accepted", "✕ rejected"]


def test_rows_can_be_found(page, say):
    say("u0", "k0", "accept", note="torn left ear")
    say("u1", "k3", "reject", reviewer="Ben")
    app = page()
    next(one for one in app.text_input if one.label == "Contains").input("LEFT EAR").run()
    assert app.dataframe[0].value["Query photo"].tolist() == ["u0.jpg"]


def test_rows_of_other_catalogues_are_left_out(page, say):
    say("elsewhere", "k0", "accept")
    assert numbers(page())["Decisions"] == "0"


def test_numbers_follow_the_record(page, say):
    say("u0", "k0", "accept")
    before = numbers(page())
    say("u0", "k2", "accept")
    after = numbers(page())
    assert (before["Individuals"], after["Individuals"]) == (
        "5",
        "4",
    )  # four names and two photos to identify


def test_a_contradiction_leads_back_to_its_pairs(page, say):
    say("u0", "k0", "accept")
    say("u0", "u1", "accept")
    say("u1", "k0", "reject")
    app = page("Individuals")
    assert numbers(app)["Contradictions"] == "1"
    assert {"k0.jpg and u0.jpg", "u0.jpg and u1.jpg", "k0.jpg and u1.jpg"} <= set(links(app))


def test_one_individual_with_two_names_is_listed(page, say):
    say("k0", "k2", "accept")
    assert "ind0, ind1: 4 photos" in texts(page("Individuals"))


def test_the_least_number_counts_open_pairs_as_accepted(page, say):
    say("u0", "k0", "unsure")
    assert "between **5** and **6**" in texts(page("Individuals"))


def test_a_link_brings_up_the_pair_even_where_the_model_does_not_propose_it(open_app, herd):
    app = open_app(herd, go="u0", **{"with": "u1"})
    assert pair(app) == ("u0", "u1")


# --- names -----------------------------------------------------------------------------------------------------------


def give(app: AppTest, photo: str, name: str) -> AppTest:
    app.text_input(key=f"name:{photo}").input(name)
    app.button(key=f"save:{photo}").click().run()
    assert not app.exception
    return app


def test_a_new_individual_is_named_by_a_reviewer(page, say):
    say("u0", "u1", "accept")
    app = give(page("Individuals"), "u0", "Notch")
    assert "Notch, named by Ada" in texts(app)
    press(app, "Take it back")
    assert "named by" not in texts(app)


@pytest.mark.parametrize(
    ("name", "said"), [("IND0", "“ind0” already"), ("unknown", "not known"), (" ", "1 to 80")]
)
def test_a_name_that_clashes_is_refused(page, say, name, said):
    app = give(page("Individuals"), "u0", name)
    assert said in app.error[0].value
    assert "named by" not in texts(app)


def test_two_new_individuals_cannot_have_one_name(page):
    app = give(page("Individuals"), "u0", "Notch")
    assert "“Notch” already" in give(app, "u1", "notch").error[0].value


def test_who_gave_no_name_of_their_own_names_nobody(page):
    app = give(page("Individuals", reviewer=""), "u0", "Notch")
    assert "your own name" in app.error[0].value


def test_the_download_says_who_is_on_each_photo(page, say):
    say("u0", "k0", "accept")
    give(page("Individuals"), "u1", "=Notch")
    (workspace,) = resources.shelf().workspaces()
    given = {photo: one.name for photo, one in workspace.names.names().items()}
    content = identities_csv(workspace, summarise(workspace).summary.individuals, given)
    rows = {row["image_id"]: row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}
    assert (rows["u0"]["identity_before"], rows["u0"]["identity"]) == ("unknown", "ind0")
    assert rows["u1"]["identity"] == "'=Notch"  # a spreadsheet does not run it
    assert rows["u0"]["individual_number"] == rows["k0"]["individual_number"]


def test_a_link_brings_up_a_query_that_is_not_among_those_to_identify(open_app, herd):
    app = open_app(herd, go="k0", **{"with": "k1"})
    assert pair(app) == ("k0", "k1")
    app.segmented_control(key="queries").set_value("To identify").run()
    assert pair(app)[0] in ("u0", "u1")  # only the link chose all photos
