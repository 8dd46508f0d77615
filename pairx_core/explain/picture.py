"""One side of a pair, before anything is computed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pairx_core.catalogue import Photo
from pairx_core.errors import ExplanationError
from pairx_core.frames import PhotoFrame

Prepared = tuple[Tensor, PhotoFrame]  # inputs (1, 3, H, W), and where they lie in the photo


@dataclass(frozen=True, eq=False)
class Picture:
    """A photo or a tensor on its way into the model. It is read when it is needed, once."""

    key: str  # changes with its content and preprocessing
    read: Callable[[], Prepared]
    photo: Photo | None = None
    _read: list[Prepared] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def inputs(self) -> Tensor:
        """The model's input, (1, 3, H, W)."""
        return self._prepared()[0]

    @property
    def frame(self) -> PhotoFrame:
        """Where the input lies in the photo."""
        return self._prepared()[1]

    def _prepared(self) -> Prepared:
        with self._lock:
            if not self._read:
                self._read.append(self.read())
            return self._read[0]


def picture_of_tensor(tensor: Tensor, name: str) -> Picture:
    """A picture of an already preprocessed input.

    Raises:
        ExplanationError: it is no floating-point tensor of shape (1, 3, H, W), or not finite.
    """
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise ExplanationError(
            f"The {name} must be a preprocessed floating-point tensor of shape (1, 3, H, W)."
        )
    if tensor.ndim != 4 or tensor.shape[:2] != (1, 3):
        raise ExplanationError(f"The {name} has shape {tuple(tensor.shape)}; (1, 3, H, W) is needed.")
    if 0 in tensor.shape:
        raise ExplanationError(f"The {name} has shape {tuple(tensor.shape)}: there are no pixels in it.")
    if not bool(tensor.isfinite().all()):
        raise ExplanationError(f"The {name} holds values that are not finite; check its preprocessing.")
    tensor = tensor.detach().clone()  # what is done to the original later does not matter
    content = tensor.cpu().contiguous().view(torch.uint8).numpy()
    size = (tensor.shape[-1], tensor.shape[-2])
    digest = hashlib.sha256(f"{tuple(tensor.shape)} {tensor.dtype}\n".encode())
    digest.update(content.tobytes())
    return Picture(digest.hexdigest(), lambda: (tensor, PhotoFrame(size, size)))
