"""What computes explanations, as a fingerprint: a change of code makes a new one."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pairx_core.version import __version__


@cache
def engine_fingerprint() -> str:
    """Hex digits that change with this package's code and with the versions of torch and NumPy."""
    digest = hashlib.sha256(f"{__version__} {torch.__version__} {np.__version__}".encode())
    root = Path(__file__).resolve().parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def code_fingerprint(module: nn.Module) -> str:
    """Hex digits that change with the code of a model's own modules (torch's go by torch's version).

    The weights are not looked at; see ``EmbeddingModel.fingerprint`` for them.
    """
    kinds = {type(part) for part in module.modules()}
    digest = hashlib.sha256()
    for kind in sorted(kinds, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}"):
        digest.update(f"{kind.__module__}.{kind.__qualname__}\n".encode())
        if not kind.__module__.startswith("torch."):
            digest.update(_source(kind).encode())
    return digest.hexdigest()[:16]


def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or compiled: its name must do
        return ""
