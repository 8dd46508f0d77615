"""Identities for other programs, once the decisions are taken in.

::

    resolution = resolve(catalogue, settle(decisions), names)
    export = EXPORTS["wildbook"].write(catalogue, resolution, ExportOptions(submitter="ada"))
    Path(export.file_name).write_bytes(export.content)
    for finding in (*resolution.left_open, *export.left_out, *export.notes):
        print(finding)
"""

from __future__ import annotations

from pairx_core.exports import camtrap_dp, camtrapr, wildbook, wildlife_datasets
from pairx_core.exports.export import Export, ExportFormat, ExportOptions
from pairx_core.exports.findings import Finding, FindingKind
from pairx_core.exports.resolution import Resolution, ResolvedPhoto, resolve

EXPORTS = {
    "wildlife-datasets": ExportFormat(
        "wildlife-datasets CSV",
        "a CSV file with the columns image_id, identity, path and more, which can be opened here as a catalogue again",
        wildlife_datasets.FILE_NAME,
        wildlife_datasets.MIME,
        wildlife_datasets.write_wildlife_datasets,
    ),
    "wildbook": ExportFormat(
        "Wildbook bulk import",
        "an Excel workbook with one encounter for each photo, or a ZIP file of several, with "
        f"{wildbook.MOST_ENCOUNTERS} encounters each",
        wildbook.FILE_NAME,
        wildbook.MIME,
        wildbook.write_wildbook,
    ),
    "camtrap-dp": ExportFormat(
        "Camtrap DP",
        "a ZIP file with datapackage.json, deployments.csv, media.csv and observations.csv, without the photos",
        camtrap_dp.FILE_NAME,
        camtrap_dp.MIME,
        camtrap_dp.write_camtrap_dp,
    ),
    "camtrapr": ExportFormat(
        "camtrapR record table",
        "a CSV file with a row for each photo of a known individual, as recordTableIndividual writes it",
        camtrapr.FILE_NAME,
        camtrapr.MIME,
        camtrapr.write_camtrapr,
    ),
}

__all__ = [
    "EXPORTS",
    "Export",
    "ExportFormat",
    "ExportOptions",
    "Finding",
    "FindingKind",
    "Resolution",
    "ResolvedPhoto",
    "resolve",
]
