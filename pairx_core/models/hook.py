"""A lab's own Python as the model: ``module:function``."""

from __future__ import annotations

import ast
import hashlib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from torch import nn

from pairx_core.errors import ModelError
from pairx_core.models.card import ModelOrigin
from pairx_core.models.embedding_model import EmbeddingModel, tried
from pairx_core.models.preprocessing import Preprocessing

ALLOW_HOOKS = "PAIRX_ALLOW_HOOKS"
_HOOK = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)")


def is_hook(name: str) -> bool:
    """Whether a model's name is that of a Python function."""
    return _HOOK.fullmatch(name) is not None


def load_hook(name: str) -> EmbeddingModel:
    """Call ``module:function``, which gives an EmbeddingModel, or a torch module and its Preprocessing.

    It runs whatever the module holds, so the environment has to allow it with ``PAIRX_ALLOW_HOOKS=1``; nobody can do so
    from a page.

    Raises:
        ModelError: it is not allowed, cannot be imported, fails, or gives something else.
    """
    found = _HOOK.fullmatch(name)
    if found is None:
        raise ModelError(f"“{name}” is not the name of a Python function. Write module:function.")
    if os.environ.get(ALLOW_HOOKS) != "1":
        raise ModelError(
            f"The model “{name}” is a Python function, which may do anything on this computer. Whoever runs the server "
            f"allows it by setting {ALLOW_HOOKS}=1 before it starts."
        )
    module = _imported(name, found["module"])
    function = getattr(module, found["function"], None)
    if not callable(function):
        raise ModelError(
            f"The model “{name}” cannot be imported: {module.__file__ or found['module']} has no function "
            f"{found['function']}. Correct its name."
        )
    try:
        made = function()
    except (Exception, SystemExit) as error:  # the lab's own code: whatever it raises is told
        raise ModelError(f"The model “{name}” failed: {type(error).__name__}: {error}") from error
    return tried(_wrapped(name, made).made_by(_digest(module)))


def _imported(name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(
            f"The model “{name}” cannot be imported ({error}). Put the folder of {module} on PYTHONPATH, and install "
            "what it needs."
        ) from error
    except (Exception, SystemExit) as error:  # the lab's own code runs when it is imported
        raise ModelError(
            f"The model “{name}” cannot be imported: its code failed with {type(error).__name__}: {error}. Correct it."
        ) from error


def _wrapped(name: str, made: object) -> EmbeddingModel:
    if isinstance(made, EmbeddingModel):
        if made.preprocessing is None:
            raise ModelError(
                f"The model “{name}” does not say how a photo is prepared for it. Give its Preprocessing, as in "
                "EmbeddingModel(module, Preprocessing((440, 440)), name)."
            )
        return made
    if isinstance(made, tuple) and len(made) == 2:
        module, preprocessing = made
        if isinstance(module, nn.Module) and isinstance(preprocessing, Preprocessing):
            return EmbeddingModel(
                module, preprocessing, name, origin=ModelOrigin(f"the Python function {name}")
            )
    raise ModelError(
        f"The model “{name}” gives {type(made).__name__}; an EmbeddingModel is needed, or a torch module together with "
        "its Preprocessing, as in return module, Preprocessing((440, 440))."
    )


@lru_cache(maxsize=64)
def _digest(module: ModuleType) -> str:
    """A short name of the code that a module consists of, as it was when it was first used: later code does not run."""
    digest = hashlib.sha256()
    for one in _with_imported(module):
        path = Path(str(one.__file__))
        digest.update(f"{one.__name__} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _with_imported(module: ModuleType) -> list[ModuleType]:
    """A module and those that it imports, and they in turn, as far as they lie in its package or beside it."""
    top = module.__name__.partition(".")[0]
    depth = module.__name__.count(".") + (Path(str(module.__file__)).name == "__init__.py")
    home = Path(str(module.__file__)).resolve().parents[depth]
    found, waiting = {}, [module]
    while waiting:
        one = waiting.pop()
        if one.__name__ in found or not _is_file(one):
            continue
        found[one.__name__] = one
        for name in _imports(one):
            other = sys.modules.get(name)
            if other is None or not _is_file(other):
                continue
            is_beside = Path(str(other.__file__)).resolve().is_relative_to(home) and not _is_installed(home)
            if name.partition(".")[0] == top or is_beside:
                waiting.append(other)
    return [found[name] for name in sorted(found)]


def _imports(module: ModuleType) -> Iterator[str]:
    """The names of what a module imports; of a name that is taken from a module, also as if it were a module there."""
    try:
        tree = ast.parse(Path(str(module.__file__)).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):  # compiled, or no Python
        return
    package = module.__package__ or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield source
            yield from (f"{source}.{one.name}" for one in node.names)


def _is_file(module: ModuleType) -> bool:
    return bool(getattr(module, "__file__", None)) and Path(str(module.__file__)).is_file()


def _is_installed(folder: Path) -> bool:
    return bool({"site-packages", "dist-packages"} & set(folder.parts))
