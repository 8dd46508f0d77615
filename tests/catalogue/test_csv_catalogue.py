from __future__ import annotations

import csv
import io
import unicodedata
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairx_core.catalogue import Box, Catalogue, folded, read_catalogue
from pairx_core.errors import CatalogueError
from tests.catalogue.making import corners_picture, save, save_animation, save_huge_png, truncate, write_csv


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with three pictures of 48 × 32 pixels."""
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        save(tmp_path / "catalogue" / name)
    return tmp_path / "catalogue"


def read(folder: Path, *lines: str, encoding: str = "utf-8") -> Catalogue:
    return read_catalogue(write_csv(folder, lines, encoding))


def refusal(path: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(path)
    return str(caught.value)


def ids(catalogue: Catalogue) -> list[str]:
    return [photo.id for photo in catalogue.photos]


def problems(catalogue: Catalogue, severity: str = "left_out") -> list[str]:
    return [str(problem) for problem in catalogue.problems if problem.severity == severity]


def test_every_column_is_read(folder):
    catalogue = read(
        folder,
        "image_id,identity,path,bbox,date,orientation,species,site,split",
        'one,Ann,a.jpg,"[1, 2.5, 10, 20]",2026-03-01 09:15:02,Left,nyala,dam,train',
    )
    photo = catalogue.photo("one")
    assert photo.path == (folder / "a.jpg").resolve()
    assert photo.catalogue_path == "a.jpg"
    assert photo.identity == "Ann"
    assert photo.box == Box(1, 2.5, 10, 20)
    assert photo.date == datetime(2026, 3, 1, 9, 15, 2)
    assert (photo.flank, photo.species, photo.site) == ("left", "nyala", "dam")
    assert catalogue.problems == ()
    assert catalogue.source == folder / "metadata.csv"


@pytest.mark.parametrize("column", ["orientation", "position", "flank", "viewpoint"])
def test_the_flank_has_several_names(folder, column):
    assert read(folder, f"path,{column}", "a.jpg,RIGHT").photos[0].flank == "right"


@pytest.mark.parametrize("column", ["site", "location", "station"])
def test_the_site_has_several_names(folder, column):
    assert read(folder, f"path,{column}", "a.jpg,dam 3").photos[0].site == "dam 3"


@pytest.mark.parametrize("identity", ["", "unknown", "Unknown", "____", "nan", "NaN"])
def test_an_unknown_identity_is_none(folder, identity):
    assert read(folder, "image_id,identity,path", f"1,{identity},a.jpg").photos[0].identity is None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_and_encodings_make_no_difference(folder, separator, encoding):
    rows = [("image_id", "identity", "path"), ("1", "Zoë", "a.jpg"), ("2", "Ötzi", "sub/c.jpg")]
    catalogue = read(folder, *(separator.join(row) for row in rows), encoding=encoding)
    assert [photo.identity for photo in catalogue.photos] == ["Zoë", "Ötzi"]
    assert catalogue.problems == ()


def test_windows_text_is_read_and_said(folder):
    catalogue = read(folder, "image_id,identity,path", "1,Zoë,a.jpg", encoding="cp1252")
    assert catalogue.photos[0].identity == "Zoë"
    assert any("was read as Windows-1252" in note for note in problems(catalogue, "note"))


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
VALUES = {
    "identity": CELL,
    "path": st.sampled_from(["a.jpg", "b.jpg", "sub/c.jpg"]),
    "bbox": st.sampled_from(["", "[1, 2, 3, 4]", "[0.5, 0, 20, 20.25]"]),
    "date": st.sampled_from(["", "2026-03-01", "2026-03-01 10:11:12"]),
    "position": st.sampled_from(["", "left", "right"]),
    "species": CELL,
    "remarks": st.text(st.sampled_from('ab,;\t"\n'), max_size=8),
}


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        save(folder / name)
    return folder


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=5),
    order=st.permutations(["image_id", *VALUES]),
    separator=st.sampled_from(",;\t"),
    case=st.sampled_from([str.lower, str.upper, str.title, lambda name: f" {name} "]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_how_a_table_is_written_makes_no_difference(
    shared_folder, rows, order, separator, case, encoding, line_end
):
    rows = [{"image_id": f"photo {number}", **row} for number, row in enumerate(rows)]

    def read_as(columns, separator, case, encoding, line_end) -> Catalogue:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=separator, lineterminator=line_end)
        writer.writerow([case(column) for column in columns])
        writer.writerows([[row[column] for column in columns] for row in rows])
        path = shared_folder / "metadata.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        return read_catalogue(path)

    plain = read_as(list(rows[0]), ",", str, "utf-8", "\n")
    assert len(plain) + plain.summary().left_out == len(rows)  # without those of several on a whole picture
    assert read_as(order, separator, case, encoding, line_end) == plain


def test_without_image_ids_photos_are_named_by_their_paths(folder):
    catalogue = read(folder, "identity,path", "Ann,a.jpg", "Bo,sub\\c.jpg")
    assert ids(catalogue) == ["a", "sub/c"]
    assert any("no column “image_id”" in note for note in problems(catalogue, "note"))


def test_without_identities_all_are_unknown(folder):
    catalogue = read(folder, "image_id,path", "1,a.jpg")
    assert catalogue.photos[0].identity is None
    assert any("no column “identity”" in note for note in problems(catalogue, "note"))


def test_a_duplicate_id_names_both_rows(folder):
    catalogue = read(folder, "image_id,identity,path", "1,Ann,a.jpg", "2,Bo,b.jpg", "1,Cy,sub/c.jpg")
    assert ids(catalogue) == ["1", "2"]
    (problem,) = problems(catalogue)
    assert problem.startswith("metadata.csv, row 4, image_id: ")
    assert "“1” is already used in row 2" in problem


def test_row_numbers_are_those_of_a_spreadsheet(folder):
    catalogue = read(
        folder,
        "image_id,identity,path,remarks",
        '1,Ann,a.jpg,"two\nlines"',
        "",
        "2,Bo,gone.jpg,",
    )
    assert problems(catalogue)[0].startswith("metadata.csv, row 4, path: “gone.jpg” does not exist")


@pytest.mark.parametrize(
    "path", ["../outside.jpg", "sub/../../outside.jpg", "..\\outside.jpg", "\\\\host\\share\\x.jpg"]
)
def test_a_path_that_leads_outside_is_refused(folder, path):
    save(folder.parent / "outside.jpg")
    catalogue = read(folder, "image_id,identity,path", "1,Ann,a.jpg", f"2,Bo,{path}")
    (problem,) = problems(catalogue)
    assert problem.startswith(
        f"metadata.csv, row 3, path: “{path}” leads outside the folder of the catalogue"
    )
    assert "Photos must lie in this folder or below it" in problem


def test_absolute_paths_count_only_inside_the_folder(folder):
    outside = save(folder.parent / "outside.jpg")
    windows = r"C:\photos\a.jpg"
    catalogue = read(
        folder, "image_id,identity,path", f"1,Ann,{folder / 'a.jpg'}", f"2,Bo,{outside}", f"3,Cy,{windows}"
    )
    assert ids(catalogue) == ["1"]
    assert all("leads outside" in problem for problem in problems(catalogue))


def test_a_link_that_leads_outside_is_refused(folder):
    (folder / "link.jpg").symlink_to(save(folder.parent / "outside.jpg"))
    (folder / "inside.jpg").symlink_to(folder / "b.jpg")
    catalogue = read(folder, "image_id,identity,path", "1,Ann,link.jpg", "2,Bo,inside.jpg")
    assert ids(catalogue) == ["2"]
    assert "leads outside" in problems(catalogue)[0]


def test_a_path_may_go_up_and_come_back(folder):
    assert ids(read(folder, "image_id,path", "1,sub/../a.jpg")) == ["1"]


def test_accents_spelled_another_way_are_found(folder):
    save(folder / unicodedata.normalize("NFD", "Zoë.jpg"))
    assert len(read(folder, "image_id,path", "1," + unicodedata.normalize("NFC", "Zoë.jpg"))) == 1


def test_one_bad_photo_of_each_kind_leaves_the_others_usable(folder):
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("not a picture")
    truncate(save(folder / "tiny.jpg"), 0.05)
    save_huge_png(folder / "huge.png")
    save_animation(folder / "moving.gif")
    names = ["gone.jpg", "empty.jpg", "text.jpg", "tiny.jpg", "huge.png", "moving.gif", "sub", ""]
    catalogue = read(folder, "image_id,path", "good,a.jpg", *(f"photo {name},{name}" for name in names))
    assert ids(catalogue) == ["good"]
    expected = [
        "does not exist",
        "is empty",
        "not a picture",
        "cut short",
        "108 megapixels",
        "more than one picture",
        "is a folder",
        "There is no path",
    ]
    for row, (problem, words) in enumerate(zip(problems(catalogue), expected, strict=True), 3):
        assert f"row {row}, path" in problem
        assert words in problem


def test_colours_that_were_changed_are_noted(folder):
    save(folder / "print.jpg", corners_picture().convert("CMYK"))
    save(folder / "deep.png", corners_picture().convert("L").convert("I;16"))
    catalogue = read(folder, "image_id,identity,path", "1,Ann,print.jpg", "2,Bo,deep.png")
    assert len(catalogue) == 2
    cmyk, deep = problems(catalogue, "note")
    assert "row 2, path: “print.jpg” has print colours (CMYK)" in cmyk
    assert "row 3, path: “deep.png” has 16 bits" in deep


@pytest.mark.parametrize(
    "box", ["[1, 2, 3]", "[1, 2, 0, 5]", "[1, 2, 3, -4]", "left", "[]", "[1, 2, 3, inf]"]
)
def test_an_unreadable_box_leaves_the_photo_out(folder, box):
    catalogue = read(folder, "image_id,path,bbox", "1,a.jpg,", f'2,b.jpg,"{box}"')
    assert ids(catalogue) == ["1"]
    assert problems(catalogue)[0].startswith(f"metadata.csv, row 3, bbox: The bbox “{box}” is not")


@pytest.mark.parametrize(
    "box", ["[1, 2, 3, 4]", "(1, 2, 3, 4)", "1 2 3 4", "[1. 2. 3. 4.]", "1;2;3;4", "[1,2,3,4]"]
)
def test_boxes_are_read_in_any_usual_form(folder, box):
    assert read(folder, "image_id,path,bbox", f'1,a.jpg,"{box}"').photos[0].box == Box(1, 2, 3, 4)


def test_a_box_beyond_the_picture_is_cut_at_its_edge(folder):
    catalogue = read(
        folder,
        "image_id,identity,path,bbox",
        '1,Ann,a.jpg,"[40, 20, 20, 20]"',
        '2,Bo,b.jpg,"[0, 0, 48.4, 32]"',
        '3,Cy,b.jpg,"[50, 0, 10, 10]"',
    )
    assert [photo.box for photo in catalogue.photos] == [Box(40, 20, 8, 12), Box(0, 0, 48, 32)]
    assert len(problems(catalogue, "note")) == 1
    assert "row 2, bbox" in problems(catalogue, "note")[0]
    assert "row 4, bbox: The bbox lies outside “b.jpg”, which is 48 × 32 pixels" in problems(catalogue)[0]


def test_a_row_with_too_many_values_is_left_out(folder):
    catalogue = read(folder, "image_id,path,bbox", "1,a.jpg,", "2,b.jpg,[1, 2, 3, 4]", "3,sub/c.jpg,,")
    assert ids(catalogue) == ["1", "3"]
    assert "row 3: The row has 6 values for 3 columns" in problems(catalogue)[0]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["2026:03:01 09:15:02"], datetime(2026, 3, 1, 9, 15, 2)),
        (["2026-03-01T09:15:02.5Z"], datetime(2026, 3, 1, 9, 15, 2)),
        (["20260301"], datetime(2026, 3, 1)),
        (["1.3.2026"], datetime(2026, 3, 1)),
        (["1/3/2026", "25/12/2026"], datetime(2026, 3, 1)),
        (["3/1/2026 1:05 PM", "12/25/2026"], datetime(2026, 3, 1, 13, 5)),
    ],
)
def test_dates_are_read_as_people_write_them(folder, dates, expected):
    catalogue = read(folder, "image_id,path,date", *(f"{n},a.jpg,{date}" for n, date in enumerate(dates)))
    assert catalogue.photos[0].date == expected


@pytest.mark.parametrize("date", ["spring", "2026", "3/1/2026", "2026-02-31", "2026-03-01 25:00"])
def test_an_unclear_date_is_noted_and_left_out(folder, date):
    catalogue = read(folder, "image_id,identity,path,date", f"1,Ann,a.jpg,{date}")
    assert catalogue.photos[0].date is None
    assert f"metadata.csv, row 2, date: The date “{date}” cannot be read" in problems(catalogue, "note")[0]


def test_many_notes_of_a_kind_are_folded(folder):
    catalogue = read(folder, "image_id,identity,path,date", *(f"{n},Ann,a.jpg,spring" for n in range(200)))
    assert len(catalogue) == 200
    assert len(catalogue.problems) == 200
    shown = folded(catalogue.problems)
    assert len(shown) == 11
    assert str(shown[-1]) == "metadata.csv: 190 more have the same kind of note: date."


def test_the_summary_counts(folder):
    save(folder / "d.jpg")
    catalogue = read(
        folder,
        "image_id,identity,path,species",
        "1,Ann,a.jpg,nyala",
        "2,Ann,b.jpg,nyala",
        "3,Bo,sub/c.jpg,",
        "4,unknown,d.jpg,ray",
        "5,Cy,gone.jpg,ray",
    )
    summary = catalogue.summary()
    assert (summary.photos, summary.individuals, summary.singletons, summary.unknown) == (4, 2, 1, 1)
    assert summary.species == {"nyala": 2, "ray": 1}
    assert (summary.left_out, summary.notes) == (1, 0)


def test_a_table_without_path_names_the_columns_it_has(folder):
    text = refusal(write_csv(folder, ["image_id;identity;file", "1;Ann;a.jpg"]))
    assert "metadata.csv has no column “path”. Columns found: “image_id”, “identity”, “file”" in text


def test_a_column_given_twice_is_refused(folder):
    assert "has the column “path” 2 times" in refusal(write_csv(folder, ["path,Path", "a.jpg,b.jpg"]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"image_id,identity,path\n", "has a header but no rows"),
        (b"PK\x03\x04abc", "is a spreadsheet workbook"),
        (b"path\n\x00\x01\x02", "is not a text table"),
        (b"path\n\xff\x81\x8d", "is not text that can be read"),
        (b'path,identity\n"a.jpg,Ann\nb.jpg,Bo\n', "row 2: a quotation mark"),
        (b"path\n" + b"x" * 200_000, 'row 2: a quotation mark (") is not closed or a value is too long'),
    ],
)
def test_a_file_that_is_no_table_is_refused(folder, content, words):
    path = folder / "metadata.csv"
    path.write_bytes(content)
    assert words in refusal(path)
    assert str(path) in refusal(path)


def test_a_cell_is_too_long_whatever_limit_other_code_has_set(folder):
    before = csv.field_size_limit(10_000_000)
    try:
        (folder / "metadata.csv").write_bytes(b"path\n" + b"x" * 200_000)
        assert "row 2: a quotation mark" in refusal(folder / "metadata.csv")
    finally:
        csv.field_size_limit(before)


def test_a_picture_opened_as_a_table_is_refused(folder):
    assert "is not a text table" in refusal(save(folder / "a.png"))


def test_when_nothing_can_be_used_the_first_problems_are_quoted(folder):
    text = refusal(write_csv(folder, ["image_id,identity,path", *(f"{n},Ann,{n}.jpg" for n in range(8))]))
    assert "None of the photos" in text
    assert "metadata.csv, row 2, path: “0.jpg” does not exist" in text
    assert text.endswith("... and 3 more.")


def test_a_path_with_nothing_there_is_refused(tmp_path):
    assert "There is no file or folder" in refusal(tmp_path / "gone.csv")
    with pytest.raises(CatalogueError, match="No catalogue was named"):
        read_catalogue("  ")


def test_quotation_marks_of_a_pasted_path_are_taken_off(folder):
    write_csv(folder, ["path", "a.jpg"])
    assert len(read_catalogue(f' "{folder}" ')) == 1
