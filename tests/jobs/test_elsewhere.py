"""The app's own jobs, here and on two worker processes of which one is killed: the same to the last byte."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from pairx_core import PairExplainer, read_catalogue
from pairx_core.catalogue import Catalogue
from pairx_core.errors import ClusterError, ModelError
from pairx_core.evaluate.job import EvaluationJob
from pairx_core.evaluate.kept import ROWS_NAME, SECONDS_NAME, read_rows
from pairx_core.evaluate.pairs import KnownPair, PairSample
from pairx_core.evaluate.plan import Plan
from pairx_core.fieldpack import Wanted, write_pack
from pairx_core.fieldpack.files import PACK_NAME
from pairx_core.jobs import LocalRunner
from pairx_core.models import load_model
from pairx_core.models.named import NamedModel
from pairx_core.retrieval import IndexOptions, build_index
from tests.conftest import paint
from tests.jobs import work
from tests.jobs.test_cluster import oldest_process, wait_until_replaced

PLAN = Plan(
    ("pairx", "nearest", "decomposition", "chance"), controlled=("pairx",), faithful_pairs=1, steady_pairs=1
)
ROWS_A_PAIR = 6


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_model(str(tiny_checkpoint))


@pytest.fixture(scope="module")
def named(model, tiny_checkpoint) -> NamedModel:
    return NamedModel.of(model, str(tiny_checkpoint))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Catalogue:
    """Forty photos without a table, one of them damaged since it was read."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(40):
        paint(folder / f"{number:02d}.jpg", number)
    read = read_catalogue(folder)
    (folder / "13.jpg").write_bytes(b"no picture")
    return read


def killing(dask, at: int):
    """A progress that kills a worker when so much is done; and the process that it kills."""
    victim = oldest_process(dask)

    def progress(done: int, _: int) -> None:
        if done == at:
            os.kill(victim, signal.SIGKILL)

    return progress, victim


def files(folder: Path, *but: str) -> dict[str, bytes]:
    """What a folder holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in but
    }


def test_an_index_is_the_same_from_two_workers_one_of_which_is_killed(
    local, dask, catalogue, model, named, tmp_path
):
    here = build_index(catalogue, model, cache_dir=tmp_path / "here", options=IndexOptions(runner=local))
    progress, victim = killing(dask, 8)
    options = IndexOptions(runner=dask, named=named)
    there = build_index(catalogue, model, cache_dir=tmp_path / "there", progress=progress, options=options)
    wait_until_replaced(dask, victim)
    assert len(there) == 39 and there.skipped == here.skipped
    kept = [files(tmp_path / name, "digests.sqlite") for name in ("here", "there")]
    assert kept[0] == kept[1] and sum(map(len, kept[0].values())) > 39 * model.dimensions


def test_explanations_are_the_same_from_two_workers_one_of_which_is_killed(local, dask, catalogue, named):
    pairs = list(pairwise(catalogue.photos[:12]))
    here = list(local.results(partial(work.explained, named), pairs))
    progress, victim = killing(dask, 3)
    there = []
    for done, made in enumerate(dask.results(partial(work.explained, named), pairs)):
        there.append(made)
        progress(done, len(pairs))
    wait_until_replaced(dask, victim)
    assert there == here and len(set(here)) == len(pairs)


def test_a_field_pack_is_the_same_from_two_workers_one_of_which_is_killed(
    local, dask, catalogue, model, named, tmp_path
):
    index = build_index(catalogue, model, options=IndexOptions(runner=local))
    explainer = PairExplainer(model, cache=None)
    make = partial(
        write_pack,
        index,
        explainer,
        index.photos[:3],
        catalogue=catalogue.source,
        wanted=Wanted(2, k_colors=2),
    )
    here = make(tmp_path / "here", runner=local)
    progress, victim = killing(dask, 2)
    tell = lambda what, done, total: progress(done, total) if what == "explaining pairs" else None  # noqa: E731
    there = make(tmp_path / "there", runner=dask, named=named, tell=tell)
    wait_until_replaced(dask, victim)
    assert here.explained == there.explained == 6 and not there.unexplained
    kept = [files(tmp_path / name, PACK_NAME) for name in ("here", "there")]
    assert kept[0] == kept[1] and len(kept[0]) > 6  # but for the file that says when it was made
    about = [json.loads((tmp_path / name / PACK_NAME).read_text()) for name in ("here", "there")]
    assert [one.pop("made_at") for one in about] and about[0] == about[1]


@pytest.fixture(scope="module")
def sample(catalogue) -> PairSample:
    """Six pairs, one of them with the damaged photo."""
    photos = catalogue.photos
    return PairSample(tuple(KnownPair(photos[at], photos[at + 1], 0.8) for at in (0, 2, 4, 12, 6, 8)), (), 0)


@pytest.fixture(scope="module")
def measured_here(local, model, sample, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation") / "here"
    evaluated = EvaluationJob(model, sample, PLAN).run(folder, runner=local)
    assert len(evaluated.rows) + len(evaluated.failures) == 6 * ROWS_A_PAIR and len(evaluated.failures) > 5
    return folder


def test_an_evaluation_is_the_same_from_two_workers_one_of_which_is_killed(
    dask, model, named, sample, measured_here, tmp_path
):
    progress, victim = killing(dask, 2)
    EvaluationJob(model, sample, PLAN).run(tmp_path / "there", progress, runner=dask, named=named)
    wait_until_replaced(dask, victim)
    there, here = (files(folder, SECONDS_NAME) for folder in (tmp_path / "there", measured_here))
    assert there == here and list(here) == ["evaluation.json", ROWS_NAME]


def test_an_evaluation_is_the_same_from_one_worker_and_goes_on_elsewhere(
    dask, model, named, sample, measured_here, tmp_path
):
    """Stopped on this computer, it goes on on a cluster."""

    class Stopped(Exception):
        pass

    def stop(done: int, _: int) -> None:
        if done == 9:
            raise Stopped

    alone = LocalRunner(1)
    with pytest.raises(Stopped):
        EvaluationJob(model, sample, PLAN).run(tmp_path / "there", stop, runner=alone)
    alone.close()
    evaluated = EvaluationJob(model, sample, PLAN).run(tmp_path / "there", runner=dask, named=named)
    assert evaluated.resumed == 9
    assert files(tmp_path / "there", SECONDS_NAME) == files(measured_here, SECONDS_NAME)
    assert all(row.seconds > 0 for row in evaluated.rows)


def test_a_model_that_is_another_one_on_the_workers_is_refused(dask, model, sample, tiny_checkpoint):
    other = NamedModel(str(tiny_checkpoint), "0" * 16)
    with pytest.raises(ModelError, match="another one here"):
        EvaluationJob(model, sample, PLAN).run(runner=dask, named=other)


def test_what_was_written_stays_when_the_cluster_is_lost(model, sample, tmp_path):
    class Lost(LocalRunner):
        def results(self, function, tasks):
            for number, result in enumerate(super().results(function, tasks)):
                if number == 1:
                    raise ClusterError("lost")
                yield result

    runner = Lost(1)
    with pytest.raises(ClusterError):
        EvaluationJob(model, sample, PLAN).run(tmp_path / "kept", runner=runner)
    runner.close()
    assert [row.query_id for row in read_rows(tmp_path / "kept")] == ["00"] * ROWS_A_PAIR
