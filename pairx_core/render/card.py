"""The evidence card: one page that shows what a decision on a pair rests on."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, PngImagePlugin

from pairx_core.catalogue import Photo, photo_digest
from pairx_core.decisions.decision import Decision, split_model
from pairx_core.decisions.evidence import Evidence, TickedMatch
from pairx_core.errors import DecisionLogError, ExplanationError
from pairx_core.explain.explanation import PairExplanation
from pairx_core.render.wording import decided, moment
from pairx_core.version import __version__
from pairx_core.whole_files import write_whole

DPI = 200  # of the page
_JPEG_QUALITY = 92  # of the page's picture in a PDF
_DIGEST_DIGITS = 16
_FORMATS = (".png", ".pdf")


@dataclass(frozen=True, slots=True)
class Ranking:
    """How another matcher than the model ranked the candidate."""

    matcher: str  # its table
    score: str = ""  # as the table has it; its scale is its own, so it is no similarity
    rank: int | None = None  # of the candidate, from 1; None: it is not in the table


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceCard:
    """What goes on the page. What is empty or None is said to be missing, or left out."""

    query: Photo
    candidate: Photo
    made_at: datetime  # with a time zone; the only time on the card that is not the photos' or the decision's
    explanation: PairExplanation | None = None
    no_explanation: str = ""  # why there is none, for the reader
    k_lines: int | None = None  # lines shown; None: as many as were asked for when explaining
    decision: Decision | None = None
    ticked: tuple[TickedMatch, ...] = ()  # in the order in which they are listed
    ticked_elsewhere: str = (
        ""  # the layer or model whose explanation was ticked, where it is not the one drawn
    )
    similarity: float | None = None  # cosine, -1 to 1, of the model
    rank: int | None = None  # of the candidate, from 1, by the model
    ranking: Ranking | None = None  # another matcher's; None: the model ranked
    standing: str = (
        ""  # where what ranked, similarity or score, stands among known pairs, as KnownPairs.in_words says it
    )
    model: str = ""
    model_fingerprint: str = ""  # identifies weights and preprocessing
    layer: str = ""
    preprocessing: str = ""  # in words
    filters: str = ""  # which photos were proposed, in words
    catalogue: str = ""  # its name or path
    version: str = __version__  # of PAIR-X Review

    def __post_init__(self) -> None:
        _check_explanation(self)
        _check_decision(self)
        if self.made_at.tzinfo is None:
            raise DecisionLogError("The card's date has no time zone. Give one, such as datetime.now(UTC).")

    @property
    def line_count(self) -> int:
        """Number of lines on the card: k_lines, or fewer where there are fewer matches."""
        if self.explanation is None:
            return 0
        wanted = self.explanation.k_lines if self.k_lines is None else self.k_lines
        return max(0, min(wanted, len(self.explanation.matches)))

    def is_drawn(self, tick: TickedMatch) -> bool:
        """Whether a ticked match is among the lines of the card, under its own number."""
        if self.explanation is None or self.ticked_elsewhere or not 1 <= tick.rank <= self.line_count:
            return False
        matches = self.explanation.matches
        cells = matches.query_cells[tick.rank - 1].tolist(), matches.candidate_cells[tick.rank - 1].tolist()
        return cells == (list(tick.query_cell), list(tick.candidate_cell))


def gather_card(
    query: Photo,
    candidate: Photo,
    *,
    made_at: datetime,
    explanation: PairExplanation | None = None,
    no_explanation: str = "",
    k_lines: int | None = None,
    decision: Decision | None = None,
    evidence: Evidence | None = None,
    ranking: Ranking | None = None,
    standing: str = "",
    filters: str = "",
    catalogue: str = "",
) -> EvidenceCard:
    """The card of a pair, with what its explanation, its decision and the ticked matches say of themselves.

    Similarity and rank are those of the decision, where it was made on this query and this candidate and by the model
    of the explanation; else the similarity is the explanation's. Where another matcher ranked, the similarity is the
    explanation's too, and the matcher's ranking is the one given, or else the decision's. The other arguments are the
    fields of :class:`EvidenceCard`.

    Raises:
        ExplanationError: the explanation is of other photos.
        DecisionLogError: the decision or the ticked matches are of other photos.
    """
    _check_evidence(evidence, decision)
    ranking = ranking or _ranking(decision, candidate)
    ranked = decision if _is_ranked_so(decision, candidate, explanation) and ranking is None else None
    similarity = ranked.similarity if ranked else None
    if similarity is None and explanation is not None:
        similarity = explanation.similarity
    return EvidenceCard(
        query=query,
        candidate=candidate,
        made_at=made_at,
        explanation=explanation,
        no_explanation=no_explanation,
        k_lines=k_lines,
        decision=decision,
        ticked=_as_drawn(evidence, candidate.id),
        ticked_elsewhere=_elsewhere(evidence, explanation),
        similarity=similarity,
        rank=ranked.rank if ranked else None,
        ranking=ranking,
        standing=standing,
        filters=filters,
        catalogue=catalogue,
        **_made_by(explanation, decision),
    )


def draw_card(card: EvidenceCard, *, fonts: Sequence[Path] = ()) -> Image.Image:
    """The page as an RGB picture: A4 landscape at 200 dpi. The same card gives the same pixels.

    Args:
        card: what to draw.
        fonts: further font files for scripts that the page's own font lacks; without one, such characters are
            written as their code points.

    Raises:
        PhotoError: a photo's file is missing or damaged.
        ExplanationError: a photo has changed since it was explained.
        SettingsError: one of ``fonts`` is no font file.
    """
    from pairx_core.render.card_drawing import draw_page

    return draw_page(card, _digests(card), tuple(fonts))


def write_card(card: EvidenceCard, path: str | Path, *, fonts: Sequence[Path] = ()) -> None:
    """Write the card as a picture (.png) or a document of one page (.pdf), whole or not at all.

    The same card gives the same bytes. A PDF holds the page as a picture, without text to search; the photos' ids
    and files, who decided what and the note are in its properties, and in the texts of a PNG.

    Raises:
        ExplanationError: the ending is another one, or the file cannot be written; and as :func:`draw_card`.
        PhotoError: as :func:`draw_card`.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in _FORMATS:
        raise ExplanationError(
            f"{path}: an evidence card is a .png or a .pdf file. Choose one of these endings."
        )
    write_whole(path, card_files(card, fonts=fonts)[kind], what="evidence card", error=ExplanationError)


def card_files(card: EvidenceCard, *, fonts: Sequence[Path] = ()) -> dict[str, bytes]:
    """The card as the contents of files, by their ending: ``.png`` and ``.pdf``.

    Raises:
        As for :func:`draw_card`.
    """
    page = draw_card(card, fonts=fonts)
    return {".png": _png(page, card), ".pdf": _pdf(page, card)}


def _png(page: Image.Image, card: EvidenceCard) -> bytes:
    texts = PngImagePlugin.PngInfo()
    for name, text in _properties(card).items():
        texts.add_itxt(name.capitalize(), text)
    buffer = io.BytesIO()
    page.save(buffer, "PNG", dpi=(DPI, DPI), pnginfo=texts)
    return buffer.getvalue()


def _pdf(page: Image.Image, card: EvidenceCard) -> bytes:
    made: time.struct_time = card.made_at.astimezone(UTC).timetuple()
    buffer = io.BytesIO()
    page.save(
        buffer,
        "PDF",
        resolution=DPI,
        quality=_JPEG_QUALITY,
        subsampling=0,
        creationDate=made,
        modDate=made,
        **_properties(card),
    )
    return buffer.getvalue()


def _properties(card: EvidenceCard) -> dict[str, str]:
    """What the file says about itself, in full and in every script."""
    decision, digests = card.decision, _digests(card)
    photos = [
        f"{photo.id} ({photo.catalogue_path or photo.path.name}, SHA-256 {digests[photo.id]})"
        for photo in (card.query, card.candidate)
    ]
    said = "No decision." if decision is None else f"{decided(decision)}, {moment(decision.decided_at)}."
    note = f" Note: {decision.note}" if decision is not None and decision.note else ""
    texts = {
        "title": f"Evidence card: {card.query.id} and {card.candidate.id}",
        "author": "" if decision is None else decision.reviewer,
        "subject": f"{said}{note}",
        "keywords": "; ".join(photos),
        "creator": f"PAIR-X Review {card.version}",
    }
    return {name: text.encode("utf-8", "replace").decode("utf-8") for name, text in texts.items() if text}


def _digests(card: EvidenceCard) -> Mapping[str, str]:
    """The first digits of each file's SHA-256, by photo id."""
    return {photo.id: photo_digest(photo)[:_DIGEST_DIGITS] for photo in (card.query, card.candidate)}


def _is_ranked_so(decision: Decision | None, candidate: Photo, explanation: PairExplanation | None) -> bool:
    """Whether a decision's similarity and rank are of this candidate for this query, and by the same model."""
    if decision is None or decision.candidate_id != candidate.id:
        return False
    model, matcher = split_model(decision.model)
    return not matcher and (explanation is None or model in ("", explanation.model))


def _ranking(decision: Decision | None, candidate: Photo) -> Ranking | None:
    """How another matcher ranked the candidate when it was decided; None: the model did."""
    matcher = "" if decision is None else split_model(decision.model)[1]
    if decision is None or not matcher:
        return None
    if decision.candidate_id != candidate.id:  # decided the other way round: its score is of that query
        return Ranking(matcher)
    return Ranking(matcher, "" if decision.similarity is None else f"{decision.similarity:g}", decision.rank)


def _made_by(explanation: PairExplanation | None, decision: Decision | None) -> dict[str, str]:
    if explanation is not None:
        names = ("model", "model_fingerprint", "layer", "preprocessing")
        return {name: getattr(explanation, name) for name in names}
    return {} if decision is None else {"model": split_model(decision.model)[0], "layer": decision.layer}


def _as_drawn(evidence: Evidence | None, candidate_id: str) -> tuple[TickedMatch, ...]:
    """The ticked matches by rank, with the photos in the order of the card."""
    if evidence is None:
        return ()
    ticked = sorted(evidence.ticked, key=lambda one: (one.rank, one.said))
    if evidence.candidate_id == candidate_id:
        return tuple(ticked)
    return tuple(
        TickedMatch(
            said=one.said,
            rank=one.rank,
            query_cell=one.candidate_cell,
            candidate_cell=one.query_cell,
            query_xy=one.candidate_xy,
            candidate_xy=one.query_xy,
            relevance=one.relevance,
            distance=one.distance,
        )
        for one in ticked
    )


def _elsewhere(evidence: Evidence | None, explanation: PairExplanation | None) -> str:
    """What the matches were ticked on, where that is not what is drawn."""
    if evidence is None or explanation is None:
        return ""
    drawn = explanation.model_fingerprint, explanation.layer
    if (evidence.model_fingerprint, evidence.layer) == drawn:
        return ""
    return f"layer {evidence.layer}, model {evidence.model}"


def _check_explanation(card: EvidenceCard) -> None:
    if card.explanation is None:
        return
    for which, photo, explained in (
        ("query", card.query, card.explanation.query_photo),
        ("candidate", card.candidate, card.explanation.candidate_photo),
    ):
        if explained is not None and explained.id != photo.id:
            raise ExplanationError(
                f"The explanation's {which} is {explained.id}, and the card's is {photo.id}. Explain the pair "
                "with the same query and candidate."
            )


def _check_decision(card: EvidenceCard) -> None:
    ids = {card.query.id, card.candidate.id}
    if card.decision is not None and set(card.decision.pair) != ids:
        raise DecisionLogError(
            f"Decision {card.decision.decision_id} is on {' and '.join(card.decision.pair)}, and the card is of "
            f"{card.query.id} and {card.candidate.id}. Choose the decision on this pair."
        )


def _check_evidence(evidence: Evidence | None, decision: Decision | None) -> None:
    if evidence is None or (decision is not None and evidence.decision_id == decision.decision_id):
        return
    raise DecisionLogError(
        f"The ticked matches belong to decision {evidence.decision_id}, which is not the one on the card. "
        "Take those of the card's decision."
    )
