"""Memory that is kept and handed back, and how precisely a GPU computes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from pairx_core.explain import computing, memory

_FREED = """
import re, torch
from pairx_core.explain import give_memory_back, keep_freed_memory

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

torch.zeros(1)
keep_freed_memory()
before = resident()
blocks = [torch.ones(5_000_000) for _ in range(10)]  # 20 MB each
del blocks
print(resident() - before)
give_memory_back()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux" or memory._glibc() is None, reason="needs glibc")
def test_freed_memory_is_kept_until_it_is_handed_back():
    run = subprocess.run([sys.executable, "-c", _FREED], check=True, capture_output=True, text=True)
    kept, after = map(float, run.stdout.split())
    assert kept > 150  # MB of 200
    assert after < 50


def test_elsewhere_than_with_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    memory.keep_freed_memory.__wrapped__()
    memory.give_memory_back()


@pytest.fixture
def precision():
    parts = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [part.fp32_precision for part in parts]
    yield parts
    for part, value in zip(parts, before, strict=True):
        part.fp32_precision = value


def test_a_gpu_computes_full_float32(monkeypatch, precision):
    for part in precision:
        part.fp32_precision = "tf32"
    assert computing.device_named("cpu", torch.device("cpu")).type == "cpu"
    assert [part.fp32_precision for part in precision] == ["tf32", "tf32"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert computing.device_named("auto", torch.device("cpu")).type == "cuda"
    assert [part.fp32_precision for part in precision] == ["ieee", "ieee"]
