"""The command that explains a pair of pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pairx_core.cli_options import layer_option, model_options
from pairx_core.cli_reading import chosen_model
from pairx_core.cli_telling import write_and_tell

if TYPE_CHECKING:
    from PIL import Image

    from pairx_core.catalogue import Photo
    from pairx_core.explain import Distance, PairExplanation, Precision


@click.command()
@click.argument("query", type=click.Path(path_type=Path))
@click.argument("candidate", type=click.Path(path_type=Path))
@model_options
@layer_option
@click.option("--k-lines", default=20, show_default=True, help="Lines: the most relevant matches.")
@click.option(
    "--k-colors", default=10, show_default=True, help="Matches that get color maps (the slow part)."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float64", "bfloat16"]),
    default="float32",
    show_default=True,
    help="float64 is slower; bfloat16 is inexact.",
)
@click.option(
    "--distance",
    type=click.Choice(["euclidean", "cosine"]),
    default="euclidean",
    show_default=True,
    help="How cells are compared; the published method: euclidean.",
)
@click.option("--hypercolumns", is_flag=True, help="Describe cells by several stages of the model.")
@click.option("--agreement", is_flag=True, help="Prefer lines that agree with those beside them.")
@click.option("--refine-matches", is_flag=True, help="Put line ends between cells, where they match best.")
@click.option("--conserve-skips", is_flag=True, help="Conserve relevance at skip connections.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the drawing here (PNG or JPEG).")
@click.option("--json", "json_out", type=click.Path(path_type=Path), help="Write the matches here as JSON.")
def explain(
    query: Path,
    candidate: Path,
    model: str | None,
    checkpoint: Path | None,
    layer: str | None,
    k_lines: int,
    k_colors: int,
    precision: Precision,
    distance: Distance,
    hypercolumns: bool,
    agreement: bool,
    refine_matches: bool,
    conserve_skips: bool,
    out: Path | None,
    json_out: Path | None,
) -> None:
    """Explain the pair of pictures QUERY and CANDIDATE: which part matches which."""
    from pairx_core.catalogue import photo_from_file
    from pairx_core.explain import ExplanationOptions, PairExplainer, keep_freed_memory
    from pairx_core.render import render_overlay

    keep_freed_memory()  # best before the model is made

    pair = photo_from_file(query), photo_from_file(candidate)
    options = ExplanationOptions(
        precision=precision,
        distance=distance,
        descriptor="hypercolumn" if hypercolumns else "layer",
        agreement=agreement,
        refine_matches=refine_matches,
        conserve_skips=conserve_skips,
    )
    explainer = PairExplainer(chosen_model(model, checkpoint), layer, options)
    explanation = explainer.explain(*pair, k_lines=k_lines, k_colors=k_colors)
    click.echo(
        f"similarity {explanation.similarity:.4f} (a ranking, not a verdict), layer {explanation.layer}, "
        f"{len(explanation.matches)} matches, {explanation.line_count} lines"
    )
    if explanation.departures:
        click.echo(f"not as published: {'; '.join(explanation.departures)}")
    if out is not None:
        write_and_tell(out, _as_picture(out, render_overlay(explanation)), "drawing", (query, candidate))
    if json_out is not None:
        content = _as_json(explanation).encode("utf-8", "replace")
        write_and_tell(json_out, content, "list of matches", (query, candidate))


def _as_picture(path: Path, drawing: Image.Image) -> bytes:
    """The drawing in the form that the file's ending names."""
    from PIL import Image

    form = Image.registered_extensions().get(path.suffix.lower())
    if form is None:
        raise click.ClickException(f"{path}: no picture ends like that. Write .png or .jpg.")
    made = BytesIO()
    try:
        drawing.save(made, form)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(f"{path}: cannot be written as {form} ({error}). Write .png.") from None
    return made.getvalue()


def _as_json(explanation: PairExplanation) -> str:
    """The explanation without its maps, for other programs."""
    matches = explanation.matches
    rows = zip(
        matches.query_cells.tolist(),
        matches.candidate_cells.tolist(),
        matches.query_xy.tolist(),
        matches.candidate_xy.tolist(),
        matches.relevance.tolist(),
        matches.distance.tolist(),
        strict=True,
    )
    names = ("query_cell", "candidate_cell", "query_xy", "candidate_xy", "relevance", "distance")
    content = {
        "similarity": explanation.similarity,
        "model": explanation.model,
        "model_fingerprint": explanation.model_fingerprint,
        "preprocessing": explanation.preprocessing,
        "layer": explanation.layer,
        "options": asdict(explanation.options),
        "rules": explanation.rules,
        "departures": list(explanation.departures),
        "k_lines": explanation.k_lines,
        "version": explanation.version,
        "query": _name(explanation.query_photo),
        "candidate": _name(explanation.candidate_photo),
        "matches": [dict(zip(names, row, strict=True)) for row in rows],
    }
    return json.dumps(content, indent=2) + "\n"


def _name(photo: Photo | None) -> str | None:
    return None if photo is None else str(photo.path)
