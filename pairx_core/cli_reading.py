"""What commands begin with: the catalogue, the model, the index or the record that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_telling import progress_bar

if TYPE_CHECKING:
    from pairx_core.catalogue import Catalogue
    from pairx_core.decisions.store import DecisionStore
    from pairx_core.models import EmbeddingModel
    from pairx_core.retrieval import CandidateFilters, CandidateIndex


def opened_catalogue(path: Path, form: str | None = None) -> Catalogue:
    """The catalogue at a path."""
    from pairx_core.catalogue import read_catalogue

    return read_catalogue(path, form)


def chosen_model(model: str | None, checkpoint: Path | None) -> EmbeddingModel:
    """The model that the options name, else the settings'."""
    from pairx_core.models import load_model
    from pairx_core.settings import Settings

    return load_model(model or Settings.from_environment().model, checkpoint=checkpoint)


def built_index(catalogue: Catalogue, model: EmbeddingModel, cache: Path | None) -> CandidateIndex:
    """The index of a catalogue, with a progress bar while photos are embedded."""
    from pairx_core.retrieval import build_index
    from pairx_core.settings import Settings

    folder = cache or Settings.from_environment().cache
    with progress_bar("embedding photos") as progress:
        return build_index(catalogue, model, cache_dir=folder, progress=progress)


def candidate_filters(flags: dict[str, bool]) -> CandidateFilters:
    """What the flags of ``filter_options`` ask for."""
    from pairx_core.retrieval import CandidateFilters

    return CandidateFilters(
        same_species=not flags["any_species"],
        same_flank=not flags["any_flank"],
        known_identity_only=flags["known_only"],
        exclude_same_day_and_site=not flags["same_day"],
    )


def existing_record(log: str) -> DecisionStore:
    """The record, which has to be there already."""
    from pairx_core.addresses import is_address
    from pairx_core.decisions.store import open_decisions

    if not is_address(log) and not Path(log).is_file():
        raise click.ClickException(f"There is no decisions file {log}.")
    return open_decisions(log)
