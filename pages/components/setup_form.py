"""What to open: the form on Setup."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import streamlit as st

from pages.components.workspace import Source
from pairx_core.addresses import without_password
from pairx_core.catalogue import CATALOGUE_FORMATS
from pairx_core.models import KNOWN_MODELS, NORMALISATIONS

_FOUND_OUT = "by its content"
_AS_FILES_SAY = "as its files say"


class Pressed(Enum):
    """Which button of the form was pressed."""

    CHECK = "check"
    OPEN = "open"


def form(shown: Source) -> tuple[Pressed, Source] | None:
    """Draw the form with what is open; what was entered, once a button was pressed."""
    with st.form("open", border=False):
        photographs = _photographs(shown)
        with st.container(horizontal=True, vertical_alignment="center"):
            checks = st.form_submit_button("Check the photos", icon=":material/fact_check:")
            st.caption("Says what is there and what is odd. Nothing is computed or changed.")
        model = _model(shown)
        record = _record(shown)
        opens = st.form_submit_button("Open", type="primary", icon=":material/folder_open:")
    if not checks and not opens:
        return None
    entered = Source(
        catalogue=photographs["catalogue"],
        form=photographs["form"],
        model=model["model"] or "demo",
        checkpoint=model["checkpoint"],
        layer=model["layer"],
        input_size=model["input_size"],
        normalisation=model["normalisation"],
        candidates=record["candidates"],
        decisions=record["decisions"],
    )
    if entered.decisions == without_password(shown.decisions):
        entered = replace(entered, decisions=shown.decisions)
    return (Pressed.CHECK if checks else Pressed.OPEN), _of_its_own(entered, shown)


def _of_its_own(wanted: Source, shown: Source) -> Source:
    """Another catalogue has its own decisions and candidates, unless others were entered for it."""
    if wanted.catalogue == shown.catalogue:
        return wanted
    decisions = "" if wanted.decisions == shown.decisions else wanted.decisions
    candidates = "" if wanted.candidates == shown.candidates else wanted.candidates
    return replace(wanted, decisions=decisions, candidates=candidates)


def _photographs(shown: Source) -> dict[str, str]:
    st.markdown("##### 1 · Photographs")
    with st.container(horizontal=True):
        catalogue = st.text_input(
            "Catalogue",
            shown.catalogue,
            help="A CSV file (wildlife-datasets, MiewID, TrapTagger), a COCO file, a Camtrap DP package, a folder with "
            "one folder per individual, a folder of photos, a field pack; or a project file, pairx.toml.",
        )
        names = {"": _FOUND_OUT} | {name: one.title for name, one in CATALOGUE_FORMATS.items()}
        form = st.selectbox(
            "Format",
            list(names),
            index=list(names).index(shown.form) if shown.form in names else 0,
            format_func=names.__getitem__,
            width=220,
            help="What the catalogue is written in shows in its content. Choose it only where that fails.",
        )
    return {"catalogue": catalogue.strip(), "form": form or ""}


def _model(shown: Source) -> dict[str, str]:
    st.markdown("##### 2 · Model")
    known = ", ".join(f"“{name}”" for name in list(KNOWN_MODELS)[:3])
    model = st.text_input(
        "Model",
        shown.model,
        help=f"“demo”, a known model ({known}), owner/name on the Hugging Face hub, a timm architecture such as "
        "efficientnet_b0, the path of a checkpoint or of a folder with one, or module:function. A field pack "
        "needs none.",
    )
    return {"model": model.strip(), **_own_model(shown)}


def _own_model(shown: Source) -> dict[str, str]:
    """What is asked only of who brings a model of their own."""
    is_set = bool(shown.checkpoint or shown.layer or shown.input_size or shown.normalisation)
    with st.expander("For a model of your own", icon=":material/tune:", expanded=is_set):
        with st.container(horizontal=True):
            checkpoint = st.text_input(
                "Checkpoint",
                shown.checkpoint,
                placeholder="not needed for demo and known models",
                help="The file with what the model has learned: .safetensors or .pth, of the architecture named above.",
            )
            layer = st.text_input(
                "Layer",
                shown.layer,
                placeholder="the recommended one",
                width=220,
                help="Which inner layer of the model is explained. The model's card lists them.",
            )
        with st.container(horizontal=True):
            size = st.text_input(
                "Input size",
                shown.input_size,
                placeholder=_AS_FILES_SAY,
                help="Pixels a side, such as 440. Needed only where the checkpoint does not tell.",
            )
            normalisation = _color_scaling(shown.normalisation)
    return {
        "checkpoint": checkpoint.strip(),
        "layer": layer.strip(),
        "input_size": size.strip(),
        "normalisation": normalisation,
    }


def _color_scaling(shown: str) -> str:
    names = ["", *NORMALISATIONS]
    chosen = st.selectbox(
        "Color scaling",
        names,
        index=names.index(shown) if shown in names else 0,
        format_func=lambda name: name or _AS_FILES_SAY,
        help="How a photo's colors are scaled for the model (its normalisation). imagenet: mean and deviation of "
        "ImageNet, as for MiewID. half: 0.5, as for MegaDescriptor. A wrong one makes a model nearly blind without "
        "an error.",
    )
    return chosen or ""


def _record(shown: Source) -> dict[str, str]:
    st.markdown("##### 3 · Candidates and decisions")
    candidates = st.text_input(
        "Candidates",
        shown.candidates,
        placeholder="the model proposes them",
        help="A table of another matcher, with the columns query_id, candidate_id and score. Its candidates are "
        "reviewed in its order; the model above only explains them.",
    )
    decisions = st.text_input(
        "Decisions",
        without_password(shown.decisions),
        placeholder="pairx_decisions.csv beside the catalogue",
        help="A CSV file, or a database's address such as postgresql://user:password@server/name. When another "
        "catalogue is entered and this is left as it is, the decisions go to a file beside that catalogue.",
    )
    return {"candidates": candidates.strip(), "decisions": decisions.strip()}
