"""What holds for every format."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings

from pairx_core.errors import ExportError
from pairx_core.exports import EXPORTS, Export
from tests.exports.making import kinds, made_up, resolved, say
from tests.exports.test_resolution import PHOTOS, decided, given_names

CATALOGUE = made_up(**PHOTOS)
PHOTO_AND_IDENTITY = {
    "wildlife-datasets": ("image_id", "identity"),
    "wildbook": ("Encounter.mediaAsset0", "MarkedIndividual.individualID"),
    "camtrap-dp": ("observationID", "individualID"),
    "camtrapr": ("FileName", "Individual"),
}


def identities(name: str, export: Export) -> dict[str, list[str | None]]:
    """All identities that a file gives to each photo."""
    photo, identity = PHOTO_AND_IDENTITY[name]
    found = defaultdict(list)
    for row in _rows(name, export):
        found[row[photo].removesuffix(".jpg")].append(row.get(identity) or "unknown")
    return dict(found)


def _rows(name: str, export: Export) -> list[dict]:
    if name == "wildbook":
        sheet = openpyxl.load_workbook(io.BytesIO(export.content), read_only=True).active
        header, *cells = sheet.iter_rows(values_only=True)
        return [dict(zip(header, row, strict=True)) for row in cells]
    content = export.content
    if name == "camtrap-dp":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read("observations.csv")
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@settings(deadline=None, max_examples=40)
@given(decided, given_names)
def test_no_photo_ever_has_two_identities(decisions, names):
    resolution = resolved(CATALOGUE, *decisions, names=tuple(names))
    for name, one in EXPORTS.items():
        export = one.write(CATALOGUE, resolution)
        written = identities(name, export)
        left_out = {photo for finding in export.left_out for photo in finding.photo_ids}
        assert {photo: len(of) for photo, of in written.items()} == dict.fromkeys(PHOTOS.keys() - left_out, 1)
        for photo, (identity,) in written.items():
            assert identity == (resolution.of(photo).identity or "unknown"), name


@pytest.mark.parametrize("name", EXPORTS)
def test_what_is_not_settled_is_written_as_the_catalogue_has_it(name):
    resolution = resolved(
        CATALOGUE,
        say("a", "u", "accept"),
        say("u", "v", "accept"),
        say("a2", "v", "reject"),
        say("b", "w", "accept", "Ben"),
        say("b", "w", "reject", "Cleo"),
    )
    assert set(kinds(resolution.left_open)) == {"contradiction", "disagreement", "suggested_merge"}
    written = identities(name, EXPORTS[name].write(CATALOGUE, resolution))
    for photo, (identity,) in written.items():
        assert identity == (PHOTOS[photo] or "unknown")


@pytest.mark.parametrize("name", EXPORTS)
def test_a_format_says_what_it_is(name):
    one = EXPORTS[name]
    export = one.write(CATALOGUE, resolved(CATALOGUE))
    assert (export.file_name, export.mime) == (one.file_name, one.mime)
    assert one.title
    assert one.what


@pytest.mark.parametrize("name", EXPORTS)
def test_decisions_of_another_catalogue_are_refused(name):
    with pytest.raises(ExportError, match="another catalogue"):
        EXPORTS[name].write(CATALOGUE, resolved(made_up(x=None)))


def test_openpyxl_is_loaded_only_to_write_a_workbook():
    code = "import sys, pairx_core.exports; print('openpyxl' in sys.modules, 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_the_documentation_has_every_format():
    text = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in EXPORTS)
