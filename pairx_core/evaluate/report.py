"""An evaluation as files: a report in Markdown with its plots, and its figures as tables."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from pairx_core.errors import CatalogueError
from pairx_core.evaluate.job import Evaluated, EvaluationJob
from pairx_core.evaluate.methods import METHODS
from pairx_core.evaluate.pairs import BIN_WIDTH
from pairx_core.evaluate.plan import CONTROLS
from pairx_core.evaluate.plots import forest_svg
from pairx_core.evaluate.statistics import Interval
from pairx_core.evaluate.summary import MEANS, SCORES, MethodSummary, Summariser

REPORT_NAME = "report.md"
_REFERENCE = "pairx"
_REFERENCE_SCORE = "inverted_residual"  # the published one
_COMPARED_SCORES = (
    "inverted_residual",
    "agreement",
    "aligned",
)  # named beforehand: the best of many is no measure
_LAYER_SCORE = "aligned"


def write_report(
    evaluated: Evaluated, job: EvaluationJob, folder: Path, *, title: str, seed: int = 0
) -> Path:
    """Write ``report.md``, its plots, ``summary.csv``, ``pairs.csv`` and ``failures.csv``.

    Args:
        evaluated: the rows.
        job: what they are of.
        folder: made where it is missing; files of these names are replaced.
        title: what was evaluated, in words.
        seed: of the resamples for the intervals.

    Returns:
        The report's path.

    Raises:
        CatalogueError: there is no row, or a file cannot be written.
    """
    if not evaluated.rows:
        first = f" The first: {evaluated.failures[0].message}" if evaluated.failures else ""
        raise CatalogueError(f"Not one pair could be explained.{first}")
    summariser = Summariser(evaluated.rows, seed=seed)
    methods = sorted(
        summariser.methods, key=lambda method: "@" in method
    )  # controls last, also after failures
    summaries = [summariser.summary(method) for method in methods]
    files = {
        REPORT_NAME: _report(evaluated, job, summariser, summaries, title),
        "summary.csv": _table(_summary_rows(summaries)),
        "pairs.csv": _table(_pair_rows(evaluated)),
        "failures.csv": _table(
            [["query", "candidate", "method", "message"]]
            + [[one.query_id, one.candidate_id, one.method, one.message] for one in evaluated.failures]
        ),
        **_plots(summaries),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise CatalogueError(f"{folder}: the report cannot be written ({error}).") from error
    return folder / REPORT_NAME


def title_of(method: str) -> str:
    """A method's name in words; a control's says so."""
    named, _, control = method.partition("@")
    plain, _, layer = named.partition(":")
    title = METHODS[plain].title if plain in METHODS else plain
    title += f" at {layer}" if layer else ""
    return f"{title} – control: {CONTROLS.get(control, control)}" if control else title


def best_layer(evaluated: Evaluated, *, seed: int = 0) -> str:
    """The layer at which PAIR-X does best: most right lines on same pairs; without truth, the highest AUROC.

    The AUROC is that of the aligned animals' feature distance: one score for all, named beforehand, so that no layer
    wins by having been looked at in more ways.

    Raises:
        CatalogueError: no layer was measured.
    """
    summariser = Summariser(evaluated.rows, rounds=1, seed=seed)
    found = [
        (
            one.right_pairs.value if one.right_pairs else 0.0,
            _finite(one.auroc.get(_LAYER_SCORE)),
            -place,
            one.method.partition(":")[2],
        )
        for place, one in enumerate(map(summariser.summary, summariser.methods))
        if ":" in one.method
    ]
    if not found:
        raise CatalogueError("No layer of this model could be measured.")
    return max(found)[-1]


def _finite(interval: Interval | None) -> float:
    return interval.value if interval is not None and math.isfinite(interval.value) else 0.0


def _report(
    evaluated: Evaluated,
    job: EvaluationJob,
    summariser: Summariser,
    summaries: Sequence[MethodSummary],
    title: str,
) -> str:
    about = job.about()
    same = sum(pair.same for pair in job.sample.pairs)
    parts = [
        f"# {title}",
        f"Model {about['model']} ({about['model_fingerprint']}), layer {about['layer']}, seed {job.plan.seed}. "
        f"{same} known same pairs and {len(job.sample.pairs) - same} known different ones, in bins of similarity "
        f"{BIN_WIDTH:g} wide that have both kinds. Intervals: 95 %, from {summariser.rounds:,} resamples "
        "of the individuals.",
        f"{len(evaluated.failures)} explanations could not be made (failures.csv)."
        if evaluated.failures
        else "Every pair could be explained by every method.",
        "## Does the explanation tell right from wrong, where the similarity does not?",
        "AUROC of each score, comparing pairs of one similarity bin only; 0.5 is chance. The similarity itself "
        f"still has {summariser.similarity_auroc} within its bins.",
        _auroc_table(summaries),
        "![AUROC](auroc.svg)",
    ]
    if any(one.right_pairs for one in summaries):
        parts += [
            "## Do lines join the same place of the body?",
            f"Share of the first {job.plan.k_lines} lines whose ends lie within 5 % of the body length of each "
            "other, on the same side of the animal.",
            _lines_table(summaries, job.plan.k_lines),
            "![Right lines](lines.svg)",
        ]
    parts += [
        "## Does the similarity hang on what is shown, and does the picture stay where it should?",
        f"Deletion and insertion on the first {job.plan.faithful_pairs} pairs, steadiness and dependence on the "
        f"first {job.plan.steady_pairs}.",
        _means_table(summaries),
    ]
    if any("deletion_gain" in one.means for one in summaries):
        parts.append("![Deletion](deletion.svg)")
    differences = _differences(summariser, summaries)
    if differences:
        parts += [
            "## Against PAIR-X as published, on the same resamples",
            "Share of right lines, less PAIR-X's; and the AUROC of three scores, less that of PAIR-X's inverted "
            "residual. Beyond the interval where it does not hold 0.",
            differences,
        ]
    parts += ["## The bins", _bins_table(job)]
    return "\n\n".join(parts) + "\n"


def _auroc_table(summaries: Sequence[MethodSummary]) -> str:
    rows = [["method", *SCORES.values(), "time a pair"]]
    for one in summaries:
        if one.auroc:
            cells = [_cell(one.auroc.get(score)) for score in SCORES]
            rows.append([title_of(one.method), *cells, _seconds(one.seconds)])
    return _markdown(rows)


def _lines_table(summaries: Sequence[MethodSummary], k_lines: int) -> str:
    head = ["method", "same pairs", "different pairs", "lines a pair", f"right of {k_lines}, same pairs"]
    rows = [[*head, "rank 1", "ranks 1–5", f"ranks 6–{k_lines}"]]
    for one in summaries:
        if one.right_pairs is not None:
            ranks = one.by_rank
            rows.append(
                [
                    title_of(one.method),
                    _cell(one.right_pairs),
                    _cell(one.wrong_pairs),
                    f"{one.lines_a_pair:.1f}",
                    _cell(one.right_of_k),
                    *(_share(part) for part in (ranks[:1], ranks[:5], ranks[5:])),
                ]
            )
    return _markdown(rows)


def _means_table(summaries: Sequence[MethodSummary]) -> str:
    named = [name for name in MEANS if any(name in one.means for one in summaries)]
    rows = [["method", *(MEANS[name] for name in named), "time a pair"]]
    for one in summaries:
        rows.append(
            [title_of(one.method), *(_cell(one.means.get(name)) for name in named), _seconds(one.seconds)]
        )
    return _markdown(rows)


def _differences(summariser: Summariser, summaries: Sequence[MethodSummary]) -> str:
    if _REFERENCE not in summariser.methods:
        return ""
    rows = [["method", "right lines on same pairs", *(SCORES[score] for score in _COMPARED_SCORES)]]
    for one in summaries:
        if "@" in one.method or not one.auroc:
            continue
        lines = summariser.difference_in_lines(one.method, _REFERENCE)
        cells = [
            str(summariser.difference_in_auroc(one.method, score, _REFERENCE, _REFERENCE_SCORE).interval)
            if score in one.auroc
            else "–"
            for score in _COMPARED_SCORES
        ]
        rows.append([title_of(one.method), "–" if lines is None else str(lines.interval), *cells])
    return _markdown(rows)


def _bins_table(job: EvaluationJob) -> str:
    rows = [["similarity", "same pairs", "of", "different pairs", "of"]]
    for one in job.sample.bins:
        rows.append(
            [
                f"{one.low:.2f} to {one.low + BIN_WIDTH:.2f}",
                *(f"{n:,}" for n in (one.same, one.same_in_all, one.different, one.different_in_all)),
            ]
        )
    return _markdown(rows)


def _plots(summaries: Sequence[MethodSummary]) -> dict[str, str]:
    published = [
        (one.method, one.auroc[_REFERENCE_SCORE]) for one in summaries if _REFERENCE_SCORE in one.auroc
    ]
    falls = [(one.method, one.means["deletion_gain"]) for one in summaries if "deletion_gain" in one.means]
    lines = [(one.method, one.right_pairs) for one in summaries if one.right_pairs is not None]
    plots = {
        "auroc.svg": _forest("AUROC of the inverted residual at matched similarity", published, mark=0.5),
    }
    if falls:
        title = "How much faster the similarity falls than in a random order"
        plots["deletion.svg"] = _forest(title, falls, mark=0.0)
    if lines:
        plots["lines.svg"] = _forest("Share of right lines on same pairs", lines)
    return plots


def _forest(title: str, rows: Sequence[tuple[str, Interval]], *, mark: float | None = None) -> str:
    controls = sum("@" in method for method, _ in rows)
    return forest_svg(title, [(title_of(method), one) for method, one in rows], mark=mark, controls=controls)


def _summary_rows(summaries: Sequence[MethodSummary]) -> list[list[str]]:
    rows = [["method", "measure", "value", "low", "high", "pairs"]]
    for one in summaries:
        figures = {f"auroc_{name}": interval for name, interval in one.auroc.items()} | dict(one.means)
        figures |= {
            name: interval
            for name, interval in (
                ("lines_same", one.right_pairs),
                ("lines_different", one.wrong_pairs),
                ("lines_right_of_k", one.right_of_k),
            )
            if interval is not None
        }
        for name, interval in figures.items():
            numbers = (interval.value, interval.low, interval.high)
            rows.append([one.method, name, *(_number(value) for value in numbers), str(interval.n)])
        rows += [
            [one.method, f"lines_same_rank_{rank}", _number(share), "", "", str(one.pairs)]
            for rank, share in enumerate(one.by_rank, start=1)
        ]
    return rows


def _pair_rows(evaluated: Evaluated) -> list[list[str]]:
    names = sorted({name for row in evaluated.rows for name in row.measures})
    rows = [["query", "candidate", "same", "similarity", "method", "lines", *names]]
    for row in evaluated.rows:
        cells = [_number(row.measures[name]) if name in row.measures else "" for name in names]
        same = "yes" if row.same else "no"
        rows.append(
            [row.query_id, row.candidate_id, same, _number(row.similarity), row.method, row.lines, *cells]
        )
    return rows


def _cell(interval: Interval | None) -> str:
    return "–" if interval is None else str(interval)


def _share(ranks: Sequence[float]) -> str:
    return f"{sum(ranks) / len(ranks):.2f}" if ranks else "–"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds else "–"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
