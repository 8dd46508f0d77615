"""A lab's own Python as the model: ``module:function``."""

from __future__ import annotations

import importlib
import os
import re

from torch import nn

from pairx_core.errors import ModelError
from pairx_core.models.embedding_model import EmbeddingModel, ModelOrigin, tried
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
    try:
        module = importlib.import_module(found["module"])
        function = getattr(module, found["function"])
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ModelError(
            f"The model “{name}” cannot be imported ({error}). Put the folder of {found['module']} on PYTHONPATH."
        ) from error
    try:
        made = function()
    except Exception as error:  # the lab's own code: whatever it raises is told
        raise ModelError(f"The model “{name}” failed: {type(error).__name__}: {error}") from error
    return tried(_wrapped(name, made))


def _wrapped(name: str, made: object) -> EmbeddingModel:
    if isinstance(made, EmbeddingModel):
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
