"""The similarities of known pairs, thinned out: a yardstick of a few kilobytes."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from pairx_core.errors import FieldPackError
from pairx_core.fieldpack.arrays import DAMAGE, arrays_in, numbers
from pairx_core.retrieval import KnownPairs

KNOWN_NAME = "known_pairs.npz"
MOST_KNOWN_BYTES = 1 << 20  # of the file, and unpacked: some twenty times what is written
_MOST_OF_A_KIND = 5_000
_KINDS = ("same", "different")
NO_PAIRS = KnownPairs(np.zeros(0, np.float32), np.zeros(0, np.float32), 0, 0)


def thinned(known: KnownPairs) -> bytes:
    """Known pairs as bytes; of many of a kind, some thousands evenly from the least to the most similar."""
    content = io.BytesIO()
    totals = np.asarray([known.same_in_all, known.different_in_all], np.int64)
    np.savez_compressed(content, same=_evenly(known.same), different=_evenly(known.different), totals=totals)
    return content.getvalue()


def known_pairs_in(content: bytes) -> KnownPairs:
    """The known pairs in such bytes.

    Raises:
        FieldPackError: they are damaged.
    """
    try:
        arrays = arrays_in(content, MOST_KNOWN_BYTES)
        same, different = (numbers(arrays, name, (None,)) for name in _KINDS)
        in_all = numbers(arrays, "totals", (2,)).tolist()
        if not (np.isfinite(same).all() and np.isfinite(different).all() and min(in_all) >= 0):
            raise ValueError("some are no numbers")
        return KnownPairs(same, different, int(in_all[0]), int(in_all[1]))
    except DAMAGE as error:
        raise FieldPackError(f"The similarities of known pairs are damaged ({error}).") from error


def _evenly(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of ascending values some thousands at equal steps, the first and the last among them."""
    if len(values) <= _MOST_OF_A_KIND:
        return values
    return values[np.round(np.linspace(0, len(values) - 1, _MOST_OF_A_KIND)).astype(np.intp)]
