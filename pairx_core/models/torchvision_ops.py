"""Let ``import timm`` succeed where torchvision is built for CUDA and torch for the CPU.

On Linux, package indexes serve torchvision as a CUDA build. Beside a CPU-only torch its compiled operators do
not load, and ``import torchvision`` (and so ``import timm``) dies with "operator torchvision::nms does not
exist", because torchvision describes an operator that is not there. Declaring the two operators that it asks
for is enough: nothing in this project, nor in timm's backbones, calls them. Where torchvision imports as it
is, nothing is done.
"""

from __future__ import annotations

import importlib
import sys
import threading

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_lock = threading.Lock()
_declared: list[
    torch.library.Library
] = []  # a library's operators vanish with it: kept for the whole process


def ensure_torchvision_operators() -> bool:
    """Make torchvision importable, once a process, by declaring what it misses. Call before importing timm.

    Returns:
        True where operators had to be declared, False where torchvision is whole (or not installed).
    """
    with _lock:
        if not _declared and not _imports_as_it_is():
            library = torch.library.Library("torchvision", "FRAGMENT")
            for schema in _SCHEMAS:
                library.define(schema)
            _declared.append(library)
            importlib.import_module("torchvision")
        return bool(_declared)


def _imports_as_it_is() -> bool:
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return True  # not installed: nothing to mend, timm says itself what it misses
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]  # half imported
        return False
    return True
