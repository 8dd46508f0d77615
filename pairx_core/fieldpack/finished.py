"""What ``pack.json`` says of queries and files; and, the other way round, which steps a finished pack has behind it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pairx_core.fieldpack.plan import Plan
from pairx_core.retrieval import Candidate

Content = dict[str, Any]
KNOWN_STEP = "known"


def photo_step(photo_id: str) -> str:
    """The name of the step that copies a photo."""
    return f"photo {photo_id}"


def pair_step(query_id: str, candidate_id: str) -> str:
    """The name of the step that explains a pair."""
    return f"pair {json.dumps([query_id, candidate_id], ensure_ascii=False)}"


def as_queries(
    plan: Plan, entries: Mapping[str, Content], steps: Mapping[str, Content], unexplained: Mapping[str, str]
) -> list[Content]:
    """The queries of a pack with their candidates, as ``pack.json`` holds them.

    Args:
        plan: what was to be made.
        entries: the photos that the pack has, by id.
        steps: what is done, by the name of the step.
        unexplained: why pairs have no explanation, by the name of the step.
    """
    queries = []
    for listing in plan.listings:
        query = listing.query.id
        if query not in entries:
            continue
        candidates = []
        for one in _inside(listing.candidates, entries):
            step = pair_step(query, one.photo.id)
            file = next(iter(steps.get(step, {}).get("files", {})), None)
            candidates.append({**_ranked(one), "explanation": file, "unexplained": unexplained.get(step, "")})
        others = [_ranked(one) for one in _inside(listing.others, entries)]
        queries.append({"query": query, "candidates": candidates, "others": others})
    return queries


def counts_of(
    queries: Sequence[Content], entries: Mapping[str, Content], files: Mapping[str, Any]
) -> Content:
    """How much of everything there is."""
    pairs = [pair for query in queries for pair in query["candidates"]]
    return {
        "queries": len(queries),
        "pairs": len(pairs),
        "explained": sum(pair["explanation"] is not None for pair in pairs),
        "photos": len(entries),
        "files": len(files),
        "bytes": sum(size for size, _ in files.values()),
    }


def steps_of(pack: Content, known_name: str) -> dict[str, Content]:
    """The steps behind a finished pack, as a journal holds them."""
    files = pack["files"]
    steps: dict[str, Content] = {}
    for entry in pack["photos"]:
        names = [entry[what] for what in ("file", "thumbnail", "mask") if entry[what] is not None]
        steps[photo_step(entry["id"])] = {"files": {name: files[name] for name in names}, "entry": entry}
    for query in pack["queries"]:
        for pair in query["candidates"]:
            if pair["explanation"] is not None:
                stated = {pair["explanation"]: files[pair["explanation"]]}
                steps[pair_step(query["query"], pair["photo"])] = {"files": stated}
    if known_name in files:
        steps[KNOWN_STEP] = {"files": {known_name: files[known_name]}}
    return steps


def _inside(ranked: Sequence[Candidate], entries: Mapping[str, Content]) -> list[Candidate]:
    return [one for one in ranked if one.photo.id in entries]


def _ranked(one: Candidate) -> Content:
    similarity = one.similarity if math.isfinite(one.similarity) else None
    return {"photo": one.photo.id, "rank": one.rank, "similarity": similarity, "score": one.score}
