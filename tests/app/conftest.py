"""The app on a small catalogue, run in this process."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from safetensors.torch import save_file
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ["image_id", "identity", "path", "orientation", "date", "site", "species"]


@pytest.fixture(autouse=True, scope="module")
def all_on_one_thread(one_thread):
    """See there."""


@pytest.fixture(autouse=True)
def fresh_caches():
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def entry_comes_first(monkeypatch):
    """As on a server that has shown a page: AppTest forgets before each run that the entry has its own navigation."""
    begin = PagesManager.__init__

    def begun(self, *arguments, **named) -> None:
        begin(self, *arguments, **named)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", begun)


@pytest.fixture
def make_catalogue(tmp_path) -> Callable[..., Path]:
    """Writes a catalogue of generated photos, given (id, identity, flank, date, site) for each."""

    def make(rows: list[tuple[str, str, str, str, str]], name: str = "herd") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for seed, (photo, identity, flank, date, site) in enumerate(rows):
                paint(folder / f"{photo}.jpg", seed)
                writer.writerow([photo, identity, f"{photo}.jpg", flank, date, site, "bushbuck"])
        return folder / "metadata.csv"

    return make


@pytest.fixture
def herd(make_catalogue) -> Path:
    """Ten photos: two to identify, eight of four known individuals; all left flanks."""
    known = [(f"k{i}", f"ind{i // 2}", "left", f"2025-05-{i + 1:02d}", "spring") for i in range(8)]
    unknown = [(f"u{i}", "unknown", "left", f"2025-06-{i + 1:02d}", "dam") for i in range(2)]
    return make_catalogue([*known, *unknown])


@pytest.fixture
def decisions(tmp_path) -> Path:
    return tmp_path / "decided" / "decisions.csv"


@pytest.fixture
def open_app(tmp_path, monkeypatch, tiny_checkpoint, decisions) -> Callable[..., AppTest]:
    """Starts a session of the app on a catalogue."""
    monkeypatch.setattr("pages.components.state.pairs.HELD_KEY_SECONDS", 0.0)
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    monkeypatch.setenv("PAIRX_DECISIONS", str(decisions))
    monkeypatch.setenv("PAIRX_CACHE", str(tmp_path / "cache"))

    def start(catalogue: Path | None, reviewer: str | None = "Ada", **query: str) -> AppTest:
        monkeypatch.setenv("PAIRX_CATALOGUE", "" if catalogue is None else str(catalogue))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in {"reviewer": reviewer, **query}.items():
            if value is not None:
                app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return start


@pytest.fixture
def checkpoint_of(tmp_path):
    """Writes seeded weights of one of timm's test networks."""

    def make(architecture: str) -> Path:
        import timm

        torch.manual_seed(0)
        module = timm.create_model(architecture, pretrained=False, num_classes=0)
        path = tmp_path / f"{architecture}.safetensors"
        save_file(module.state_dict(), str(path), metadata={"architecture": architecture})
        return path

    return make


def paint(path: Path, seed: int, size: tuple[int, int] = (120, 80)) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def button(app: AppTest, label: str):
    found = [one for one in app.button if one.label == label or one.label.startswith(f"{label}:")]
    assert len(found) == 1, f"{len(found)} buttons are called {label}"
    return found[0]


def press(app: AppTest, label: str) -> AppTest:
    button(app, label).click().run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    """All HTML on the page, without the style sheets."""
    bodies = (one.proto.body for one in app.get("html"))
    return "\n".join(body for body in bodies if not body.startswith("<style>"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def pair(app: AppTest) -> tuple[str, str]:
    """Query and candidate on the screen, from the address."""
    return address(app, "query"), address(app, "candidate")


def address(app: AppTest, name: str) -> str:
    """A part of the address; AppTest gives text for what the page set, a list for what the test set."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def viewer(app: AppTest) -> dict[str, Any]:
    """What the pair viewer was given to show."""
    (found,) = (one for one in app.get("bidi_component") if one.proto.component_name == "pairx_pair_viewer")
    return json.loads(found.proto.json)


def look_at(app: AppTest, *layers: str) -> AppTest:
    """Switches layers as the viewer's buttons do, which cannot be pressed here."""
    app.session_state["layers"] = frozenset(layers)
    return app.run()


def explained(app: AppTest, seconds: float = 60) -> AppTest:
    """Runs the page until the explanation is there, or it is said why it is not."""
    until = time.monotonic() + seconds
    while app.get("bidi_component") and viewer(app)["waiting"]:
        assert time.monotonic() < until, "the explanation did not come"
        time.sleep(0.1)
        app.run()
    assert not app.exception
    return app
