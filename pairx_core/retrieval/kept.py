"""Where a model's embeddings are kept in a cache folder, and what is to be known of them."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pairx_core.retrieval.keys import Keys
from pairx_core.retrieval.store import EmbeddingStore, Precision, StoreAbout

if TYPE_CHECKING:
    from pairx_core.models.embedding_model import EmbeddingModel

_PACKAGES = ("torch", "torchvision", "timm", "pillow")  # on which the last digits of an embedding hang
_AT_ONCE = 4096  # rows copied from one store to another


def open_store(folder: Path, model: EmbeddingModel, precision: Precision | None = None) -> EmbeddingStore:
    """The embeddings of a model in a cache folder, begun where there are none.

    Args:
        folder: of the cache; each model and precision has a folder of its own in it.
        model: whose embeddings.
        precision: None: the one of which there are more, or else float32.

    Raises:
        RetrievalError: it cannot be used.
    """
    if precision is None:
        kept = {name: _kept(_place(folder, model, name)) for name in ("float32", "float16")}
        precision = "float16" if kept["float16"] > kept["float32"] else "float32"
    about = StoreAbout(
        model.name,
        model.fingerprint,
        model.preprocessing_in_words,
        model.dimensions,
        precision,
        made_with=_made_with(),
    )
    return EmbeddingStore(_place(folder, model, precision), about)


def more_precise(folder: Path, model: EmbeddingModel, store: EmbeddingStore) -> EmbeddingStore | None:
    """The same embeddings in float32, beside a store in float16; None: there are none, or they are what is asked."""
    if store.about.precision == "float32" or not _kept(_place(folder, model, "float32")):
        return None
    return EmbeddingStore(
        _place(folder, model, "float32"), replace(store.about, precision="float32", generation=0)
    )


def take_over(store: EmbeddingStore, other: EmbeddingStore, keys: Keys) -> None:
    """Add to a store, which is being written to, those of some keys that another one has."""
    rows = other.rows_of(keys)
    there = np.unique(keys[rows >= 0])
    for start in range(0, len(there), _AT_ONCE):
        some = there[start : start + _AT_ONCE]
        store.append(some, other.vectors[other.rows_of(some)])


def made_otherwise(store: EmbeddingStore) -> str:
    """What to say where embeddings were begun with other packages than these; empty: nothing."""
    begun, now = store.about.made_with, _made_with()
    if not begun or begun == now:
        return ""
    return (
        f"The embeddings kept here were begun with {begun}; now it is {now}. Last digits may differ between older and "
        "newer ones. Where they must not, begin anew in another folder (PAIRX_CACHE)."
    )


def _place(folder: Path, model: EmbeddingModel, precision: str) -> Path:
    return folder / "embeddings" / f"{model.fingerprint}-{precision}"


def _kept(place: Path) -> int:
    """About how many embeddings a folder holds: bytes of its keys."""
    return max((path.stat().st_size for path in place.glob("keys-*.bin")), default=0)


def _made_with() -> str:
    return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
