"""What an evidence card says, in words; where it stands on the page is worked out elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pairx_core.catalogue import Photo, days_apart, distance_apart
from pairx_core.decisions.decision import ADJUDICATED, Decision, split_model
from pairx_core.decisions.evidence import TickedMatch
from pairx_core.render.card import EvidenceCard
from pairx_core.render.typesetting import AFTER_NAME
from pairx_core.render.wording import NOT_KNOWN, in_words, moment, taken

SIGNS = {"accept": "✓", "reject": "✕", "not_comparable": "⊘", "unsure": "?", "undo": "↶"}
_PARTS = {"none": "nothing", "heat_map": "heat map", "color_maps": "color maps"}
Rows = list[tuple[str, str, int]]  # label, text, lines at most


def verdict_line(card: EvidenceCard) -> str:
    """The decision in a few words, with its sign."""
    if card.decision is None:
        return "No decision yet"
    return f"{SIGNS[card.decision.decision]} {in_words(card.decision)}"


def signed_by(decision: Decision, name: str) -> str:
    """Who decided when: “by Anna Berg, 2026-03-01 14:20 UTC, blind: no”; the name may be a shortened one."""
    blind = "yes" if decision.blind else "no"
    by = "adjudicated by" if ADJUDICATED in decision.tags else "by"
    return f"{by} {name}{AFTER_NAME}, {moment(decision.decided_at)}, blind: {blind}"


def pair_facts(card: EvidenceCard, digests: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Rows of a label and what holds of query and candidate; the last one tells what lies between them."""
    pair = card.query, card.candidate
    said: list[tuple[str, Callable[[Photo], str]]] = [
        ("Photo", lambda photo: photo.id),
        ("File", lambda photo: photo.path.name),
        ("Individual", lambda photo: _individual(card.decision, photo)),
        ("Date", taken),
        ("Site", lambda photo: photo.site or NOT_KNOWN),
        ("Flank", lambda photo: photo.flank or NOT_KNOWN),
        ("Species", lambda photo: photo.species or NOT_KNOWN),
        ("Shown", _shown),
        ("SHA-256", lambda photo: f"{digests[photo.id]}…"),
    ]
    rows = [("", "Query", "Candidate"), *((label, *map(say, pair)) for label, say in said)]
    return [*rows, ("Apart", _apart(*pair))]


def decision_facts(card: EvidenceCard) -> Rows:
    """What was noted beside the decision."""
    decision = card.decision
    if decision is None:
        return [("", "None is recorded on this pair.", 1)]
    shown = ", ".join(_PARTS.get(part, part) for part in decision.overlay_shown)
    seconds = "" if decision.seconds is None else f"{decision.seconds:.1f} s"
    elsewhere = (
        [("Made with", f"model {decision.model}, layer {decision.layer}", 2)] if _is_elsewhere(card) else []
    )
    return [
        *elsewhere,
        ("Session", decision.session or "none", 2),
        ("Confidence", decision.confidence or "not said", 1),
        ("Took", seconds or "not measured", 1),
        ("On screen", shown or "not recorded", 2),
        ("Tags", ", ".join(decision.tags) or "none", 2),
        ("Id", decision.decision_id, 2),
        ("Note", decision.note or "none", 14),
    ]


def making_facts(card: EvidenceCard) -> Rows:
    """What ranked the pair and explained it."""
    fingerprint = f", fingerprint {card.model_fingerprint[:16]}" if card.model_fingerprint else ""
    return [
        *_ranked(card),
        ("Stands", card.standing or "not compared with known pairs", 3),
        ("Model", f"{card.model}{fingerprint}" if card.model else NOT_KNOWN, 2),
        ("Layer", card.layer or NOT_KNOWN, 1),
        ("Input", card.preprocessing or NOT_KNOWN, 2),
        ("Method", _method(card), 2),
        ("Filters", card.filters or NOT_KNOWN, 2),
        ("Catalogue", card.catalogue or NOT_KNOWN, 1),
    ]


def footers(card: EvidenceCard, digests: Mapping[str, str]) -> tuple[str, str]:
    """The two lines at the foot of the page."""
    files = f"SHA-256 of the files: query {digests[card.query.id]}…, candidate {digests[card.candidate.id]}…"
    meaning = (
        "Similarity is a ranking, not a verdict. Lines join places that the model matched; whether they are the same "
        "marking is for the reader to judge."
    )
    made = f"PAIR-X Review {card.version}, made {moment(card.made_at)}"
    model = f"model {card.model[:40] or NOT_KNOWN}, layer {card.layer[:40] or NOT_KNOWN}"
    return meaning, f"{made} · {files} · {model}"


def tick_row(card: EvidenceCard) -> Callable[[TickedMatch], tuple[str, str, str]]:
    """Says a ticked match: sign and rank, relevance, distance; a star where the card does not draw it."""

    def say(tick: TickedMatch) -> tuple[str, str, str]:
        sign = "✓" if tick.said == "convincing" else "✕"
        star = "" if card.is_drawn(tick) else "*"
        return f"{sign} {tick.rank}{star}", f"{tick.relevance:.3g}", f"{tick.distance:.3g}"

    return say


def _individual(decision: Decision | None, photo: Photo) -> str:
    """Who it is; and who it was taken for when it was decided, where that is something else."""
    now = photo.identity or "unknown"
    if decision is None:
        return now
    side: Literal["query", "candidate"] = "query" if decision.query_id == photo.id else "candidate"
    then = (decision.query_identity if side == "query" else decision.candidate_identity) or "unknown"
    return now if then == now else f"{now}{AFTER_NAME} (then: {then}{AFTER_NAME})"


def _is_elsewhere(card: EvidenceCard) -> bool:
    """Whether the decision was made with another model or layer than the card shows."""
    if card.decision is None or not card.decision.model:
        return False
    matcher = "" if card.ranking is None else card.ranking.matcher
    made_with = (*split_model(card.decision.model), card.decision.layer)
    return made_with != (card.model, matcher, card.layer)


def _shown(photo: Photo) -> str:
    if photo.box is None:
        return "the whole picture"
    turned = ", turned" if photo.box.theta else ""
    return (
        f"box {photo.box.width:.0f} × {photo.box.height:.0f} px "
        f"at {photo.box.x:.0f}, {photo.box.y:.0f}{turned}"
    )


def _apart(query: Photo, candidate: Photo) -> str:
    days = days_apart(query, candidate) or "days not known"
    return f"{days}, {distance_apart(query, candidate) or 'distance on the ground not known'}"


def _ranked(card: EvidenceCard) -> Rows:
    """What ranked the pair: the model, or another matcher, whose score is told apart from the model's similarity."""
    similarity = NOT_KNOWN if card.similarity is None else f"{card.similarity:.4f}"
    if card.ranking is None:
        return [("Similarity", f"{similarity}, {_rank(card.rank)}", 1)]
    score = card.ranking.score or NOT_KNOWN
    by_matcher = f"{card.ranking.matcher}{AFTER_NAME}: score {score}, {_rank(card.ranking.rank)}"
    return [("Ranked by", by_matcher, 2), ("Similarity", f"{similarity}, of the model", 1)]


def _rank(rank: int | None) -> str:
    return "rank not known" if rank is None else f"rank {rank}"


def _method(card: EvidenceCard) -> str:
    if card.explanation is None:
        return "no explanation"
    return "; ".join(card.explanation.departures) or "PAIR-X as published"
