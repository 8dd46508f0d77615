"""Packages that only some methods need."""

from __future__ import annotations

import importlib
from typing import Any

from pairx_core.errors import ExplanationError


def extra(module: str, method: str) -> Any:
    """An optional module, such as "captum.attr", for a method that needs it.

    Raises:
        ExplanationError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise ExplanationError(
            f"{method} needs {package}: pip install -r requirements-evaluate.txt"
        ) from None
