"""What a pack is to be, written down before it is made: a run goes on only with the very same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairx_core.catalogue import Photo, Segmentation, photo_digest
from pairx_core.catalogue.pack_photo import photo_entry
from pairx_core.errors import FieldPackError, PhotoError
from pairx_core.fieldpack.selection import Listing, Wanted, photos_of
from pairx_core.models.card import model_card
from pairx_core.retrieval import Candidate, GivenCandidates

if TYPE_CHECKING:
    from pairx_core.explain import PairExplainer
    from pairx_core.fieldpack.selection import Index

Content = dict[str, Any]
_COMPARED = {  # what of a pack's head must be the same, and how a message calls it
    "model": "made with another model",
    "layer": "about another layer",
    "options": "explained with other options",
    "ranked_by": "ranked by something else",
    "wanted": "made with other numbers or filters",
    "selection": "of another selection of photos and candidates",
}
_NUMBERS = {  # of what is wanted, in the words of a message
    "k": "candidates a query",
    "k_lines": "lines",
    "k_colors": "color maps",
    "longest_side": "pixels on the longest side",
    "more": "further photos of an individual",
}


@dataclass(frozen=True, eq=False)
class Plan:
    """A pack to be made."""

    wanted: Wanted
    listings: tuple[Listing, ...]
    photos: tuple[Photo, ...]  # all of the pack; their order numbers their files
    head: Content  # what is said of it before it is made
    left_out: tuple[str, ...] = ()  # photos that cannot be read, in words

    @classmethod
    def of(
        cls,
        index: Index,
        explainer: PairExplainer,
        listings: Sequence[Listing],
        wanted: Wanted,
        catalogue: Path,
    ) -> Plan:
        """Say what is to be made; photos whose files cannot be read are left out, and the pairs they are in.

        Raises:
            FieldPackError: no query is left.
        """
        digests, unreadable = _digests(photos_of(listings))
        kept = tuple(
            _without(listing, unreadable) for listing in listings if listing.query.id not in unreadable
        )
        if not kept:
            raise FieldPackError(
                f"None of the queries can be read. The first: {next(iter(unreadable.values()))}"
            )
        photos = photos_of(kept)
        head = _head(index, explainer, wanted, catalogue)
        head["selection"] = _fingerprint(kept, photos, digests)
        return cls(wanted, kept, photos, head, tuple(unreadable.values()))

    @property
    def pairs(self) -> int:
        """How many are to be explained."""
        return sum(len(listing.candidates) for listing in self.listings)

    def refuse_other(self, folder: Path, head: Content) -> None:
        """Make sure that a folder's pack is this one.

        Raises:
            FieldPackError: it is another one; the message says in what.
        """
        differs = next((name for name in _COMPARED if head.get(name) != self.head[name]), None)
        if differs is None:
            return
        shown = _shown(differs, head.get(differs), self.head[differs])
        raise FieldPackError(
            f"{folder} holds a field pack {_COMPARED[differs]}{shown}. Choose another folder, or give the same again "
            "to go on with it."
        )


def _shown(differs: str, there: Any, asked: Any) -> str:
    """What a folder's pack has and what is asked for, in brackets; empty where that is not said in a few words."""
    if differs == "model" and there:
        return f" ({there['name']}, fingerprint {there['fingerprint']})"
    if differs != "wanted" or not isinstance(there, dict):
        return ""
    parts = [
        f"{words}: {there.get(name)} in the folder, {asked[name]} asked for now"
        for name, words in _NUMBERS.items()
        if there.get(name) != asked[name]
    ]
    if there.get("filters") != asked["filters"]:
        parts.append("the filters differ")
    return f" ({'; '.join(parts)})"


def _head(index: Index, explainer: PairExplainer, wanted: Wanted, catalogue: Path) -> Content:
    card = model_card(explainer.model)
    return {
        "catalogue": {"name": "/".join(catalogue.absolute().parts[-2:]), "photos": len(index.photos)},
        "model": json.loads(
            json.dumps(asdict(card))
        ),  # tuples as lists, so that it compares with what is read
        "layer": explainer.layer,
        "options": json.loads(json.dumps(asdict(explainer.options))),
        "departures": list(explainer.departures),
        "ranked_by": index.source.name if isinstance(index, GivenCandidates) else "",
        "wanted": asdict(wanted),
    }


def _digests(photos: Sequence[Photo]) -> tuple[dict[str, str], dict[str, str]]:
    """SHA-256 of files by photo id, and why some cannot be read."""
    digests, unreadable = {}, {}
    for photo in photos:
        try:
            digests[photo.id] = photo_digest(photo)
        except PhotoError as error:
            unreadable[photo.id] = str(error)
    return digests, unreadable


def _without(listing: Listing, unreadable: dict[str, str]) -> Listing:
    def readable(ranked: Sequence[Candidate]) -> tuple[Candidate, ...]:
        return tuple(one for one in ranked if one.photo.id not in unreadable)

    return Listing(listing.query, readable(listing.candidates), readable(listing.others))


def _fingerprint(listings: Sequence[Listing], photos: Sequence[Photo], digests: dict[str, str]) -> str:
    """Hex digits that change with any photo, what is known of it, and the candidates."""
    digest = hashlib.sha256()
    for photo in photos:
        outline = photo.mask.text if isinstance(photo.mask, Segmentation) else photo.mask is not None
        said = f"{photo_entry(photo)} {photo.box} {outline} {digests[photo.id]}\n"
        digest.update(said.encode("utf-8", "surrogatepass"))
    for listing in listings:
        ranked = [(one.photo.id, one.rank, one.similarity) for one in (*listing.candidates, *listing.others)]
        digest.update(f"{listing.query.id} {ranked}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
