"""Which story the Showcase tells: the sample's, those beside the open catalogue, or a file that was brought along."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components import opening, resources, saying, state, visitors
from pages.components.workspace import Source
from pairx_core.addresses import is_address
from pairx_core.catalogue import Catalogue
from pairx_core.errors import CatalogueError, PairxError, SettingsError
from pairx_core.paths import tidy_path
from pairx_core.settings import SAMPLE_CATALOGUE
from pairx_core.stories import STORY_ENDING, Story, is_changed, parse_story, read_story

SAMPLE_STORY = SAMPLE_CATALOGUE.with_name(f"showcase{STORY_ENDING}")
_OF_THE_SAMPLE, _BROUGHT = "sample", "brought"
_PLAY = "play"  # in an address: the story runs by itself, again and again
_LARGEST = 1  # megabytes of a file that is brought along


def open_or_stop() -> None:
    """Go on only where no blind session hides who is who; the record of what is open counts, opened or not."""
    try:
        own = resources.sessions_of(opening.current_source())
    except (SettingsError, CatalogueError):  # nothing can be opened, and so nothing be hidden
        own = None
    except PairxError as error:  # what cannot be read might hide something
        saying.error(str(error))
        st.stop()
    visitors.sessions_or_stop(own)


def choose() -> str:
    """Let the visitor choose among the stories that are there; says nothing where there is one."""
    brought = state.story_file()
    names = [_OF_THE_SAMPLE, *(file.name for file in beside_catalogue()), *([_BROUGHT] if brought else [])]
    asked = st.query_params.get(state.STORY)
    found = next((name for name in names if asked and title_of(name) == asked), None)
    if asked and found is None:
        saying.warning(
            f"There is no story “{asked[:60]}” beside the catalogue that is open. This is the sample's."
        )
    if len(names) == 1:
        return _OF_THE_SAMPLE
    titles = {
        _OF_THE_SAMPLE: "The sample's story",
        _BROUGHT: f"Brought along: {brought[0] if brought else ''}",
    }
    state.begin_with_story(found or _OF_THE_SAMPLE)
    chosen = st.selectbox(
        "Story",
        names,
        format_func=lambda name: titles.get(name) or title_of(name),
        key=state.STORY,
        label_visibility="collapsed",
        width=280,
    )
    _put_in_address(chosen)
    return chosen


def _put_in_address(name: str) -> None:
    """So that a reload, or somebody else, finds the story; one that was brought along has no address."""
    if name in (_OF_THE_SAMPLE, _BROUGHT):
        st.query_params.pop(state.STORY, None)
    elif st.query_params.get(state.STORY) != title_of(name):
        st.query_params[state.STORY] = title_of(name)


def title_of(name: str) -> str:
    """What a story file is called in the list and in an address."""
    return name.removesuffix(STORY_ENDING)


def offer_the_sample() -> None:
    """The way back from a story that cannot be told."""
    st.button(
        "Tell the sample's story",
        icon=":material/undo:",
        on_click=state.choose_story,
        args=(_OF_THE_SAMPLE,),
        key="story_back",
    )


def _tell_brought() -> None:
    if state.story_file() is not None:
        state.choose_story(_BROUGHT)


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
            key=state.STORY_FILE,
            max_upload_size=_LARGEST,
            on_change=_tell_brought,
            help=f"It ends in {STORY_ENDING}. The photographs come from the catalogue that is open.",
        )


def story_and_catalogue(name: str) -> tuple[Story, Catalogue]:
    """The story to tell, as :func:`choose` returned it, and the catalogue with its photographs.

    Raises:
        PairxError: the story or the catalogue cannot be read.
    """
    if name == _OF_THE_SAMPLE:
        return read_story(SAMPLE_STORY), resources.catalogue_alone(Source(str(SAMPLE_CATALOGUE)))
    brought = state.story_file()
    if name == _BROUGHT and brought is not None:
        story = parse_story(brought[1], brought[0])
    else:
        story = read_story(next(one for one in beside_catalogue() if one.name == name))
    return story, resources.catalogue_alone(opening.current_source())


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
