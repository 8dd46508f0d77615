"""The command that measures how far explanations can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pairx_core.cli_jobs import files_for, named_model, runner_from, runner_options
from pairx_core.cli_options import catalogue_and_model, file_option, folder_option, layer_option
from pairx_core.cli_reading import built_index, chosen_model, opened_catalogue
from pairx_core.cli_telling import progress_bar, write_and_tell

if TYPE_CHECKING:
    from pairx_core.evaluate.job import Evaluated, EvaluationJob
    from pairx_core.evaluate.plan import Plan
    from pairx_core.models import EmbeddingModel
    from pairx_core.models.named import NamedModel
    from pairx_core.retrieval import CandidateFilters

ALL = "all"
_FROM_0, _FROM_1 = click.IntRange(min=0), click.IntRange(min=1)
_MOST_CELLS = 48  # a side: a finer layer has millions of pairs of cells, which see little more than a dot


@click.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@folder_option("A folder for the report.")
@catalogue_and_model("embeddings and measures")
@click.option("--methods", default="pairx,pairx-steady", show_default=True, help="Names, or “all”.")
@click.option(
    "--controls", default="pairx,pairx-steady", show_default=True, help="Methods to show collapsing, or “”."
)
@click.option("--layer", help="Of the methods that take one. [default: the model's recommended one]")
@click.option("--layers", is_flag=True, help="Compare the model's layers under PAIR-X instead of methods.")
@click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True),
    help="With --layers: a project file that takes over the best layer.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of truth files. [default: “truth” beside the catalogue, if there is one]",
)
@click.option(
    "--per-bin",
    type=_FROM_1,
    default=60,
    show_default=True,
    help="Most pairs of a kind from a bin of similarity.",
)
@click.option(
    "--faithful", type=_FROM_0, default=40, show_default=True, help="Pairs with deletion and insertion."
)
@click.option(
    "--steady", type=_FROM_0, default=20, show_default=True, help="Pairs whose steadiness is measured."
)
@click.option("--k-lines", type=_FROM_1, default=20, show_default=True, help="Lines scored a pair.")
@click.option("--seed", type=_FROM_0, default=0, show_default=True, help="Of the sample and the resamples.")
@click.option("--title", help="Of the report.")
@click.option("--any-species", is_flag=True, help="Pairs of different species too.")
@click.option("--any-flank", is_flag=True, help="Pairs of different flanks too.")
@click.option("--same-day", is_flag=True, help="Pairs of the same day and site too.")
@runner_options
def evaluate(
    catalogue: Path,
    out: Path,
    form: str | None,
    model: str | None,
    checkpoint: Path | None,
    cache: Path | None,
    **others: Any,
) -> None:
    """Measure on CATALOGUE's known pairs whether explanations tell right from wrong. Stopped, it goes on later."""
    from pairx_core.evaluate.job import EvaluationJob
    from pairx_core.evaluate.measuring import check_truth, truth_beside
    from pairx_core.evaluate.pairs import matched_sample
    from pairx_core.evaluate.report import best_layer, write_report
    from pairx_core.explain import keep_freed_memory

    chosen = _Chosen(**others)
    keep_freed_memory()  # best before the model is made
    photos = opened_catalogue(catalogue, form)
    index = built_index(photos, chosen_model(model, checkpoint), cache)
    truth = truth_beside(photos.source) if chosen.truth is None else chosen.truth.absolute()
    if chosen.truth is not None:
        check_truth(index.photos, chosen.truth)
    sample = matched_sample(index, chosen.filters, per_bin=chosen.per_bin, seed=chosen.seed)
    job = EvaluationJob(index.model, sample, chosen.plan(index.model), truth=truth)
    evaluated = _run(job, out, named_model(index.model, model, checkpoint), chosen)
    if evaluated.resumed:
        click.echo(f"{evaluated.resumed:,} of {len(evaluated.rows):,} rows were there already")
    for failure in evaluated.failures[:5]:
        click.echo(
            f"failed  {failure.query_id}, {failure.candidate_id}, {failure.method}: {failure.message}",
            err=True,
        )
    title = chosen.title or f"Explanations on {photos.source.name}"
    click.echo(f"wrote {write_report(evaluated, job, out, title=title, seed=chosen.seed)}")
    if chosen.layers:
        layer = best_layer(evaluated, seed=chosen.seed)
        click.echo(f"best layer: {layer} (recommended without measuring: {index.model.recommended_layer})")
        _keep_layer(chosen.project, layer)


@click.command()
@click.argument("catalogue", type=click.Path(path_type=Path))
@file_option("The table to write (CSV).")
@catalogue_and_model("embeddings and measures")
@layer_option
@click.option("--queries", default=120, show_default=True, help="Most known queries to learn from.")
@click.option("--all-photos", is_flag=True, help="Order the candidates of known photos too.")
def rerank(
    catalogue: Path,
    out: Path,
    form: str | None,
    model: str | None,
    checkpoint: Path | None,
    cache: Path | None,
    layer: str | None,
    queries: int,
    all_photos: bool,
) -> None:
    """Order CATALOGUE's candidates by similarity and plausibility together, if that measurably helps.

    The table is opened on Setup, as another matcher's candidates.
    """
    from pairx_core.evaluate.reranked import as_table, reranked, reranking_in_words
    from pairx_core.evaluate.trust import FEWEST_PAIRS, TrustStudy, trust_folder, trust_job
    from pairx_core.explain import keep_freed_memory
    from pairx_core.outputs import files_of, refuse_output
    from pairx_core.retrieval import CandidateFilters
    from pairx_core.settings import Settings

    keep_freed_memory()  # best before the model is made
    read = opened_catalogue(catalogue, form)
    refuse_output(out, files_of(read))  # before the long part
    index = built_index(read, chosen_model(model, checkpoint), cache)
    chosen, filters = layer or index.model.recommended_layer, CandidateFilters()
    job = trust_job(index, index.model, chosen, filters, most=queries)
    with progress_bar("measuring known pairs") as progress:
        rows = job.run(trust_folder(cache or Settings.from_environment().cache, job), progress).rows
    study = TrustStudy.of(rows)
    if study is None:
        raise click.ClickException(
            f"{len(rows)} known pairs are too few to learn from: {FEWEST_PAIRS} are needed, 10 of each kind."
        )
    click.echo(f"re-ranking: {reranking_in_words(study)}")
    if not study.reranking.helps:
        click.echo("Nothing was written.")
        return
    wanted = [photo for photo in index.photos if all_photos or not photo.is_known]
    with progress_bar("explaining candidates") as progress:
        candidates, failures = reranked(index, study, chosen, wanted, filters, progress)
    for failure in failures[:5]:
        click.echo(f"failed  {failure}", err=True)
    write_and_tell(out, as_table(candidates).encode(), "table of candidates", files_of(read))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What was chosen on the command line beside the photos and the model."""

    methods: str
    controls: str
    layer: str | None
    layers: bool
    project: Path | None
    truth: Path | None
    per_bin: int
    faithful: int
    steady: int
    k_lines: int
    seed: int
    title: str | None
    any_species: bool
    any_flank: bool
    same_day: bool
    scheduler: str | None
    workers: int | None

    @property
    def filters(self) -> CandidateFilters:
        from pairx_core.retrieval import CandidateFilters

        return CandidateFilters(
            same_species=not self.any_species,
            same_flank=not self.any_flank,
            exclude_same_day_and_site=not self.same_day,
        )

    def plan(self, model: EmbeddingModel) -> Plan:
        from pairx_core.evaluate.methods import available_methods
        from pairx_core.evaluate.plan import Plan

        methods = available_methods() if self.methods == ALL else _names(self.methods)
        controlled = tuple(name for name in _names(self.controls) if name in methods)
        if self.layers:
            paths = [one.path for one in model.layers() if max(one.grid_size) <= _MOST_CELLS]
            methods, controlled = tuple(f"pairx:{path}" for path in paths), ()
        return Plan(
            methods,
            self.layer,
            controlled,
            faithful_pairs=self.faithful,
            steady_pairs=self.steady,
            k_lines=self.k_lines,
            seed=self.seed,
        )


def _run(job: EvaluationJob, out: Path, named: NamedModel, chosen: _Chosen) -> Evaluated:
    """Measure where it was chosen to."""
    photos = (photo for pair in job.sample.pairs for photo in (pair.query, pair.candidate))
    files = files_for(photos, named, job.truth)
    with (
        runner_from(chosen.scheduler, chosen.workers, files) as runner,
        progress_bar("measuring pairs") as progress,
    ):
        elsewhere = None if chosen.scheduler is None else named
        return job.run(out, progress, runner=runner, named=elsewhere)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(str.strip, text.split(",")) if name))


def _keep_layer(project: Path | None, layer: str) -> None:
    """Write a layer into a project file."""
    if project is None:
        return
    from pairx_core.project import read_project, write_project

    click.echo(f"wrote {write_project(replace(read_project(project), layer=layer), project)}")
