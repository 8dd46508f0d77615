"""Which story the Showcase tells: the sample's, those beside the open catalogue, or a file that was brought along."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components import opening, resources, saying
from pages.components.workspace import Source
from pairx_core.addresses import is_address
from pairx_core.catalogue import Catalogue
from pairx_core.errors import CatalogueError, PairxError
from pairx_core.paths import tidy_path
from pairx_core.settings import SAMPLE_CATALOGUE
from pairx_core.stories import STORY_ENDING, Story, is_changed, parse_story, read_story

SAMPLE_STORY = SAMPLE_CATALOGUE.with_name(f"showcase{STORY_ENDING}")
_OF_THE_SAMPLE = "sample"
_PLAY = "play"  # in an address: the story runs by itself, again and again


def choose() -> str:
    """Let the visitor choose among the stories that are there; says nothing where there is one."""
    names = [_OF_THE_SAMPLE, *(file.name for file in beside_catalogue())]
    if len(names) == 1:
        return _OF_THE_SAMPLE
    chosen = st.selectbox(
        "Story",
        names,
        format_func=_title,
        key="story",
        bind="query-params",
        label_visibility="collapsed",
        width=280,
    )
    return chosen or _OF_THE_SAMPLE


def _title(name: str) -> str:
    return "The sample's story" if name == _OF_THE_SAMPLE else name.removesuffix(STORY_ENDING)


def beside_catalogue() -> list[Path]:
    """The story files in the folder of the catalogue that is open, by name; none where it cannot be looked into."""
    try:
        written = opening.current_source().catalogue
        if is_address(written):
            return []
        place = tidy_path(written, CatalogueError)
        folder = place if place.is_dir() else place.parent
        return sorted(file for file in folder.glob(f"*{STORY_ENDING}") if file != SAMPLE_STORY)
    except (PairxError, OSError):  # said where the catalogue is opened
        return []


def open_file() -> None:
    """Take a story file from the visitor's computer; its photographs are those of the open catalogue."""
    with st.popover("Open a story", icon=":material/folder_open:"):
        st.file_uploader(
            "A story file",
            type="toml",
            key="story_file",
            help=f"It ends in {STORY_ENDING}. The photographs come from the catalogue that is open.",
        )


def story_and_catalogue(name: str, brought: tuple[str, bytes] | None) -> tuple[Story, Catalogue]:
    """The story to tell, and the catalogue with its photographs.

    Args:
        name: as :func:`choose` returned it.
        brought: name and content of a file that was brought along; it comes before all others.

    Raises:
        PairxError: the story or the catalogue cannot be read.
    """
    if brought is not None:
        return parse_story(brought[1], brought[0]), resources.catalogue_alone(opening.current_source())
    file = next((one for one in beside_catalogue() if one.name == name), None)
    if file is not None:
        return read_story(file), resources.catalogue_alone(opening.current_source())
    return read_story(SAMPLE_STORY), resources.catalogue_alone(Source(str(SAMPLE_CATALOGUE)))


def runs_by_itself() -> bool:
    """Whether the address says that the story begins without a click, and begins again at its end."""
    return st.query_params.get(_PLAY) == "1"


def warn_of_changes(story: Story, catalogue: Catalogue) -> None:
    """Say which photographs are not those that the story was made with."""
    changed = [photo for photo in story.photos if _is_other(photo, story, catalogue)]
    if changed:
        saying.warning(
            f"Changed since the story was made: {', '.join(changed)}. What the story marks may not fit; make it "
            "anew."
        )


def _is_other(photo_id: str, story: Story, catalogue: Catalogue) -> bool:
    try:
        return is_changed(catalogue.photo(photo_id), story.digests)
    except PairxError:  # its place in the story says so
        return False
