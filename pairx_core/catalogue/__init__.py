"""Photographs and who is on them: reading catalogues, checking them, and decoding pictures safely."""

from pairx_core.catalogue.catalogue import Catalogue, CatalogueSummary, Problem
from pairx_core.catalogue.formats import CATALOGUE_FORMATS, CatalogueFormat
from pairx_core.catalogue.masks import open_mask
from pairx_core.catalogue.opening import (
    Surroundings,
    open_photo,
    open_surroundings,
    photo_digest,
    photo_from_file,
    photo_size,
    thumbnail,
)
from pairx_core.catalogue.photo import Box, Mask, MaskPicture, Photo, Segmentation
from pairx_core.catalogue.places import days_apart, distance_apart, kilometres_apart
from pairx_core.catalogue.problems import folded
from pairx_core.catalogue.reading import read_catalogue
from pairx_core.catalogue.report import CatalogueReport, check_catalogue

__all__ = [
    "CATALOGUE_FORMATS",
    "Box",
    "Catalogue",
    "CatalogueFormat",
    "CatalogueReport",
    "CatalogueSummary",
    "Mask",
    "MaskPicture",
    "Photo",
    "Problem",
    "Segmentation",
    "Surroundings",
    "check_catalogue",
    "days_apart",
    "distance_apart",
    "folded",
    "kilometres_apart",
    "open_mask",
    "open_photo",
    "open_surroundings",
    "photo_digest",
    "photo_from_file",
    "photo_size",
    "read_catalogue",
    "thumbnail",
]
