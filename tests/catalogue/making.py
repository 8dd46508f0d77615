"""Making picture files and tables for the tests of catalogues."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CORNERS = {"top left": (255, 0, 0), "top right": (0, 255, 0), "bottom left": (0, 0, 255)}


def corners_picture(size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    width, height = size
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = CORNERS["top left"]
    pixels[: height // 2, width // 2 :] = CORNERS["top right"]
    pixels[height // 2 :, : width // 2] = CORNERS["bottom left"]
    return Image.fromarray(pixels)


def save(path: Path, picture: Image.Image | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or corners_picture()).save(path, **options)
    return path


def save_animation(path: Path) -> Path:
    first, second = corners_picture(), corners_picture().transpose(Image.Transpose.ROTATE_180)
    return save(path, first, save_all=True, append_images=[second])


def save_huge_png(path: Path, width: int = 12_000, height: int = 9_000) -> Path:
    """A file of some hundred bytes that says it holds 108 megapixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = b"".join(
        _chunk(kind, body) for kind, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def save_rgb16_png(path: Path, values: np.ndarray) -> Path:
    """A 16-bit colour PNG of an (H, W, 3) uint16 array; Pillow itself cannot write one."""
    height, width, _ = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def truncate(path: Path, share: float = 0.5) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def write_csv(folder: Path, lines: Sequence[str], encoding: str = "utf-8") -> Path:
    path = folder / "metadata.csv"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@dataclass(frozen=True)
class Form:
    """What the tests of all formats have to know of one."""

    files: tuple[
        str, ...
    ]  # that it is written in, as make_catalogue names them; several: their folder is given
    lacks: frozenset[str] = frozenset()  # of species, flank, box, date, site: what it has no field for


FORMS = {
    "wildlife-datasets": Form(("wildlife-datasets.csv",)),
    "miewid": Form(("miewid.csv",)),
    "coco": Form(("coco.json",)),
    "camtrap-dp": Form(
        ("observations.csv", "media.csv", "deployments.csv", "datapackage.json"), frozenset({"flank"})
    ),
    "traptagger": Form(("export.csv",)),
    "folders": Form((), frozenset({"species", "flank", "box", "date", "site"})),
}


def make_catalogue(folder: Path, form: str) -> Path:
    """Three photos of 48 × 32 pixels, of Ann, of Bo and of nobody known, in a format; returns what to open."""
    names = ["Ann/1.jpg", "Bo/2.jpg", "unknown/3.jpg"]
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).integers(0, 255, (32, 48, 3), dtype=np.uint8)
        save(folder / name, Image.fromarray(noise))
    if form == "folders":
        return folder
    if form == "camtrap-dp":
        return _make_camtrap_dp(folder, names)
    if form == "coco":
        return _make_coco(folder, names)
    header, rows = _TABLES[form]
    path = folder / FORMS[form].files[0]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


_TABLES = {
    "wildlife-datasets": (
        "image_id,identity,path,bbox,theta,date,orientation,species,site,split",
        [
            'p1,Ann,Ann/1.jpg,"[4, 8, 24, 16]",0.25,2026-03-01 09:15:02,left,Tragelaphus angasii,dam,train',
            "p2,Bo,Bo/2.jpg,,,2026-03-02,right,Tragelaphus angasii,dam,test",
            "p3,unknown,unknown/3.jpg,,,,left,Tragelaphus angasii,,test",
        ],
    ),
    "miewid": (
        "theta,viewpoint,name,file_name,species,file_path,x,y,w,h,date,site",
        [
            "0.0,left,Ann,1.jpg,Tragelaphus angasii,Ann/1.jpg,4,8,24,16,2026-03-01 09:15:02,dam",
            "none,right,Bo,2.jpg,Tragelaphus angasii,Bo/2.jpg,,,,,2026-03-02,dam",
            ",left,____,3.jpg,Tragelaphus angasii,unknown/3.jpg,,,,,,",
        ],
    ),
    "traptagger": (
        "Image ID,File,Image URL,Species,Individuals,Flank,Boxes,Timestamp,Site Name,Camera Name",
        [
            'i1,Ann/1.jpg,,Tragelaphus angasii,Ann,Left,"[[4,8,24,16]]",2026-03-01 09:15:02,dam,cam1',
            "i2,Bo/2.jpg,,Tragelaphus angasii,Bo,Right,,2026-03-02 10:00:00,dam,cam1",
            "i3,unknown/3.jpg,,Tragelaphus angasii,None,Left,,,dam,cam2",
        ],
    ),
}


def _make_coco(folder: Path, names: Sequence[str]) -> Path:
    """As WildMe writes it."""
    images = [
        {
            "id": number,
            "uuid": f"uuid-image-{number}",
            "file_name": name,
            "width": 48,
            "height": 32,
            "date_captured": "2026-03-01 09:15:02" if number == 1 else "",
            "gps_lat_captured": -24.9948 if number == 1 else -1,
            "gps_lon_captured": 31.5969 if number == 1 else -1,
            "site": "dam",
        }
        for number, name in enumerate(names, 1)
    ]
    annotations = [
        {
            "id": 10 + number,
            "uuid": f"uuid-annotation-{number}",
            "image_id": number,
            "image_uuid": f"uuid-image-{number}",
            "category_id": 7,
            "bbox": [4, 8, 24, 16],
            "theta": "none" if number == 1 else 0.0,
            "viewpoint": ("left", "right", "left")[number - 1],
            "name": name,
            "individual_ids": [],
        }
        for number, name in enumerate(("Ann", "Bo", "____"), 1)
    ]
    content = {
        "info": {"description": "made by hand"},
        "categories": [{"id": 7, "species": "Tragelaphus angasii"}],
        "images": images,
        "annotations": annotations,
    }
    path = folder / FORMS["coco"].files[0]
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def _make_camtrap_dp(folder: Path, names: Sequence[str]) -> Path:
    package = {
        "profile": "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0/camtrap-dp-profile.json",
        "resources": [
            {"name": name, "path": f"{name}.csv", "profile": "tabular-data-resource"}
            for name in ("deployments", "media", "observations")
        ],
    }
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    _write_lines(
        folder / "deployments.csv",
        "deploymentID,locationID,locationName,latitude,longitude",
        "d1,l1,dam,-24.9948,31.5969",
    )
    _write_lines(
        folder / "media.csv",
        "mediaID,deploymentID,timestamp,filePath,filePublic,fileName,fileMediatype",
        *(
            f"m{number},d1,2026-03-0{number}T09:15:02+02:00,{name},true,{Path(name).name},image/jpeg"
            for number, name in enumerate(names, 1)
        ),
    )
    shares = f"{4 / 48},{8 / 32},{24 / 48},{16 / 32}"
    _write_lines(
        folder / "observations.csv",
        "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,"
        "scientificName,count,individualID,bboxX,bboxY,bboxWidth,bboxHeight,classificationMethod",
        *(
            f"o{number},d1,m{number},e{number},,,media,animal,Tragelaphus angasii,1,{name},{shares},machine"
            for number, name in enumerate(("Ann", "Bo", ""), 1)
        ),
        "o4,d1,m1,e1,,,media,vehicle,,1,,,,,,machine",
    )
    return folder


def _write_lines(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
