"""What works where no package of models is installed, and what the rest says there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pairx_core import PairExplainer, build_index, load_model, read_catalogue
from pairx_core.fieldpack import Wanted, write_pack
from pairx_core.lazy import OF_MODELS

ROOT = Path(__file__).resolve().parents[1]
TORCH_FREE = (
    "pairx_core.catalogue",
    "pairx_core.cli",
    "pairx_core.decisions",
    "pairx_core.explain",
    "pairx_core.explain.steps",
    "pairx_core.explain.storage",
    "pairx_core.exports",
    "pairx_core.fieldpack",
    "pairx_core.models",
    "pairx_core.render.card",
    "pairx_core.render.report",
    "pairx_core.retrieval",
    "pairx_core.sessions",
    "pairx_core.stories",
    "pages.components.method_page",
    "pages.components.opening",
    "pages.components.stories",
    "pages.components.story_player",
)


def without_torch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in an environment in which no package of models can be imported."""
    paths = os.pathsep.join((str(ROOT / "tests" / "without_torch"), str(ROOT)))
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, **environment},
    )


@pytest.fixture
def pack(small_catalogue, tiny_checkpoint, tmp_path) -> Path:
    catalogue, model = read_catalogue(small_catalogue), load_model(str(tiny_checkpoint))
    folder, wanted = tmp_path / "pack", Wanted(k=1, k_colors=1)
    queries = [catalogue.photo("u1")]
    write_pack(
        build_index(catalogue, model), PairExplainer(model), queries, folder, catalogue="x", wanted=wanted
    )
    return folder


def test_torch_is_really_not_there():
    run = without_torch("-c", "import torch")
    assert run.returncode == 1 and "No module named 'torch'" in run.stderr


def test_all_but_models_is_imported_without_them():
    run = without_torch("-c", f"import {', '.join(TORCH_FREE)}, sys; print(*sys.modules)")
    assert run.returncode == 0, run.stderr
    assert not OF_MODELS & set(run.stdout.split())


@pytest.mark.parametrize(
    "name",
    [
        "models:load_model",
        "models:EmbeddingModel",
        "explain:PairExplainer",
        "fieldpack:write_pack",
    ],
)
def test_what_needs_models_says_what_is_missing_and_what_to_do(name):
    room, _, thing = name.partition(":")
    code = f"""
from pairx_core.errors import PairxError
try:
    from pairx_core.{room} import {thing}
except PairxError as error:
    print(error)
"""
    run = without_torch("-c", code)
    assert "torch is not installed" in run.stdout and "requirements.txt" in run.stdout, run.stderr


def test_a_command_that_needs_a_model_says_so_without_a_traceback(small_catalogue, tmp_path):
    run = without_torch("-m", "pairx_core", "index", str(small_catalogue), PAIRX_CACHE=str(tmp_path))
    assert run.returncode == 1 and "torch is not installed" in run.stderr and "Traceback" not in run.stderr


def test_a_pack_is_opened_explained_and_drawn(pack, tmp_path):
    code = """
import sys
from pairx_core import read_catalogue, render_overlay
from pairx_core.fieldpack import open_pack
pack = open_pack(read_catalogue(sys.argv[1]))
query = pack.index.queries[0]
(candidate,) = pack.index.candidates(query)
drawing = render_overlay(pack.explainer.explain(query, candidate.photo))
drawing.save(sys.argv[2])
print(candidate.rank, pack.model.name)
"""
    run = without_torch("-c", code, str(pack), str(tmp_path / "overlay.png"))
    assert run.stdout.split() == ["1", "tiny"], run.stderr
    assert (tmp_path / "overlay.png").stat().st_size > 10_000


def test_a_pack_is_checked_and_the_installation_found_whole(pack, tmp_path):
    assert "Field pack" in without_torch("-m", "pairx_core", "check", str(pack)).stdout
    settings = {"PAIRX_CATALOGUE": str(pack), "PAIRX_CACHE": str(tmp_path / "cache")}
    said = without_torch("-m", "pairx_core", "doctor", **settings).stdout
    assert "field pack: 1 queries, 1 pairs, 0 problems" in said


def test_the_packages_for_the_field_are_pinned_as_all_are_and_need_no_models():
    pinned, field = (_pins(name) for name in ("requirements.txt", "requirements-field.txt"))
    assert set(field) == set(pinned) - OF_MODELS
    assert all(pinned[name] == version for name, version in field.items())


def _pins(name: str) -> dict[str, str]:
    lines = (
        line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    )
    return dict(line.split("==") for line in lines if line)
