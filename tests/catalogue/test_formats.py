"""Which format a file or a folder is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pairx_core.catalogue import CATALOGUE_FORMATS, read_catalogue
from pairx_core.catalogue.formats import CatalogueFormat
from pairx_core.catalogue.pack_catalogue import FIELD_PACK
from pairx_core.errors import CatalogueError
from tests.catalogue.making import FORMS, corners_picture, make_catalogue, save, write_csv

SAID = {  # of the three photos, or of the first
    "species": ["Tragelaphus angasii"] * 3,
    "flank": ["left", "right", "left"],
    "box": [(4, 8, 24, 16)],
    "date": ["2026-03-01T09:15:02"],
    "site": ["dam"],
}


def test_no_format_is_without_tests():
    assert FORMS.keys() == CATALOGUE_FORMATS.keys() - {FIELD_PACK}  # which has tests of its own


@pytest.mark.parametrize("form", FORMS)
def test_each_format_is_known_by_its_content(tmp_path, form):
    catalogue = read_catalogue(make_catalogue(tmp_path, form))
    assert catalogue.form == form
    assert {photo.identity for photo in catalogue.photos} == {"Ann", "Bo", None}
    assert not [problem for problem in catalogue.problems if problem.severity == "left_out"]


@pytest.mark.parametrize("form", FORMS)
def test_each_format_can_be_chosen_by_hand(tmp_path, form):
    source = make_catalogue(tmp_path, form)
    assert read_catalogue(source, form).photos == read_catalogue(source).photos


@pytest.mark.parametrize("form", FORMS)
def test_all_formats_tell_the_same_photos(tmp_path, form):
    """Each says of the same three photos what it can say, and nothing of what it has no field for."""
    photos = read_catalogue(make_catalogue(tmp_path, form)).photos
    assert [photo.path.name for photo in photos] == ["1.jpg", "2.jpg", "3.jpg"]
    assert [photo.identity for photo in photos] == ["Ann", "Bo", None]
    first = photos[0]
    told = {
        "species": [photo.species for photo in photos],
        "flank": [photo.flank for photo in photos],
        "box": [first.box and pytest.approx((first.box.x, first.box.y, first.box.width, first.box.height))],
        "date": [first.date and first.date.isoformat()],
        "site": [first.site],
    }
    assert FORMS[form].lacks <= SAID.keys()
    for field, said in SAID.items():
        assert told[field] == ([None] * len(said) if field in FORMS[form].lacks else said), field


@pytest.mark.parametrize("form", ["wildlife-datasets", "miewid", "traptagger"])
def test_a_table_called_metadata_is_found_in_its_folder_whatever_its_columns(tmp_path, form):
    source = make_catalogue(tmp_path, form)
    source.rename(source.with_name("Metadata.CSV"))
    assert read_catalogue(source.parent).form == form


@pytest.mark.parametrize("place", ["", "annotations"])
def test_a_coco_file_is_found_in_its_folder(tmp_path, place):
    source = make_catalogue(tmp_path, "coco")
    moved = source.parent / place / source.name
    moved.parent.mkdir(exist_ok=True)
    source.rename(moved)
    save(source.parent / "images" / "2" / "unrelated.jpg")
    (source.parent / "settings.json").write_text('{"theme": "dark"}')
    (source.parent / "broken.json").write_text("{")
    catalogue = read_catalogue(source.parent)
    assert catalogue.form == "coco"
    assert catalogue.source == moved
    assert len(catalogue) == 3


def test_of_several_coco_files_one_must_be_chosen(tmp_path):
    source = make_catalogue(tmp_path, "coco")
    (source.parent / "val.json").write_bytes(source.read_bytes())
    with pytest.raises(CatalogueError, match=r"several COCO files \(.*, val\.json\)"):
        read_catalogue(source.parent)


def test_a_package_is_read_by_any_of_its_files(tmp_path):
    folder = make_catalogue(tmp_path, "camtrap-dp")
    for name in ("datapackage.json", "media.csv", "observations.csv"):
        assert read_catalogue(folder / name).photos == read_catalogue(folder).photos


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(CatalogueError, match="no format “excel”.*wildlife-datasets, miewid, coco"):
        read_catalogue(make_catalogue(tmp_path, "coco"), "excel")


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("folders", "camtrap-dp")])
def test_a_folder_without_such_a_file_is_refused_with_what_to_give(tmp_path, form):
    folder = make_catalogue(tmp_path, "folders")
    with pytest.raises(CatalogueError, match="is no catalogue of this kind") as caught:
        read_catalogue(folder, form)
    assert CATALOGUE_FORMATS[form].what in str(caught.value)


def test_the_table_of_a_folder_is_not_taken_for_a_format_that_is_no_table(tmp_path, monkeypatch):
    source = make_catalogue(tmp_path, "wildlife-datasets")
    source.rename(source.with_name("metadata.csv"))
    read = CATALOGUE_FORMATS["wildlife-datasets"].read
    monkeypatch.setitem(CATALOGUE_FORMATS, "list", CatalogueFormat("List", "a list", read))
    with pytest.raises(CatalogueError, match=r"is no catalogue of this kind \(List\)\. Give a list\."):
        read_catalogue(tmp_path, "list")


def test_a_file_is_no_folder_of_individuals(tmp_path):
    with pytest.raises(CatalogueError, match="Give a folder with one folder for each individual"):
        read_catalogue(make_catalogue(tmp_path, "coco"), "folders")


def test_a_file_in_another_format_than_the_chosen_one_is_refused(tmp_path):
    table = make_catalogue(tmp_path, "wildlife-datasets")
    with pytest.raises(CatalogueError, match="is not JSON"):
        read_catalogue(table, "coco")
    with pytest.raises(CatalogueError, match="not a whole Camtrap DP package"):
        read_catalogue(table, "camtrap-dp")


def test_json_without_images_says_what_it_has(tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"info": {}, "photos": []}))
    with pytest.raises(CatalogueError, match="no list “images”. It has: “info”, “photos”"):
        read_catalogue(path)


def test_a_table_with_none_of_the_columns_names_the_usual_one(tmp_path):
    with pytest.raises(CatalogueError, match="has no column “path”"):
        read_catalogue(write_csv(tmp_path, ["picture,animal", "a.jpg,Ann"]))


def test_a_folder_that_is_linked_into_a_catalogue_is_not_looked_into(tmp_path):
    outside = make_catalogue(tmp_path / "outside", "coco")
    folder = tmp_path / "inside"
    save(folder / "Ann" / "1.jpg")
    (folder / "annotations").symlink_to(outside.parent, target_is_directory=True)
    catalogue = read_catalogue(folder)
    assert catalogue.form == "folders"
    assert [photo.path for photo in catalogue.photos] == [(folder / "Ann" / "1.jpg").resolve()]


def test_the_path_of_the_source_is_absolute(tmp_path, monkeypatch):
    make_catalogue(tmp_path, "traptagger")
    monkeypatch.chdir(tmp_path)
    assert read_catalogue(Path("export.csv")).source == tmp_path / "export.csv"


# --- several animals, several media ----------------------------------------------------------------------------------


def by_events(folder, observations: list[str], zone: str = "+02:00") -> None:
    """A package as version 1.0 has it: media know nothing of events, observations of events nothing of media."""
    make_catalogue(folder, "camtrap-dp")
    rows = [f"m{n},d1,2026-03-01T09:15:0{n}{zone},{name}" for n, name in enumerate(NAMES, 1)]
    (folder / "media.csv").write_text("\n".join(["mediaID,deploymentID,timestamp,filePath", *rows]))
    columns = (
        "observationID",
        "deploymentID",
        "mediaID",
        "eventID",
        "eventStart",
        "eventEnd",
        "observationLevel",
    )
    header = ",".join((*columns, "observationType", "individualID"))
    (folder / "observations.csv").write_text("\n".join([header, *observations]))


NAMES = ("Ann/1.jpg", "Bo/2.jpg", "unknown/3.jpg")
_FIRST_TWO = "2026-03-01T07:15:01Z,2026-03-01T07:15:02Z"


def test_an_event_has_the_media_of_its_deployment_from_its_start_to_its_end(tmp_path):
    by_events(
        tmp_path,
        [
            f"o1,d1,,e1,{_FIRST_TWO},event,animal,Ann",
            "o2,d1,,e2,2026-03-01T07:15:03Z,,event,animal,Bo",
            f"o3,d2,,e3,{_FIRST_TWO},event,animal,Cy",
            f"o4,d1,,e4,{_FIRST_TWO},event,blank,",
        ],
    )
    catalogue = read_catalogue(tmp_path)
    assert [(one.id, one.identity, one.catalogue_path) for one in catalogue.photos] == [
        ("o1/m1", "Ann", NAMES[0]),
        ("o1/m2", "Ann", NAMES[1]),
        ("o2", "Bo", NAMES[2]),
    ]
    assert ["no medium of the event" in one.message for one in catalogue.problems if one.row == 4] == [True]


def test_times_without_a_zone_are_compared_by_the_clock(tmp_path):
    by_events(tmp_path, ["o1,d1,,,2026-03-01T09:15:02Z,2026-03-01T09:15:03Z,event,animal,Ann"], zone="")
    assert [one.id for one in read_catalogue(tmp_path).photos] == ["o1/m2", "o1/m3"]


def test_media_with_observations_of_their_own_are_not_taken_for_the_event_too(tmp_path):
    by_events(
        tmp_path, [f"o1,d1,,e1,{_FIRST_TWO},event,animal,Ann", f"o2,d1,m1,e1,{_FIRST_TWO},media,animal,Ann"]
    )
    catalogue = read_catalogue(tmp_path)
    assert sorted(one.catalogue_path for one in catalogue.photos) == [NAMES[0], NAMES[1]]
    assert any("have observations of their own" in one.message for one in catalogue.problems)


def test_an_event_of_several_animals_does_not_say_who_is_where(tmp_path):
    rows = [f"o{n},d1,,,{_FIRST_TWO},event,animal,{name}" for n, name in enumerate(("Ann", "Bo"))]
    by_events(tmp_path, [*rows, "o9,d1,m3,,,,media,animal,Cy"])
    catalogue = read_catalogue(tmp_path)
    assert [one.id for one in catalogue.photos] == ["o9"]
    assert sum("several animals" in one.message for one in catalogue.problems) == 2


@pytest.mark.parametrize("form", ["wildlife-datasets", "coco", "camtrap-dp"])
def test_a_whole_picture_of_two_animals_is_one_photo_of_nobody_known(tmp_path, form):
    save(tmp_path / "both.jpg")
    if form == "wildlife-datasets":
        write_csv(tmp_path, ["image_id,identity,path", "1,Ann,both.jpg", "2,Bo,both.jpg", "3,,both.jpg"])
    elif form == "coco":
        content = {
            "images": [{"id": 7, "file_name": "both.jpg"}],
            "annotations": [
                {"id": n, "image_id": 7, "name": name} for n, name in ((1, "Ann"), (2, "Bo"), (3, None))
            ],
        }
        (tmp_path / "coco.json").write_text(json.dumps(content))
    else:
        (tmp_path / "media.csv").write_text("mediaID,filePath\nm1,both.jpg\n")
        rows = [f"{n},m1,animal,{name}" for n, name in ((1, "Ann"), (2, "Bo"), (3, ""))]
        header = "observationID,mediaID,observationType,individualID"
        (tmp_path / "observations.csv").write_text("\n".join([header, *rows]))
    catalogue = read_catalogue(tmp_path)
    assert [(one.id, one.identity) for one in catalogue.photos] == [("1", None)]
    found = [one for one in catalogue.problems if one.kind == "individuals without boxes"]
    assert [(one.severity, one.photo_id, one.file) for one in found] == [
        ("note", "1", "both.jpg"),
        ("left_out", "2", "both.jpg"),
        ("left_out", "3", "both.jpg"),
    ]
    assert all("give each individual a box" in one.message.lower() for one in found)


def test_a_picture_named_twice_for_one_animal_stays_two_photos(tmp_path):
    save(tmp_path / "a.jpg")
    write_csv(tmp_path, ["image_id,identity,path", "1,Ann,a.jpg", "2,Ann,a.jpg"])
    assert len(read_catalogue(tmp_path).photos) == 2


@pytest.mark.parametrize(
    ("boxes", "expected", "said"),
    [
        (["[[.1,.1,.5,.5]]", "[[.2,.5,.4,.9]]"], [(0.1, 0.4), (0.2, 0.2)], "right and bottom"),
        (["[[.1,.1,.5,.5]]", "[[.5,.5,.4,.4]]"], [(0.1, 0.5), (0.5, 0.4)], "width and height"),
    ],
)
def test_the_boxes_of_a_traptagger_file_are_read_in_one_way(tmp_path, boxes, expected, said):
    save(tmp_path / "1.png", corners_picture((100, 100)))
    save(tmp_path / "2.png", corners_picture((100, 100)))
    lines = [f'i{n},{n}.png,A{n},"{box}"' for n, box in enumerate(boxes, 1)]
    path = tmp_path / "export.csv"
    path.write_text("\n".join(["Image ID,File,Individuals,Boxes", *lines]))
    catalogue = read_catalogue(path)
    assert [(one.box.x, one.box.width) for one in catalogue.photos] == [
        pytest.approx((100 * x, 100 * width)) for x, width in expected
    ]
    assert any(said in one.message and one.kind == "boxes" for one in catalogue.problems)
