"""Models of animals that people use, by short names, with what their cards say and their files do not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pairx_core.models.preprocessing import HALF, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Preprocessing

_BILINEAR: Interpolation = "bilinear"  # torchvision's Resize of a PIL picture, as in the cards' examples


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model on the hub."""

    name: str  # short
    repository: str
    title: str
    about: str
    preprocessing: Preprocessing  # as its card has it

    @property
    def is_miewid(self) -> bool:
        """Whether it is built as MiewID is."""
        return self.name.startswith("miewid")

    def is_built_as(self, architecture: str) -> bool:
        """Whether it may be of an architecture: "miewid", or timm's name."""
        return architecture == "miewid" if self.is_miewid else architecture.startswith("swin_")


def _megadescriptor(letter: str, size: int) -> KnownModel:
    return KnownModel(
        f"megadescriptor-{letter.lower()}-{size}",
        f"BVRA/MegaDescriptor-{letter}-{size}",
        f"MegaDescriptor {letter}, {size} px",
        "Swin transformer, trained on the public re-identification sets of wildlife-datasets (Čermák et al. 2024)",
        # Its pretrained_cfg names ImageNet's mean and deviation; its card, and its training, have one half.
        Preprocessing((size, size), HALF, HALF, _BILINEAR),
    )


def _miewid(version: int) -> KnownModel:
    return KnownModel(
        f"miewid-msv{version}",
        f"conservationxlabs/miewid-msv{version}",
        f"MiewID, multispecies version {version}",
        "EfficientNetV2 with GeM pooling, by Wild Me and Conservation X Labs",
        Preprocessing((440, 440), IMAGENET_MEAN, IMAGENET_STD, _BILINEAR),
    )


_TITLE = re.compile(r"\A(?s:---\n.*?\n---\n)?\s*#\s+(?:model card for\s+)?(?P<name>\S+)[ \t]*$", re.I | re.M)
_MODELS = (
    _miewid(3),
    _miewid(2),
    _megadescriptor("T", 224),
    _megadescriptor("S", 224),
    _megadescriptor("B", 224),
    _megadescriptor("L", 224),
    _megadescriptor("L", 384),
)
KNOWN_MODELS = {model.name: model for model in _MODELS}
_SHORTER = {"miewid": "miewid-msv3"} | {
    f"megadescriptor-{letter}": f"megadescriptor-{letter}-{384 if letter == 'l' else 224}"
    for letter in "tsbl"
}


def known_model(name: str) -> KnownModel | None:
    """The known model with a short name or a repository (``owner/name``); large and small letters do not matter."""
    wanted = name.casefold().removeprefix("hf-hub:").partition("@")[0]
    wanted = _SHORTER.get(wanted, wanted)
    exact = next((one for one in _MODELS if wanted in (one.name, one.repository.casefold())), None)
    if exact is None and wanted.startswith("conservationxlabs/miewid"):
        return _miewid_of(wanted)
    return exact


def model_in_card(text: str, metadata: Mapping[str, Any]) -> tuple[KnownModel | None, str]:
    """The known model that a page (README.md) is about, and why it only seems to be that; None: it is another's.

    Its first title names it, or the page's head names it as what the model was made from.

    Args:
        text: of the page.
        metadata: the page's head.
    """
    title = _TITLE.search(text)
    own = None if title is None else known_model(title["name"].rpartition("/")[2])
    if own is not None:
        return own, ""
    stated = metadata.get("base_model")
    bases = stated if isinstance(stated, list) else [stated]
    base = next((known for one in bases if (known := known_model(str(one))) is not None), None)
    return base, "" if base is None else f"README.md says that it was made from {base.repository}"


def _miewid_of(repository: str) -> KnownModel:
    """A version of MiewID that came later."""
    three = _MODELS[0]
    return KnownModel("miewid-other", repository, f"MiewID ({repository})", three.about, three.preprocessing)
