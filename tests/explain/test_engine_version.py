"""The fingerprint of a model's code changes with the code, and is safe beside a page being compiled."""

from __future__ import annotations

import ast
import importlib
import sys

import pytest
from torch import nn

from pairx_core.explain.engine_version import code_fingerprint

_MODEL = "from torch import nn\nclass Own(nn.Module):\n    def forward(self, x):\n        return x{change}\n"


@pytest.fixture
def own_model(tmp_path, monkeypatch):
    """Makes a model from a file of its own, with this change in its forward pass."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(change: str) -> nn.Module:
        (tmp_path / "own_model_file.py").write_text(_MODEL.format(change=change), encoding="utf-8")
        sys.modules.pop("own_model_file", None)
        importlib.invalidate_caches()
        return importlib.import_module("own_model_file").Own()

    yield make
    sys.modules.pop("own_model_file", None)


def test_a_change_of_the_models_code_changes_its_fingerprint(own_model):
    before = code_fingerprint(own_model(""))
    assert code_fingerprint(own_model("")) == before
    assert code_fingerprint(own_model(" * 2")) != before


def test_a_plain_attribute_and_a_buffer_change_the_fingerprint():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.1))
    before = code_fingerprint(model)
    model[1].p = 0.2
    changed = code_fingerprint(model)
    assert changed != before
    model[0].running_mean += 1.0
    assert code_fingerprint(model) not in (before, changed)


def test_source_code_is_never_parsed_because_parsing_in_two_threads_can_fail(own_model, monkeypatch):
    model = own_model("")

    def parse(*_args, **_kwargs):
        raise AssertionError("parsed")

    monkeypatch.setattr(ast, "parse", parse)
    assert code_fingerprint(model)
