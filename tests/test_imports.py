"""What importing costs, and which way imports point."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[1] / "pairx_core"
MAY_IMPORT = {
    "catalogue": set(),
    "jobs": set(),
    "decisions": set(),
    "models": {"catalogue"},
    "retrieval": {"models", "catalogue", "jobs"},
    "explain": {"models", "catalogue"},
    "render": {"explain", "catalogue", "decisions", "sessions"},  # an evidence card shows who decided what
    "sessions": {"catalogue", "decisions", "retrieval"},
    "evaluate": {"jobs", "explain", "retrieval", "models", "catalogue"},
    "exports": {"catalogue", "decisions"},
    "fieldpack": {"catalogue", "models", "retrieval", "explain", "jobs"},
    "stories": {"catalogue", "decisions", "retrieval", "explain"},
}
PLAIN = {"addresses", "errors", "formulas", "frames", "lazy", "paths", "toml_files", "version", "whole_files"}


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_the_core_loads_neither_torch_nor_streamlit():
    loaded = loaded_by("import pairx_core")
    assert not loaded & {"torch", "streamlit", "timm", "pandas", "plotly"}


def test_catalogues_and_decisions_need_no_torch():
    loaded = loaded_by("from pairx_core import read_catalogue, DecisionLog, Settings")
    assert not loaded & {"torch", "streamlit", "timm"}


def test_explaining_and_drawing_need_no_streamlit():
    assert "streamlit" not in loaded_by("from pairx_core import PairExplainer, render_overlay, build_index")


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_point_one_way(room):
    allowed = MAY_IMPORT[room] | PLAIN | {room}
    for path in (CORE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for module in imported_by(node):
                assert module.split(".")[1] in allowed, f"{path.name} imports {module}"


def imported_by(node: ast.AST) -> list[str]:
    """Modules of ours that a statement imports, as dotted paths below the package."""
    if isinstance(node, ast.ImportFrom) and node.module == "pairx_core":
        return [f"pairx_core.{alias.name}" for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if (node.module or "").startswith("pairx_core.") else []
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.startswith("pairx_core.")]
    return []


def test_every_public_name_can_be_imported():
    import pairx_core

    assert all(getattr(pairx_core, name) is not None for name in pairx_core.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        pairx_core.nonsense  # noqa: B018
