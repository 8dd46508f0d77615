"""A field pack at work where no model's packages are installed: reviewed in a real browser, and merged back."""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from click.testing import CliRunner

from pairx_core import EvidenceLog, PairExplainer, build_index, load_model, read_catalogue
from pairx_core.cli import main
from pairx_core.fieldpack import Wanted, write_pack
from pairx_core.settings import SAMPLE_CATALOGUE

from .conftest import ROOT, SETTLED, Server, explained, moved_from, place, serving

pytestmark = pytest.mark.browser
QUERIES, K = 50, 5
WITHOUT_TORCH = ROOT / "tests" / "without_torch"


@pytest.fixture(scope="module")
def sample():
    """Opened as it is; nothing is written beside it."""
    return read_catalogue(SAMPLE_CATALOGUE)


@pytest.fixture(scope="module")
def index(sample, tiny_checkpoint):
    return build_index(sample, load_model(str(tiny_checkpoint)))


@pytest.fixture(scope="module")
def pack(sample, index, tmp_path_factory) -> Path:
    """50 queries of the sample with 5 candidates each; photos reduced to half their size."""
    folder = tmp_path_factory.mktemp("laptop") / "field pack"
    wanted = Wanted(k=K, k_colors=1, longest_side=384)
    queries = sample.photos[:QUERIES]
    report = write_pack(
        index, PairExplainer(index.model), queries, folder, catalogue=sample.source, wanted=wanted
    )
    assert (report.queries, report.pairs, report.unexplained) == (QUERIES, QUERIES * K, ())
    return folder


@pytest.fixture
def laptop(pack, tmp_path):
    """The app where torch, torchvision and timm are not installed, with a copy of the pack."""
    copied = shutil.copytree(pack, tmp_path / "copied pack")
    settings = {"PYTHONPATH": str(WITHOUT_TORCH), "PAIRX_DECISIONS": ""}
    with serving(copied, None, tmp_path, **settings) as server:
        yield Server(server.address, copied / "pairx_decisions.csv", server.pid)


def test_a_pack_of_50_queries_is_reviewed_without_torch_and_merged_back(
    laptop, page, sample, index, tmp_path
):
    page.goto(f"{laptop.address}/?reviewer=Asha")
    seen = [review(page, key) for key in ("x", "n", "u")]
    tick_the_first_match(page)
    seen.append(review(page, "a"))
    seen.append(review(page, "x"))
    wait_for_rows(laptop.decisions, 5)
    assert page.get_by_text("Query 2 of 50").count() == 1

    record = tmp_path / "institute" / "pairx_decisions.csv"
    record.parent.mkdir()
    merged = CliRunner().invoke(main, ["decisions", "merge", str(laptop.decisions), "-o", str(record)])
    assert merged.exit_code == 0, merged.output
    assert "5 decisions added" in merged.output and "ticked matches of 1 added" in merged.output
    rows = read(record)
    assert [(row["query_id"], row["candidate_id"]) for row in rows] == seen
    for row in rows:
        query, candidate = sample.photo(row["query_id"]), sample.photo(row["candidate_id"])
        ranked = index.candidate(query, candidate, Wanted().filters)
        assert (row["query_path"], row["candidate_path"]) == (query.catalogue_path, candidate.catalogue_path)
        assert (int(row["rank"]), float(row["similarity"])) == (ranked.rank, pytest.approx(ranked.similarity))
        assert (row["model"], row["layer"]) == (index.model.name, "blocks.1")
        assert row["candidate_identity"] == (candidate.identity or "")
    assert [row["decision"] for row in rows] == ["reject", "not_comparable", "unsure", "accept", "reject"]
    (ticked,) = EvidenceLog(record).of(rows[3]["decision_id"]).ticked
    original = PairExplainer(index.model).explain(*map(sample.photo, seen[3]), k_colors=0)
    for xy, matches in (
        (ticked.query_xy, original.matches.query_xy),
        (ticked.candidate_xy, original.matches.candidate_xy),
    ):
        np.testing.assert_allclose(xy, matches[0], atol=0.05)  # pixels of the photo, not of its smaller copy


def test_what_needs_a_model_says_so_and_nothing_else_is_asked(laptop, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{laptop.address}/?reviewer=Asha")
    explained(page)
    page.get_by_role("link", name="Queries").click()
    page.get_by_role("link", name="Review query 24").wait_for()
    page.get_by_role("link", name="Trust").click()
    page.get_by_text("A field pack brings its explanations along, but no model").wait_for()
    page.get_by_role("link", name="Method").click()
    page.get_by_text("A field pack holds explanations, but no model").wait_for()
    page.wait_for_selector(".cells[data-state=shown]")
    page.get_by_role("link", name="Setup").click()
    page.get_by_text("50 queries, 250 pairs").wait_for()
    page.get_by_role("textbox", name="Catalogue").fill(str(SAMPLE_CATALOGUE))
    page.get_by_test_id("stBaseButton-primaryFormSubmit").click()
    page.get_by_text("the package torch is not installed").wait_for()
    assert {urlsplit(url).hostname for url in asked if url.startswith("http")} == {"localhost"}


def review(page, key: str) -> tuple[str, str]:
    """Decides on the pair on the screen by its key; which pair that was."""
    explained(page)
    time.sleep(SETTLED)
    pair = place(page)
    page.keyboard.press(key)
    moved_from(page, pair)
    return pair


def tick_the_first_match(page) -> None:
    explained(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("t")
    page.locator(".marks g[data-match='0'][data-said=convincing]").first.wait_for()


def wait_for_rows(path: Path, count: int, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not path.is_file() or len(read(path)) < count:
        assert time.monotonic() < until, f"not {count} rows in time"
        time.sleep(0.05)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
