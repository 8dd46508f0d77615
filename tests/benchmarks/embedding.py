"""Embedding as a job beside a plain timm + DataLoader loop over the same photos, and killed ten times at random.

The loop is what one would write: the model's own transform, a DataLoader with a worker for each processor, batches so
that there are many, one forward pass a batch without gradients. Both sides run in processes of their own, in turn;
seconds count from the first photo asked for to the last embedding, without loading the model. “Model alone” is the
loop's bound: its forward passes on inputs that are there already.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from pairx_core import read_catalogue
from pairx_core.settings import SAMPLE_CATALOGUE

ROUNDS = 3
KILLS = 10
SIZE = (1280, 960)  # of the made photos, pixels
CASES = {"demo": (240, 16), "miewid": (16, 4)}  # model: photos, and how many a batch of the loop has


def main() -> None:
    """Measure and print."""
    print(
        f"\nEmbedding beside a plain timm + DataLoader loop, {SIZE[0]}×{SIZE[1]} JPEGs, {ROUNDS} rounds in turn"
    )
    print(f"{'model':24}{'photos':>8}{'job':>12}{'loop':>12}{'model alone':>12}{'ratio':>8}  (least–most)")
    with tempfile.TemporaryDirectory() as folder:
        catalogue = _photos(Path(folder), max(count for count, _ in CASES.values()))
        for name, (count, _) in CASES.items():
            _compare(name, catalogue, count)
        _kill(Path(folder), catalogue)


def _photos(folder: Path, count: int) -> Path:
    """A catalogue of so many different photographs: the sample's, moved about and enlarged."""
    shown = read_catalogue(SAMPLE_CATALOGUE).photos
    chance = random.Random(0)
    lines = ["image_id,identity,path"]
    for number in range(count):
        with Image.open(shown[number % len(shown)].path) as picture:
            left, top = chance.random() * 0.2 * picture.width, chance.random() * 0.2 * picture.height
            part = picture.resize(
                SIZE,
                Image.Resampling.BICUBIC,
                (left, top, left + 0.8 * picture.width, top + 0.8 * picture.height),
            )
        part.convert("RGB").save(folder / f"{number:04}.jpg", quality=92)
        lines.append(f"{number:04},unknown,{number:04}.jpg")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "metadata.csv"


def _compare(name: str, catalogue: Path, count: int) -> None:
    speeds: dict[str, list[float]] = {"job": [], "loop": [], "forward": []}
    for _ in range(ROUNDS):
        for side, seen in speeds.items():
            seen.append(count / float(_run(side, name, catalogue, count)))
    ratios = [job / loop for job, loop in zip(speeds["job"], speeds["loop"], strict=True)]
    job, loop, forward = (statistics.median(seen) for seen in speeds.values())
    print(
        f"{name:24}{count:>8}{job:>10.2f}/s{loop:>10.2f}/s{forward:>10.2f}/s{statistics.median(ratios):>8.2f}  "
        f"({min(ratios):.2f}–{max(ratios):.2f})"
    )


def _run(*words: object) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.embedding", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


def _kill(folder: Path, catalogue: Path) -> None:
    """The job killed again and again at random moments, against one that was left alone."""
    count, _ = CASES["demo"]
    alone = time.perf_counter()
    _run("kept", "demo", catalogue, count, folder / "alone")
    alone = time.perf_counter() - alone
    chance, again, through = random.Random(1), 0, 0
    kept: set[str] = set()
    kills = 0
    while kills < KILLS:
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.embedding",
            "kept",
            "demo",
            str(catalogue),
            str(count),
        ]
        job = subprocess.Popen([*command, str(folder / "killed")], stdout=subprocess.PIPE, text=True)
        job.stdout.readline()  # it has begun
        time.sleep(chance.random() * 0.09 * alone)
        kills += job.poll() is None  # one that had finished was not killed
        job.kill()
        job.communicate()
        went = _went_through(folder / "killed")
        again, through = again + len(kept & set(went)), through + len(went)
        kept = _kept(folder / "killed", catalogue)
    _run("kept", "demo", catalogue, count, folder / "killed")
    went = _went_through(folder / "killed")
    again, through = again + len(kept & set(went)), through + len(went)
    names = ("store.json", "keys-0.bin", "vectors-0.bin")
    stores = [next((folder / which / "embeddings").iterdir()) for which in ("alone", "killed")]
    same = all((stores[0] / name).read_bytes() == (stores[1] / name).read_bytes() for name in names)
    print(
        f"killed {kills} times at random and resumed: the index is "
        f"{'identical to the byte' if same else 'ANOTHER ONE'}; {through} photos were begun for {count}: "
        f"{through - count} were under way when a process was killed; {again} that were kept were begun again"
    )


def _went_through(cache: Path) -> list[str]:
    """The photos that were begun since this was last asked, by id."""
    log = cache / "through"
    went = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return went


def _kept(cache: Path, catalogue: Path) -> set[str]:
    """The photos whose embeddings are kept."""
    from pairx_core import load_model
    from pairx_core.retrieval import open_store
    from pairx_core.retrieval.building import keys_of

    model, read = load_model("demo"), read_catalogue(catalogue)
    rows = open_store(cache, model).rows_of(keys_of(read, model, cache))
    return {photo.id for photo, row in zip(read.photos, rows, strict=True) if row >= 0}


def _serve(side: str, name: str, catalogue: Path, count: int, cache: Path | None) -> None:
    """One side: prints the seconds."""
    from dataclasses import replace

    from pairx_core import load_model
    from tests.benchmarks import miewid_shaped

    model = (
        load_model("demo") if name == "demo" else miewid_shaped.embedding_model(miewid_shaped.miewid_shaped())
    )
    read = read_catalogue(catalogue)
    photos = replace(read, photos=read.photos[:count])
    if side == "loop":
        print(_loop(name, model, photos))
    elif side == "forward":
        print(_forward(name, model, photos))
    else:
        print(_job(model, photos, cache))


def _job(model: object, photos: object, cache: Path | None) -> float:
    from pairx_core import build_index
    from pairx_core.retrieval import embedding

    if cache is not None:
        cache.mkdir(exist_ok=True)
        embed = embedding.PhotoEmbedder._read

        def counted(self: object, photo: object, digest: object) -> object:
            with (cache / "through").open("a") as file:
                file.write(f"{photo.id}\n")
            return embed(self, photo, digest)

        embedding.PhotoEmbedder._read = counted
        print("begun", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        build_index(photos, model, cache_dir=cache or folder)
        return time.perf_counter() - start


def _loop(name: str, model: object, photos: object) -> float:
    import timm
    import torch
    from torch.utils.data import DataLoader, Dataset

    width = model.preprocessing.input_size[0]
    mean, deviation = model.preprocessing.mean, model.preprocessing.std
    transform = timm.data.create_transform(
        (3, width, width), crop_pct=1.0, interpolation="bicubic", mean=mean, std=deviation
    )

    class Photos(Dataset):
        def __len__(self) -> int:
            return len(photos.photos)

        def __getitem__(self, number: int) -> object:
            with Image.open(photos.photos[number].path) as picture:
                return transform(picture.convert("RGB"))

    start = time.perf_counter()
    with torch.inference_mode():
        rows = [
            model.module(batch) for batch in DataLoader(Photos(), CASES[name][1], num_workers=os.cpu_count())
        ]
    torch.cat(rows)
    return time.perf_counter() - start


def _forward(name: str, model: object, photos: object) -> float:
    import torch

    from pairx_core import open_photo

    inputs = model.preprocess([open_photo(photo) for photo in photos.photos])
    start = time.perf_counter()
    with torch.inference_mode():
        for batch in inputs.split(CASES[name][1]):
            model.module(batch)
    return time.perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ("job", "loop", "forward", "kept"):
        _serve(
            sys.argv[1],
            sys.argv[2],
            Path(sys.argv[3]),
            int(sys.argv[4]),
            Path(sys.argv[5]) if sys.argv[5:] else None,
        )
    else:
        main()
