"""The house stays in order: what is long is said by name, and the session is touched in one place."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FUNCTION, LONGEST_MODULE = 50, 400  # lines
OF_CODE = ("*.py", "*.js", "*.css", "*.html")
STATE = Path("pages/components/state")
TOP = {  # and requirements*.txt, and what begins with a dot
    "app.py", "pages", "pairx_core", "data_samples", "tests", "docs", "Makefile", "pyproject.toml",
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "CITATION.cff", "THIRD_PARTY_LICENSES.md",
}  # fmt: skip


def files(folder: str, *patterns: str) -> Iterator[Path]:
    """Files below a folder, as paths from the root."""
    for pattern in patterns:
        yield from (path.relative_to(ROOT) for path in sorted((ROOT / folder).rglob(pattern)))


def python_files() -> list[Path]:
    rooms = ("pairx_core", "pages", "tests", "data_samples")
    return [Path("app.py"), *(path for room in rooms for path in files(room, "*.py"))]


def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return function.end_lineno - function.lineno + 1


def test_no_function_is_over_50_lines():
    too_long = [
        f"{path}:{node.lineno} {node.name}: {length(node)} lines"
        for path in python_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > LONGEST_FUNCTION
    ]
    assert not too_long, "split by what they do: " + "; ".join(too_long)


def test_no_module_of_the_core_and_the_pages_is_over_400_lines():
    counted = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for room in ("pairx_core", "pages")
        for path in files(room, *OF_CODE)
    }
    too_long = [f"{path}: {lines} lines" for path, lines in counted.items() if lines > LONGEST_MODULE]
    assert not too_long, "split by what they are for: " + "; ".join(too_long)


def test_only_the_state_touches_the_session():
    found = [
        f"{path}:{node.lineno}"
        for path in (Path("app.py"), *files("pages", "*.py"), *files("pairx_core", "*.py"))
        if STATE not in path.parents
        for node in ast.walk(parsed(path))
        if "session_state" in (getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "name", ""))
    ]
    assert not found, f"what a session holds belongs into {STATE}, not into " + ", ".join(found)


def test_the_top_level_stays_short():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode or not (ROOT / ".git").exists():
        pytest.skip("no checkout: what belongs to the house is not known")
    there = {path.split("/")[0] for path in listed.stdout.split("\0") if path}
    there = {name for name in there if not name.startswith((".", "requirements"))}
    assert there <= TOP, f"a place below the top level, for: {', '.join(sorted(there - TOP))}"
