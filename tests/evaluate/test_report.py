"""The report and its files: whole, well formed, and the same for the same rows."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pairx_core.errors import CatalogueError
from pairx_core.evaluate import report as report_module
from pairx_core.evaluate.bench import Failure
from pairx_core.evaluate.job import Evaluated, EvaluationJob
from pairx_core.evaluate.pairs import BinCount
from pairx_core.evaluate.plan import Plan
from pairx_core.evaluate.plots import forest_svg
from pairx_core.evaluate.report import best_layer, title_of, write_report
from pairx_core.evaluate.statistics import Interval
from tests.evaluate.making import photo, row, sample_of, tiny_model
from tests.evaluate.test_summary import evaluation

SVG = "{http://www.w3.org/2000/svg}"
MEASURES = {"deletion_gain": 0.1, "deletion": 0.4, "insertion": 0.6, "inverted_residual": 0.2}


@pytest.fixture
def job():
    photos = [photo(str(number), f"i{number // 2}") for number in range(6)]
    sample = replace(sample_of(photos, [(0, 1), (1, 2)]), bins=(BinCount(0.5, 9, 1234, 3, 4),))
    return EvaluationJob(tiny_model(), sample, Plan(("pairx",)))


def rows_of(*methods, lines=True):
    rows = [
        replace(one, measures=one.measures | MEASURES, seconds=0.5, lines=one.lines if lines else "")
        for seed, method in enumerate(methods)
        for one in evaluation(method, seed, 40)
    ]
    return Evaluated(tuple(rows))


def written(evaluated, job, folder, **options):
    path = write_report(evaluated, job, folder, **{"title": "On zebrelles"} | options)
    assert path == folder / "report.md"
    return path.read_text(encoding="utf-8")


def tables(text):
    """The tables of a report, as rows of cells."""
    found = re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE)
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()] for table in found]


def test_all_files_are_written(job, tmp_path):
    text = written(rows_of("pairx", "sift", "pairx@pairs"), job, tmp_path / "new" / "folder")
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    plots = {"auroc.svg", "deletion.svg", "lines.svg"}
    assert names == {"report.md", "summary.csv", "pairs.csv", "failures.csv"} | plots
    assert set(re.findall(r"!\[.*?\]\((.*?)\)", text)) == plots
    assert text.startswith("# On zebrelles\n") and "1 known same pairs and 1 known different" in text
    assert "Every pair could be explained" in text and "0.50 to 0.52 | 3 | 1,234 | 4 | 9" not in text
    assert "| 0.50 to 0.52 | 3 | 9 | 4 | 1,234 |" in text


def test_plots_are_well_formed_and_have_a_row_a_method(job, tmp_path):
    methods = "pairx", "sift", "pairx@pairs"
    written(rows_of(*methods), job, tmp_path)
    for name in ("auroc.svg", "deletion.svg", "lines.svg"):
        root = ET.parse(tmp_path / name).getroot()
        labels = [text.text for text in root.iter(f"{SVG}text")]
        assert [label for label in labels if label in map(title_of, methods)] == [*map(title_of, methods)]
        assert len(root.findall(f"{SVG}circle")) == 3


@pytest.mark.parametrize("title", ['Bu<sh> & "buck" \'s', "Ωμέγα | – “x”", "a]]>b"])
def test_any_title_is_drawn_as_it_is(title):
    root = ET.fromstring(forest_svg(title, [(title, Interval(0.5, 0.4, 0.6, 9))], mark=0.5))
    assert root.get("aria-label") == title
    assert [text.text for text in root.iter(f"{SVG}text")].count(title) == 2


def test_numbers_are_drawn_where_they_are():
    rows = [("a", Interval(0.2, 0.1, 0.3, 9)), ("b", Interval(0.6, 0.5, 0.7, 9))]
    root = ET.fromstring(forest_svg("t", rows, mark=0.4, controls=1))
    one, other = root.findall(f"{SVG}circle")
    bars = [line for line in root.findall(f"{SVG}line") if line.get("stroke-width") == "3"]
    mark = next(line for line in root.findall(f"{SVG}line") if line.get("stroke-dasharray"))
    ends = [[float(bar.get(end)) for end in ("x1", "x2")] for bar in bars]
    assert float(one.get("cx")) == pytest.approx(sum(ends[0]) / 2, abs=0.11)
    assert float(mark.get("x1")) == pytest.approx(
        (float(one.get("cx")) + float(other.get("cx"))) / 2, abs=0.11
    )
    assert one.get("fill") != other.get("fill") and float(one.get("cy")) < float(other.get("cy"))
    assert 0 < ends[0][0] < ends[1][1] < float(root.get("width"))


@pytest.mark.parametrize("value", [float("nan"), 0.0, 0.5, -0.3])
def test_numbers_without_intervals_or_none_at_all_can_be_drawn(value):
    ET.fromstring(forest_svg("t", [("a", Interval(value, float("nan"), float("nan"), 0))]))
    assert "nan" not in forest_svg("t", [("a", Interval(value, float("nan"), float("nan"), 0))])
    ET.fromstring(forest_svg("t", []))


def test_labels_end_before_the_plot_begins():
    label = title_of("pairx-agreement@pairs")
    root = ET.fromstring(forest_svg("t", [(label, Interval(0.5, 0.5, 0.5, 1))]))
    begins = min(float(line.get("x1")) for line in root.findall(f"{SVG}line"))
    assert begins >= 12 + 6.5 * len(label)
    assert max(float(line.get("x2")) for line in root.findall(f"{SVG}line")) < float(root.get("width"))


@pytest.mark.parametrize("method", ["pairx", "pairx:blocks.3", "odd|name", "odd|name:a|b@pairs"])
def test_every_row_of_a_table_is_as_long_as_its_head(job, tmp_path, method):
    text = written(rows_of("pairx", method, "sift"), job, tmp_path)
    assert len(tables(text)) == 5
    for table in tables(text):
        assert {len(cells) for cells in table} == {len(table[0])}
        assert len(table) >= 3
    for name in ("summary.csv", "pairs.csv", "failures.csv"):
        lengths = {len(cells) for cells in csv.reader((tmp_path / name).open(newline="", encoding="utf-8"))}
        assert len(lengths) == 1


def test_controls_come_last_and_alone_are_grey(job, tmp_path):
    """Also where the first pair's photo could not be explained by a method, so that it appears late."""
    evaluated = rows_of("pairx@weights", "pairx", "sift@pairs", "sift")
    evaluated = replace(
        evaluated,
        rows=tuple(
            replace(one, measures={k: v for k, v in one.measures.items() if k != "deletion_gain"})
            if one.method == "sift@pairs"
            else one
            for one in evaluated.rows
        ),
    )
    written(evaluated, job, tmp_path)
    fills = [
        [one.get("fill") for one in ET.parse(tmp_path / name).getroot().findall(f"{SVG}circle")]
        for name in ("auroc.svg", "deletion.svg")
    ]
    labels = [text.text for text in ET.parse(tmp_path / "auroc.svg").getroot().iter(f"{SVG}text")]
    methods = ("pairx", "sift", "pairx@weights", "sift@pairs")
    assert [label for label in labels if label in map(title_of, methods)] == [*map(title_of, methods)]
    assert fills[0][0] == fills[0][1] != fills[0][2] == fills[0][3]
    assert fills[1] == fills[0][:3]


def test_without_truth_there_is_no_section_on_lines(job, tmp_path):
    text = written(rows_of("pairx", lines=False), job, tmp_path)
    assert "same place of the body" not in text and not (tmp_path / "lines.svg").exists()
    assert "lines_same" not in (tmp_path / "summary.csv").read_text()


def test_without_pairx_nothing_is_compared_with_it(job, tmp_path):
    assert "Against PAIR-X" not in written(rows_of("sift"), job, tmp_path)
    assert "Against PAIR-X" in written(rows_of("sift", "pairx"), job, tmp_path)


def test_pairs_say_what_was_measured(job, tmp_path):
    evaluated = rows_of("pairx")
    first = replace(evaluated.rows[0], measures={"deletion": 1 / 3})
    written(replace(evaluated, rows=(first, *evaluated.rows[1:])), job, tmp_path)
    with (tmp_path / "pairs.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 40 and found[0]["deletion"] == "0.333333" and found[0]["insertion"] == ""
    assert [one["same"] for one in found[:3]] == ["no", "yes", "no"] and found[1]["lines"] == evaluated.rows[
        1
    ].lines


def test_failures_are_counted_and_listed(job, tmp_path):
    failures = (Failure("a", "b,c", "pairx", 'line\nbreak and "quotes"'),)
    text = written(replace(rows_of("pairx"), failures=failures), job, tmp_path)
    assert "1 explanations could not be made" in text
    with (tmp_path / "failures.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1] == ["a", "b,c", "pairx", 'line\nbreak and "quotes"']


def test_the_same_rows_give_the_same_bytes_whatever_time_they_took(job, tmp_path):
    evaluated = rows_of("pairx", "sift")
    slower = replace(evaluated, rows=tuple(replace(one, seconds=7.0) for one in evaluated.rows))
    for folder, rows in (("one", evaluated), ("same", evaluated), ("slower", slower)):
        written(rows, job, tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes()
        if path.name != "report.md":
            assert path.read_bytes() == (tmp_path / "slower" / path.name).read_bytes()
    times = [(tmp_path / folder / "report.md").read_text() for folder in ("one", "slower")]
    assert times[0] != times[1] and times[0].replace("0.50 s", "7.00 s") == times[1]


def test_another_seed_moves_the_intervals_only(job, tmp_path):
    for seed in (0, 1):
        written(rows_of("pairx"), job, tmp_path / str(seed), seed=seed)
    one, other = (
        list(csv.DictReader((tmp_path / name / "summary.csv").open(encoding="utf-8"))) for name in "01"
    )
    assert [cells["value"] for cells in one] == [cells["value"] for cells in other]
    assert [cells["low"] for cells in one] != [cells["low"] for cells in other]


def test_a_report_that_cannot_be_written_says_so(job, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogueError, match="the report cannot be written"):
        written(rows_of("pairx"), job, tmp_path / "file" / "folder")


def test_nothing_explained_is_no_report(job, tmp_path):
    nothing = Evaluated((), (Failure("a", "b", "pairx", "It is dark."),))
    with pytest.raises(CatalogueError, match="Not one pair .* It is dark"):
        written(nothing, job, tmp_path)
    assert not any(tmp_path.iterdir())


def layered(*layers):
    rows = []
    for place, (name, right, gain) in enumerate(layers):
        rows += evaluation(f"pairx:{name}", place, right=right or 0.0, gain=gain)
        if right is None:
            rows = [replace(one, lines="", measures=aligned(one.measures)) for one in rows]
    return Evaluated(tuple(rows))


def aligned(measures):
    """The score that layers are compared by, as good as the agreement."""
    return measures | ({"aligned": measures["agreement"]} if "agreement" in measures else {})


def test_the_best_layer_has_most_right_lines():
    assert best_layer(layered(("blocks.1", 0.3, 5), ("blocks.2", 0.8, 0), ("blocks.3", 0.5, 5))) == "blocks.2"


def test_without_truth_the_best_layer_tells_pairs_apart():
    assert best_layer(layered(("a", None, 0), ("b", None, 4), ("c", None, 1))) == "b"


def test_layers_that_cannot_be_told_apart_give_the_first():
    rows = [row(n, "a", "b", f"pairx:{name}", measures={"agreement": 1.0}) for n in range(4) for name in "xy"]
    assert best_layer(Evaluated(tuple(rows))) == "x"


def test_no_layer_is_no_best_one():
    with pytest.raises(CatalogueError, match="No layer"):
        best_layer(rows_of("pairx"))


def test_methods_and_controls_have_words():
    assert title_of("pairx") == report_module.METHODS["pairx"].title
    assert title_of("pairx:blocks.3").endswith(" at blocks.3")
    assert title_of("pairx@weights").endswith("control: weights shuffled")
