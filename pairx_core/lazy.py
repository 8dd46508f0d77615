"""Names of a package that are loaded when they are first used, so that nobody waits for, or needs, what they don't use.

The whole of PAIR-X Review but models and what explains them works without PyTorch: the record of decisions, drawing,
field packs. Where a name needs it and it is not installed, that is said as a :class:`ModelError`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pairx_core.errors import ModelError

OF_MODELS = frozenset({"torch", "torchvision", "timm", "huggingface_hub"})  # packages that only models need


def lazily(
    package: str, homes: Mapping[str, str], names: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """What a package takes as its ``__getattr__`` and ``__dir__`` (PEP 562).

    Args:
        package: its dotted name.
        homes: the module below it that each name comes from.
        names: all of its names, also those that are there at once.
    """

    def load(name: str) -> Any:
        try:
            home = homes[name]
        except KeyError:
            raise AttributeError(f"module {package!r} has no attribute {name!r}") from None
        try:
            return getattr(importlib.import_module(f"{package}.{home}"), name)
        except ModuleNotFoundError as error:
            if error.name not in OF_MODELS:
                raise
            raise without_models(error.name) from error

    return load, lambda: list(names)


def without_models(package: str) -> ModelError:
    """What to say where a package is missing that models need."""
    return ModelError(
        f"This installation has no models: the package {package} is not installed. Field packs open without it. For "
        "other catalogues, install all of requirements.txt: make run, or pip install -r requirements.txt."
    )
