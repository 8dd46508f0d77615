"""What computes explanations, as a fingerprint: a change of code makes a new one."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

import numpy as np
import PIL
import torch
from torch import nn

_COVERED = (
    "explain",
    "models",
    "catalogue",
    "frames.py",
    "version.py",
)  # of this package: what results depend on
_SIMPLE = (bool, int, float, str, tuple, type(None))


@cache
def engine_fingerprint() -> str:
    """Hex digits that change with the code that explanations depend on, and with torch, NumPy and Pillow."""
    digest = hashlib.sha256(f"{torch.__version__} {np.__version__} {PIL.__version__}".encode())
    root = Path(__file__).resolve().parents[1]
    for name in _COVERED:
        place = root / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def code_fingerprint(module: nn.Module) -> str:
    """Hex digits that change with a model's code, its modules' plain attributes, and its buffers.

    What ``EmbeddingModel.fingerprint`` covers (weights, structure in words) is not looked at again. torch's own modules
    go by torch's version; of the others, the whole file that defines them counts.
    """
    digest = hashlib.sha256()
    kinds = {type(part) for part in module.modules()}
    for kind in sorted(kinds, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}"):
        digest.update(f"{kind.__module__}.{kind.__qualname__}\n".encode())
        if not kind.__module__.startswith("torch."):
            digest.update(_source_file(kind.__module__))
    for path, part in module.named_modules():
        plain = {name: value for name, value in vars(part).items() if isinstance(value, _SIMPLE)}
        digest.update(f"{path} {sorted(plain.items(), key=lambda item: item[0])}\n".encode())
    for path, buffer in module.named_buffers():
        digest.update(
            path.encode() + buffer.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()[:16]


def _source_file(module_name: str) -> bytes:
    # The file as it is, not inspect.getsource: that parses it, and before Python 3.13 two threads that parse at once
    # (this one, and a page being compiled) can fail with "AST constructor recursion depth mismatch".
    path = getattr(sys.modules.get(module_name), "__file__", None)
    if path is None:  # typed at a prompt, or compiled: its name must do
        return b""
    try:
        return hashlib.sha256(Path(path).read_bytes()).digest()
    except OSError:  # run from an archive
        return b""
