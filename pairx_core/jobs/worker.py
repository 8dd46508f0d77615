"""What happens on a cluster's worker: a task is done there as it would be on the computer that asks for it."""

from __future__ import annotations

import hashlib
import pickle
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pairx_core.errors import ClusterError, PairxError
from pairx_core.jobs.runner import compute_on_one_thread
from pairx_core.version import __version__

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "distributed")  # what results hang on


@dataclass(frozen=True, slots=True)
class Needs:
    """What a worker must have in common with the computer that asks, for its results to be the same."""

    versions: tuple[tuple[str, str], ...]  # (name, version)
    files: tuple[tuple[str, int], ...] = ()  # (absolute path, bytes)

    @classmethod
    def of_this_computer(cls, files: Iterable[Path] = ()) -> Needs:
        """What is here. Files that are not here are nobody's need."""
        here = (path.absolute() for path in files)
        return cls(own_versions(), tuple((str(path), path.stat().st_size) for path in here if path.is_file()))


@dataclass(frozen=True, slots=True)
class Refused:
    """A task's error that another try would not change."""

    error: PairxError


def run_task(sent: bytes, needs: Needs) -> bytes:
    """Do a task, on one thread.

    Args:
        sent: (function, task), pickled. As bytes, they pass through Dask untouched.
        needs: what must be here.

    Returns:
        The result, or :class:`Refused`, pickled.
    """
    compute_on_one_thread()
    made: object
    try:
        lack = what_is_missing(needs)
        if lack:
            raise ClusterError(f"The worker {_own_name()} {lack}")
        function, task = unpacked(sent)
        made = function(task)
    except PairxError as error:
        made = Refused(error)
    return pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL)


def packed(function: Callable[..., object], task: object) -> bytes:
    """A function and its task, to be sent.

    Raises:
        ClusterError: they cannot travel.
    """
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps((function, task)))
    except (TypeError, pickle.PicklingError, AttributeError) as error:
        raise ClusterError(f"A task cannot be sent to another computer ({error}).") from error


def unpacked(sent: bytes) -> tuple[Callable[[object], object], object]:
    """The function and its task."""
    function, task = pickle.loads(sent)
    return function, task


def what_is_missing(needs: Needs) -> str:
    """What this process lacks, in words that follow on its name; empty: nothing."""
    own = dict(own_versions())
    others = [
        f"{name} {own.get(name) or 'missing'} instead of {wanted}"
        for name, wanted in needs.versions
        if own.get(name) != wanted
    ]
    if others:
        return (
            f"has other versions than the computer that began the job: {', '.join(others)}. Results could differ: "
            "install the same ones everywhere."
        )
    for path, size in needs.files:
        if _size(Path(path)) != size:
            return (
                f"does not see the file {path} as it was when the job began ({size:,} bytes). Keep the photos and the "
                "model in folders that all computers see under the same path."
            )
    return ""


@cache
def own_versions() -> tuple[tuple[str, str], ...]:
    """What results hang on, as it is here: (name, version); an empty version: not installed."""
    packages = tuple((name, _version(name)) for name in _PACKAGES)
    return (
        ("Python", platform.python_version()),
        ("pairx_core", f"{__version__} (code {_code_digest()})"),
        *packages,
    )


def processor() -> str:
    """What this process computes with, as far as last digits hang on it: a GPU's name, or a set of instructions."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return str(torch.backends.cpu.get_cpu_capability())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _code_digest() -> str:
    """Eight hex digits that change with any line of this package."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # whatever keeps it from being read
        return None


def _own_name() -> str:
    from distributed import get_worker

    return f"{get_worker().address} on {platform.node()}"
