"""Opening a field pack: candidates and explanations as they were made, in the place of a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from pairx_core.catalogue import Catalogue, Photo, Problem, photo_size
from pairx_core.catalogue.pack_catalogue import COPY_AGAIN, PACK_NAME, PackFiles, read_pack_file
from pairx_core.catalogue.pictures import UnusablePicture
from pairx_core.errors import CatalogueError, ExplanationError, FieldPackError
from pairx_core.explain import ExplanationOptions, PairExplanation
from pairx_core.fieldpack.compact import MOST_EXPLANATION_BYTES, unpacked
from pairx_core.fieldpack.known import KNOWN_NAME, MOST_KNOWN_BYTES, NO_PAIRS, known_pairs_in
from pairx_core.frames import PhotoFrame
from pairx_core.models import LayerInfo, ModelCard
from pairx_core.retrieval import Candidate, CandidateFilters, KnownPairs

Content = dict[str, Any]
Scale = tuple[float, float]  # across, down
NOT_RANKED = "not ranked"


@dataclass(frozen=True, slots=True)
class PackModel:
    """The model that a field pack was made with, by name: it is not here."""

    name: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class FieldPack:
    """A field pack that is open."""

    catalogue: Catalogue
    card: ModelCard  # of the model that it was made with
    index: PackCandidates
    explainer: PackExplainer
    made_at: datetime  # UTC
    made_of: str  # the name of the catalogue's file or folder
    photos_there: int  # in that catalogue
    app_version: str  # that made it
    pairs: int  # of a query and a candidate
    notes: tuple[str, ...]  # photos and masks that could not be taken along when it was made, in words

    @property
    def model(self) -> PackModel:
        """What ranked its candidates and explained them."""
        return self.explainer.model

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Its pairs without explanation, in words."""
        return self.explainer.unexplained

    def to_original(self, photo: Photo) -> Scale:
        """By what a place on a photo is multiplied for the same place on the photo that it is a copy of.

        Places are pixels of the upright photo, cropped to its box.

        Raises:
            PhotoError: the photo's file cannot be read.
        """
        return self.explainer.to_original(photo)


def open_pack(catalogue: Catalogue) -> FieldPack:
    """Open the field pack that a catalogue was read from.

    Raises:
        CatalogueError: its file is damaged.
    """
    folder = catalogue.source
    content = read_pack_file(folder)
    try:
        return _opened(catalogue, content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CatalogueError(
            f"{folder / PACK_NAME} is damaged ({type(error).__name__}: {error}). {COPY_AGAIN}"
        ) from error


class PackCandidates:
    """The candidates of a field pack, asked for as those of a :class:`CandidateIndex`; they keep their ranks."""

    def __init__(
        self,
        photos: Sequence[Photo],
        listings: Mapping[str, tuple[tuple[Candidate, ...], tuple[Candidate, ...]]],
        filters: CandidateFilters,
        *,
        ranked_by: str = "",
        known: KnownPairs = NO_PAIRS,
        missing: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """Take the photos, and what there is for each query.

        Args:
            photos: of the pack.
            listings: candidates, and further photos of their individuals, by the query's id.
            filters: under which the candidates were found.
            ranked_by: the table that ranked them; empty: the model did.
            known: similarities of known pairs under these filters.
            missing: ranks of candidates whose photos are missing, by the query's id.
        """
        self.photos = tuple(photos)
        self.skipped: tuple[Problem, ...] = ()
        self.filters = filters
        self.ranked_by = ranked_by
        self._listings = dict(listings)
        self._known = known
        self._missing = dict(missing or {})
        self._ids = {photo.id for photo in self.photos}

    def __len__(self) -> int:
        return len(self.photos)

    def __contains__(self, photo: Photo) -> bool:
        return photo.id in self._ids

    @property
    def queries(self) -> tuple[Photo, ...]:
        """The photos that the pack was made for."""
        return tuple(photo for photo in self.photos if photo.id in self._listings)

    def missing(self, query: Photo) -> tuple[int, ...]:
        """The ranks of a query's candidates that the pack was made with and whose photos are not there now."""
        return self._missing.get(query.id, ())

    def candidates(
        self, query: Photo, k: int = 5, filters: CandidateFilters | None = None
    ) -> list[Candidate]:
        """The first k candidates that the filters let pass; at most as many as the pack was made with."""
        candidates, _ = self._listings.get(query.id, ((), ()))
        passing = [one for one in candidates if filters is None or filters.let_pass(query, one.photo)]
        return passing[: max(k, 0)]

    def candidates_of(
        self, queries: Sequence[Photo], k: int = 5, filters: CandidateFilters | None = None
    ) -> list[list[Candidate]]:
        """The candidates of several queries, as :meth:`candidates` has them for each."""
        return [self.candidates(query, k, filters) for query in queries]

    def similarities(self, query: Photo, photos: Sequence[Photo]) -> npt.NDArray[np.float32]:
        """The similarities of photos to a query, (N,); NaN where the pack does not say."""
        known = {one.photo.id: one.similarity for one in self._all(query)}
        return np.asarray([known.get(photo.id, math.nan) for photo in photos], np.float32)

    def candidate(self, query: Photo, photo: Photo, filters: CandidateFilters | None = None) -> Candidate:
        """A photo as a candidate, with the rank it had; rank 0, and no similarity, where the pack does not say.

        Raises:
            CatalogueError: the photo is not in the pack.
        """
        del filters  # ranks stand as they were
        if photo not in self:
            raise CatalogueError(f"The photo “{photo.id}” is not in this field pack. Open its catalogue.")
        found = next((one for one in self._all(query) if one.photo.id == photo.id), None)
        return found or Candidate(photo, math.nan, 0, NOT_RANKED)

    def known_pairs(self, filters: CandidateFilters | None = None, *, seed: int = 0) -> KnownPairs:
        """The similarities of the catalogue's known pairs; none under other filters than the pack's."""
        del seed
        return self._known if filters == self.filters else NO_PAIRS

    def _all(self, query: Photo) -> tuple[Candidate, ...]:
        candidates, others = self._listings.get(query.id, ((), ()))
        return candidates + others


class PackExplainer:
    """The explanations of a field pack, asked for as those of a :class:`PairExplainer`."""

    def __init__(
        self,
        model: PackModel,
        layer: str,
        options: ExplanationOptions,
        departures: tuple[str, ...],
        files: PackFiles,
        names: Mapping[tuple[str, str], str],
        reasons: Mapping[tuple[str, str], str],
        sizes: Mapping[str, tuple[int, int]],
    ) -> None:
        """Take what made the explanations, and where they are.

        Args:
            model: by name.
            layer: whose cells are matched.
            options: how they were made.
            departures: in words, in what they are not as published.
            files: of the pack.
            names: of the explanations' files, by query id and candidate id.
            reasons: why pairs have none.
            sizes: (width, height) of the cropped photos that the pack's photos are copies of, by id.
        """
        self.model = model
        self.layer = layer
        self.options = options
        self.departures = departures
        self._files = files
        self._names = dict(names)
        self._reasons = dict(reasons)
        self._sizes = dict(sizes)

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Pairs without explanation, in words."""
        return tuple(self._reasons.values())

    def explain(
        self, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
    ) -> PairExplanation:
        """The explanation of a pair, in the pixels of the pack's photos.

        Args:
            query: a query of the pack.
            candidate: one of its candidates.
            k_lines: how many of the most relevant matches to draw as lines.
            k_colors: for how many of them to have color maps; fewer come where the pack has fewer.

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: the pack has none of this pair, or its file is missing or damaged.
        """
        made = self._read(query, candidate)
        return replace(
            made,
            matches=replace(
                made.matches,
                query_xy=self._on_copy(made.matches.query_xy, query),
                candidate_xy=self._on_copy(made.matches.candidate_xy, candidate),
            ),
            query_color_maps=made.query_color_maps[:k_colors],
            candidate_color_maps=made.candidate_color_maps[:k_colors],
            query_frame=PhotoFrame(photo_size(query), made.query_frame.input_size),
            candidate_frame=PhotoFrame(photo_size(candidate), made.candidate_frame.input_size),
            k_lines=k_lines,
            k_colors=k_colors,
            query_photo=query,
            candidate_photo=candidate,
        )

    def stages(
        self, query: Photo, candidate: Photo, k_lines: int = 20, k_colors: int = 10
    ) -> Iterator[PairExplanation]:
        """The explanation of a pair: it is whole already.

        Raises:
            PhotoError: a photo cannot be read.
            ExplanationError: as for :meth:`explain`.
        """
        yield self.explain(query, candidate, k_lines, k_colors)

    def to_original(self, photo: Photo) -> Scale:
        """See :meth:`FieldPack.to_original`."""
        width, height = photo_size(photo)
        original = self._sizes.get(photo.id, (width, height))
        return original[0] / width, original[1] / height

    def _read(self, query: Photo, candidate: Photo) -> PairExplanation:
        pair = query.id, candidate.id
        name = self._names.get(pair)
        if name is None:
            raise ExplanationError(
                self._reasons.get(pair)
                or "The field pack has explanations of each query with its candidates only, and this is another pair."
            )
        try:
            return unpacked(self._files.read(name, MOST_EXPLANATION_BYTES))
        except (UnusablePicture, ExplanationError) as error:
            raise ExplanationError(f"{self._files.folder / name} {error}") from error

    def _on_copy(self, xy: npt.NDArray[np.float32], photo: Photo) -> npt.NDArray[np.float32]:
        """Places (N, 2) on a photo, on its copy."""
        return (xy.astype(np.float64) / self.to_original(photo)).astype(np.float32)


def _opened(catalogue: Catalogue, content: Content) -> FieldPack:
    files = PackFiles.of(catalogue.source, content)
    wanted = content["wanted"]
    return FieldPack(
        catalogue=catalogue,
        card=_card(content["model"]),
        index=PackCandidates(
            catalogue.photos,
            _listings(catalogue, content["queries"]),
            CandidateFilters(**wanted["filters"]),
            ranked_by=str(content["ranked_by"]),
            known=_known(files),
            missing=_missing(catalogue, content["queries"]),
        ),
        explainer=_explainer(content, files),
        made_at=datetime.fromisoformat(content["made_at"]),
        made_of=str(content["catalogue"]["name"]),
        photos_there=int(content["catalogue"]["photos"]),
        app_version=str(content["app_version"]),
        pairs=int(content["counts"]["pairs"]),
        notes=tuple(map(str, content["notes"])),
    )


def _listings(
    catalogue: Catalogue, queries: Sequence[Content]
) -> dict[str, tuple[tuple[Candidate, ...], tuple[Candidate, ...]]]:
    """What there is for each query, as far as its photos are there."""
    return {
        query["query"]: (_ranked(catalogue, query["candidates"]), _ranked(catalogue, query["others"]))
        for query in queries
    }


def _missing(catalogue: Catalogue, queries: Sequence[Content]) -> dict[str, tuple[int, ...]]:
    """The ranks of candidates whose photos are not there, by query."""
    gone = {
        query["query"]: tuple(
            int(one["rank"]) for one in query["candidates"] if one["photo"] not in catalogue
        )
        for query in queries
    }
    return {query: ranks for query, ranks in gone.items() if ranks}


def _ranked(catalogue: Catalogue, entries: Sequence[Content]) -> tuple[Candidate, ...]:
    return tuple(_candidate(catalogue, entry) for entry in entries if entry["photo"] in catalogue)


def _candidate(catalogue: Catalogue, entry: Content) -> Candidate:
    similarity = math.nan if entry["similarity"] is None else float(entry["similarity"])
    rank, score = entry["rank"], str(entry["score"])
    if type(rank) is not int or rank < 0 or math.isinf(similarity):
        raise ValueError(f"“{entry['photo']}” has the rank {rank} and the similarity {similarity}")
    if score and math.isfinite(similarity):
        float(score)  # as it is recorded
    return Candidate(catalogue.photo(entry["photo"]), similarity, rank, score)


def _explainer(content: Content, files: PackFiles) -> PackExplainer:
    pairs = {
        (query["query"], entry["photo"]): entry
        for query in content["queries"]
        for entry in query["candidates"]
    }
    options, size = content["options"], content["options"]["input_size"]
    return PackExplainer(
        PackModel(str(content["model"]["name"]), str(content["model"]["fingerprint"])),
        str(content["layer"]),
        ExplanationOptions(**{**options, "input_size": None if size is None else tuple(size)}),
        tuple(map(str, content["departures"])),
        files,
        {
            pair: str(entry["explanation"])
            for pair, entry in pairs.items()
            if entry["explanation"] is not None
        },
        {pair: str(entry["unexplained"]) for pair, entry in pairs.items() if entry["explanation"] is None},
        {str(entry["id"]): _size(entry["size"]) for entry in content["photos"]},
    )


def _size(written: object) -> tuple[int, int]:
    match written:
        case [int(width), int(height)] if width > 0 and height > 0:
            return width, height
    raise ValueError(f"a photo has the size {str(written)[:60]}")


def _card(values: Content) -> ModelCard:
    layers = [LayerInfo(**{**layer, "grid_size": tuple(layer["grid_size"])}) for layer in values["layers"]]
    return ModelCard(**{**values, "layers": tuple(layers), "assumed": tuple(values["assumed"])})


def _known(files: PackFiles) -> KnownPairs:
    """The similarities of known pairs; none where they are not in the pack, or damaged: reviewing goes on without."""
    if KNOWN_NAME not in files.stated:
        return NO_PAIRS
    try:
        return known_pairs_in(files.read(KNOWN_NAME, MOST_KNOWN_BYTES))
    except (UnusablePicture, FieldPackError):
        return NO_PAIRS
