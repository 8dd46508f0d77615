"""Keys of embeddings: 32 bytes each, looked up by the million."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.void]  # (N,) of 32 bytes each


def as_keys(digests: Sequence[bytes]) -> Keys:
    """Keys (N,) of 32 bytes each, as a store takes them."""
    return np.frombuffer(b"".join(digests), "V32")


class KeyTable:
    """Finds where keys stand."""

    def __init__(self, keys: Keys) -> None:
        """Take the keys (N,); one that is there twice is found once."""
        self._keys = keys
        prefixes = _prefixes_of(keys)
        self._order = np.argsort(prefixes, kind="stable")
        self._prefixes = prefixes[self._order]

    def find(self, wanted: Keys) -> npt.NDArray[np.int64]:
        """Where each wanted key (K,) stands, (K,); -1: nowhere."""
        places = np.full(len(wanted), -1, np.int64)
        looked_for = _prefixes_of(wanted)
        at = np.searchsorted(self._prefixes, looked_for)
        open_ = np.arange(len(wanted))
        while len(open_):  # once, but for keys that begin alike
            open_ = open_[at[open_] < len(self._prefixes)]
            open_ = open_[self._prefixes[at[open_]] == looked_for[open_]]
            found = self._order[at[open_]]
            same = self._keys[found] == wanted[open_]
            places[open_[same]] = found[same]
            open_ = open_[~same]
            at[open_] += 1
        return places


def _prefixes_of(keys: Keys) -> npt.NDArray[np.uint64]:
    """The first eight bytes of each key."""
    return np.frombuffer(keys.tobytes(), "<u8").reshape(-1, 4)[:, 0]
