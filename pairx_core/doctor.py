"""Is this installation whole? What ``python -m pairx_core doctor`` checks."""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pairx_core.errors import PairxError

OLDEST_PYTHON = (3, 11)
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    what: str
    ok: bool
    message: str  # what was found; where not ok, what to do


def check_installation() -> list[Finding]:
    """Run all checks; later ones are tried even where earlier ones fail."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("torch and timm", _torch_and_timm),
        ("settings", _settings),
        ("cache folder", _cache),
        ("decisions file", _decisions),
        ("catalogue and model", _model_on_a_photo),
    ]
    return [_run(what, check) for what, check in checks]


def _run(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except (PairxError, ImportError, OSError, RuntimeError) as error:
        return Finding(what, False, str(error))


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        raise RuntimeError(f"this is Python {version}; 3.11 or later is needed")
    return version


def _packages() -> str:
    """Every pinned requirement is installed at its version; without models, those that field packs need."""
    file = _ROOT / ("requirements.txt" if _has_models() else "requirements-field.txt")
    wrong = []
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("#")[0].strip().partition("==")
        if name:
            found = _installed(name)
            if found is None or found.partition("+")[0] != version:
                wrong.append(f"{name} {version} is needed, {found or 'none'} is installed")
    if wrong:
        raise RuntimeError("; ".join(wrong) + f". Run make setup, or pip install -r {file.name}.")
    return f"all as pinned in {file.name}"


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _has_models() -> bool:
    """Whether anything of what models need is installed."""
    return any(_installed(name) is not None for name in ("torch", "timm"))


def _torch_and_timm() -> str:
    if not _has_models():
        return "not installed: field packs open, other catalogues do not"
    from pairx_core.models.torchvision_ops import ensure_torchvision_operators

    mended = ensure_torchvision_operators()
    import timm
    import torch

    note = "; torchvision is built for CUDA beside a CPU torch, which is taken care of" if mended else ""
    return f"torch {torch.__version__}, timm {timm.__version__}, {torch.get_num_threads()} threads{note}"


def _settings() -> str:
    from pairx_core.settings import Settings

    settings = Settings.from_environment()
    return f"catalogue {settings.catalogue}, model {settings.model}"


def _cache() -> str:
    from pairx_core.retrieval.digests import DigestCache
    from pairx_core.settings import Settings

    return f"{DigestCache(Settings.from_environment().cache).path} can be written"


def _decisions() -> str:
    """The record of decisions is ours, and can be written."""
    from pairx_core.catalogue import read_catalogue
    from pairx_core.decisions.store import open_decisions
    from pairx_core.settings import Settings

    settings = Settings.from_environment()
    path = settings.decisions_for(read_catalogue(settings.catalogue))
    if isinstance(path, str) or path.exists():
        log = open_decisions(path)
        return f"{log.location} holds {len(log.decisions())} rows"
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(dir=folder):
        return f"{path} can be made"


def _model_on_a_photo() -> str:
    """The catalogue opens and the model embeds one of its photos; a field pack opens without one."""
    from pairx_core.catalogue import read_catalogue
    from pairx_core.catalogue.pack_catalogue import FIELD_PACK
    from pairx_core.fieldpack import open_pack
    from pairx_core.settings import Settings

    settings = Settings.from_environment()
    catalogue = read_catalogue(settings.catalogue)
    if catalogue.form == FIELD_PACK:
        pack = open_pack(catalogue)
        return f"field pack: {len(pack.index.queries)} queries, {pack.pairs} pairs, {len(catalogue.problems)} problems"
    from pairx_core.models import load_model

    model = load_model(settings.model)
    length = model.embed(catalogue.photos[:1]).shape[1]
    return (
        f"{len(catalogue)} photos, {len(catalogue.problems)} problems; "
        f"model {model.name} gives {length} numbers a photo, layer {model.recommended_layer}"
    )
