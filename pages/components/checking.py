"""Looking at a catalogue before anything is computed."""

from __future__ import annotations

from pages.components.background import Task
from pages.components.shelf import usable
from pairx_core.catalogue import CatalogueReport, check_catalogue, read_catalogue
from pairx_core.catalogue.pack_catalogue import FIELD_PACK
from pairx_core.catalogue.report import with_damaged_files
from pairx_core.errors import CatalogueError
from pairx_core.fieldpack import FieldPack, open_pack


class Checking(Task[CatalogueReport]):
    """A catalogue's report on its way."""

    stage = "Reading the catalogue"
    note = "Files of the same length are compared byte by byte."

    def __init__(self, catalogue: str, form: str) -> None:
        self.catalogue, self.form = catalogue, form
        self.pack: FieldPack | None = None  # what was made, and when; None: it is no field pack
        self.begin()

    def work(self) -> CatalogueReport:
        """Read the catalogue and look at its photos' headers."""
        with usable(CatalogueError, "The catalogue"):
            catalogue = read_catalogue(self.catalogue, self.form or None, self.tell_stage)
            if catalogue.form == FIELD_PACK:
                self.pack = open_pack(catalogue)
            self.tell_stage("Comparing the files", 0, 0)
            report = check_catalogue(catalogue, self.tell)
            return with_damaged_files(report, catalogue, self.tell)
