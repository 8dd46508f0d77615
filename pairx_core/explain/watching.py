"""What can be wrong with the user's model while it is explained, said in the user's words."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from pairx_core.errors import ExplanationError
from pairx_core.explain.computing import is_lack_of_memory
from pairx_core.models.embedding_model import EmbeddingModel


class UnchangedWeights:
    """Remembers a model's weights as they were at the first explanation."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model
        self._version: int | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Refuse to mix what was computed with other weights.

        Raises:
            ExplanationError: a weight was changed in place since the first explanation.
        """
        module = self._model.module
        tensors = (*module.parameters(), *module.buffers())
        version = sum(0 if tensor.is_inference() else tensor._version for tensor in tensors)
        with self._lock:
            self._version = version if self._version is None else self._version
        if version != self._version:
            raise ExplanationError(
                f"The weights of the model {self._model.name} were changed since its first explanation. Make a new "
                "EmbeddingModel and a new PairExplainer for the changed weights."
            )


def check_layer(model: EmbeddingModel, path: str) -> None:
    """Make sure that a model has a layer.

    Raises:
        ExplanationError: it has none of this dotted path.
    """
    known = [name for name, _ in model.module.named_modules()]
    if path in known:
        return
    near = difflib.get_close_matches(path, known, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ExplanationError(
        f"The model {model.name} has no layer “{path}”.{hint} Layers to choose from: "
        f"{', '.join(model.stage_names())}."
    )


@contextmanager
def forward_watched(model: EmbeddingModel, inputs: Tensor) -> Iterator[None]:
    """Say it for the user when the model itself does not take an input (1, 3, H, W).

    Raises:
        ExplanationError: it does not.
    """
    try:
        yield
    except (AssertionError, RuntimeError) as error:
        if is_lack_of_memory(error) or _takes(model, inputs):
            raise
        width, height = inputs.shape[-1], inputs.shape[-2]
        raise ExplanationError(
            f"The model {model.name} does not take inputs of {width}×{height} pixels ({error}). "
            "Give it the size that it was made for."
        ) from error


def _takes(model: EmbeddingModel, inputs: Tensor) -> bool:
    own = next(model.module.parameters(), inputs)
    try:
        with torch.inference_mode():
            model.module(inputs.to(own.device, own.dtype))
    except (AssertionError, RuntimeError):
        return False
    return True
