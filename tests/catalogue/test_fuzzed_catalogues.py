"""Catalogues that somebody damaged, mistyped, or made to do harm."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import random
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from pairx_core.catalogue import Catalogue, open_photo, read_catalogue
from pairx_core.errors import CatalogueError, PhotoError
from pairx_core.retrieval import read_candidates
from tests.catalogue.making import FORMS, make_catalogue, save

_MUTATIONS = 260  # of each format
_WRITTEN = [form for form, made in FORMS.items() if made.files]
_SECRET = "secret-of-somebody-else"


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> dict[str, Path]:
    """A sound catalogue of each format, beside a folder that it must never look into."""
    home = tmp_path_factory.mktemp("fuzz")
    save(home / _SECRET / "photo.jpg")
    (home / _SECRET / "metadata.csv").write_text(f"path\n{_SECRET}.jpg\n")
    for form in FORMS:
        folder = home / form
        make_catalogue(folder, form)
        (folder / "out.jpg").symlink_to(home / _SECRET / "photo.jpg")
        (folder / "way_out").symlink_to(home / _SECRET, target_is_directory=True)
    return {form: home / form for form in FORMS}


@pytest.mark.parametrize("form", _WRITTEN)
def test_a_damaged_table_is_read_or_refused_and_nothing_outside_is_opened(templates, form):
    template, names = templates[form], FORMS[form].files
    sound = {name: (template / name).read_bytes() for name in names}
    source = template / names[0] if len(names) == 1 else template
    refused = 0
    for seed in range(_MUTATIONS):
        rng = random.Random(f"{form} {seed}")
        name = rng.choice(names)
        (template / name).write_bytes(_mutated(sound[name], name.endswith(".json"), rng, template))
        try:
            refused += _read_or_refused(source, form, template, f"{form}, seed {seed}") is None
        finally:
            (template / name).write_bytes(sound[name])
    assert 10 < refused < _MUTATIONS - 50  # both ways are gone


def test_a_damaged_table_of_candidates_is_read_or_refused(templates):
    folder = templates["wildlife-datasets"]
    catalogue = read_catalogue(folder / "wildlife-datasets.csv")
    sound = b"query_id,candidate_id,score\np3,p1,0.91\np3,p2,0.5\np1,p2,-3\n"
    table, refused = folder / "scores.csv", 0
    for seed in range(_MUTATIONS):
        rng = random.Random(f"candidates {seed}")
        table.write_bytes(_mutated(sound, False, rng, folder))
        with only_within(folder):
            try:
                given = read_candidates(table, catalogue)
            except CatalogueError as error:
                assert str(error).strip()
                refused += 1
                continue
        for query in given.queries:
            scores = [one.similarity for one in given.candidates(query)]
            assert scores == sorted(scores, reverse=True) and all(map(math.isfinite, scores))
        assert all(one.where and one.message for one in given.skipped)
    assert 10 < refused < _MUTATIONS - 50


def test_a_damaged_folder_is_read_or_refused_and_nothing_outside_is_opened(templates, tmp_path):
    for seed in range(220):
        rng = random.Random(f"folders {seed}")
        folder = tmp_path / "folders"
        shutil.copytree(templates["folders"], folder, symlinks=True)
        for _ in range(rng.randint(1, 3)):
            _damage_folder(folder, rng, templates["folders"].parent / _SECRET)
        _read_or_refused(folder, "folders", folder, f"folders, seed {seed}")
        shutil.rmtree(folder)


def _read_or_refused(source: Path, form: str, root: Path, label: str) -> Catalogue | None:
    with only_within(root):
        try:
            catalogue = read_catalogue(source, form)
        except CatalogueError as error:
            assert str(error).strip(), label
            return None
    for problem in catalogue.problems:
        if problem.severity == "left_out":
            assert problem.where.count(",") and problem.message.strip(), f"{label}: {problem}"
    for photo in catalogue.photos:
        assert photo.path.is_relative_to(root.resolve()), label
        if photo.box is not None:
            assert all(map(math.isfinite, (photo.box.x, photo.box.y, photo.box.width, photo.box.height)))
        with only_within(root), nullcontext() if form != "folders" else suppress(PhotoError):
            width, height = open_photo(photo).size
            assert form == "folders" or width * height < 10_000, (
                label
            )  # a damaged picture may say another size
    catalogue.summary()
    return catalogue


_watched: list[tuple[Path, list[str]]] = []
_watching: list[threading.Thread] = []


def _note_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _watched:
        return
    thread = threading.current_thread()
    if thread is not _watching[-1] and not thread.name.startswith("photo-"):
        return  # of another test's cluster, say, which looks after itself
    root, strange = _watched[-1]
    path = arguments[0]
    if not isinstance(path, str | bytes):
        return
    real = os.path.realpath(os.fsdecode(path))
    own_figures = (
        f"/proc/{os.getpid()}/"  # Dask, once a test has started it, looks at them when garbage is collected
    )
    ours = (str(root.resolve()), sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]), own_figures)
    if not real.startswith(ours):
        strange.append(real)


sys.addaudithook(_note_opening)


@contextmanager
def only_within(root: Path) -> Iterator[None]:
    """Fails when any file outside a folder is opened meanwhile; the interpreter's own files do not count."""
    strange: list[str] = []
    _watching.append(threading.current_thread())
    _watched.append((root, strange))
    try:
        yield
    finally:
        _watched.pop()
        _watching.pop()
    assert not strange


def test_the_watch_sees_a_file_that_is_opened_outside(tmp_path):
    save(tmp_path / "outside.jpg")
    (tmp_path / "inside").mkdir()
    with pytest.raises(AssertionError, match=r"outside\.jpg"), only_within(tmp_path / "inside"):
        (tmp_path / "outside.jpg").read_bytes()


def _mutated(content: bytes, is_json: bool, rng: random.Random, template: Path) -> bytes:
    nasty = [*_NASTY, str(template.parent / _SECRET / "photo.jpg")]
    for _ in range(rng.randint(1, 2)):
        if rng.random() < 0.25:
            content = rng.choice(_BYTES)(content, rng)
        elif is_json:
            content = _mutated_json(content, rng, nasty)
        else:
            content = _mutated_table(content, rng, nasty)
    return content


_NASTY = (
    "", " ", '"', "'", ",", ";;", "|", "||", "\n", "\x00", "\ufeff", "\u202e", "🦌" * 50, "x" * 70_000, "=1+1",
    "-", "NaN", "inf", "-inf", "1e309", "1e308", "-1e308", "-1", "0", "1" * 5000, "1e-320", "0x10", "١٢",
    "true", "None", "[]", "{}", "[1,2,3]", "[1e308, 1e308, 1e308, 1e308]", "[0,0,1e9,1e9]", "[-5,-5,6,6]",
    "[4 8 24 16]", "[[4,8,24,16],[1,2,3,4]]", "4;8;24;16", "0.1|0.2|0.3|0.4",
    "../secret-of-somebody-else/photo.jpg", "../../../../../../etc/passwd", "/etc/passwd", "/dev/zero",
    "file:///etc/passwd", "out.jpg", "way_out/photo.jpg", "way_out/metadata.csv", "..\\secret-of-somebody-else",
    "C:\\Windows\\win.ini", "\\\\server\\share\\a.jpg", "//server/share/a.jpg", "https://example.org/a.jpg",
    "~/.ssh/id_rsa", ".", "..", "Ann", "Ann/", "Ann//1.jpg", "ANN/1.JPG", "a" * 300 + ".jpg", "2026-13-45",
    "99999-01-01", "0000-00-00", "01/02/03", "2026-03-01T09:15:02+99:99", "3.14159", "1e300",
    '{"size": [1000000000, 1000000000], "counts": [1]}', '{"size": [32, 48], "counts": [99999999999]}',
    "[[0,0,1e9,0,1e9,1e9]]", '{"size": [32, 48], "counts": "o`0"}',
)  # fmt: skip


def _mutated_table(content: bytes, rng: random.Random, nasty: list[str]) -> bytes:
    try:
        between = "," if b"," in content else "\t"
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=between))
    except (csv.Error, UnicodeDecodeError):  # damaged before
        return content
    if not rows or not rows[0]:
        return content
    row = rng.choice(rows)
    kind = rng.randrange(8)
    if kind <= 3 and row:
        row[rng.randrange(len(row))] = rng.choice(nasty)
    elif kind == 4 and row:
        del row[rng.randrange(len(row))]
    elif kind == 5:
        row.insert(rng.randint(0, len(row)), rng.choice(nasty))
    elif kind == 6:
        rows.insert(rng.randint(0, len(rows)), list(row))
    else:
        at = rng.randrange(len(rows[0]))
        for one in rows:
            if at < len(one):
                del one[at]
    out = io.StringIO(newline="")
    csv.writer(
        out, delimiter=rng.choice([between] * 3 + [";", "\t"]), lineterminator=rng.choice(["\n", "\r\n"])
    ).writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _mutated_json(content: bytes, rng: random.Random, nasty: list[str]) -> bytes:
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):  # damaged before
        return content
    places = list(_places(tree))
    if not places:
        return content
    parent, key = rng.choice(places)
    kind = rng.randrange(6)
    if kind == 0:
        del parent[key]
    elif kind == 1:
        parent[key] = rng.choice(nasty)
    elif kind == 2:
        parent[key] = rng.choice(
            [None, True, -1, 0, 1e308, math.nan, math.inf, 10**400, [], {}, [[]], [None]]
        )
    elif kind == 3:
        parent[key] = [parent[key]] * rng.choice([1, 3])
    elif kind == 4:
        other_parent, other_key = rng.choice(places)
        parent[key] = json.loads(json.dumps(other_parent[other_key]))
    elif isinstance(parent, list):
        parent.append(json.loads(json.dumps(parent[key])))
    else:
        parent[rng.choice(nasty)] = parent.pop(key)
    return json.dumps(tree).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])


def _flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _recoded(encoding: str) -> Callable[[bytes, random.Random], bytes]:
    return lambda content, _: content.decode("utf-8", "replace").encode(encoding, "replace")


_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped,
    lambda content, rng: content[: rng.randrange(len(content) + 1)],
    lambda content, rng: content + content[rng.randrange(len(content) + 1) :],
    lambda content, rng: content.replace(b'"', rng.choice([b"", b'""', b"'"])),
    lambda content, _: content.replace(b"\n", b"\r"),
    lambda content, rng: content.replace(b",", rng.choice([b";", b"\t", b"|", b", "])),
    lambda content, _: b"\xef\xbb\xbf" + content,
    lambda content, _: b"PK\x03\x04" + content,
    lambda _, rng: rng.randbytes(200),
    lambda _, rng: b"[" * rng.choice([10, 200_000]),
    lambda _, __: b'{"images": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    _recoded("utf-16"),
    _recoded("utf-16-le"),
    _recoded("latin-1"),
    _recoded("utf-32"),
)


def _damage_folder(folder: Path, rng: random.Random, secret: Path) -> None:
    files = sorted(path for path in folder.rglob("*.jpg") if path.is_file() and not path.is_symlink())
    name = rng.choice(["Ann", "new", "Bo", ".hidden", "x" * 200, "a\nb", "ü", "unknown", "\u202eevil"])
    place = folder / name
    place.mkdir(exist_ok=True)
    kind = rng.randrange(7)
    if kind == 0 and files:
        chosen = rng.choice(files)
        chosen.write_bytes(_flipped(chosen.read_bytes(), rng))
    elif kind == 1 and files:
        chosen = rng.choice(files)
        chosen.write_bytes(chosen.read_bytes()[: rng.randrange(400)])
    elif kind == 2:
        _link(
            place / f"link{rng.random()}.jpg",
            rng.choice([secret / "photo.jpg", Path("/etc/passwd"), Path("/dev/zero")]),
        )
    elif kind == 3:
        _link(place / f"loop{rng.random()}", folder)
    elif kind == 4:
        (place / f"{rng.random()}.png").write_bytes(rng.randbytes(rng.randrange(300)))
    elif kind == 5:
        (place / f"folder{rng.random()}.jpg").mkdir()
    elif files:
        rng.choice(files).rename(os.fsdecode(os.fsencode(place) + b"/\xff\xfe.jpg"))


def _link(place: Path, target: Path) -> None:
    place.symlink_to(target, target_is_directory=target.is_dir())
