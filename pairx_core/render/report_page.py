"""The report of a session as a page of HTML that prints well on A4."""

from __future__ import annotations

import base64
import io

from pairx_core.catalogue import thumbnail
from pairx_core.decisions import TICKS, Decision
from pairx_core.decisions.adjudication import Dispute
from pairx_core.decisions.agreement import AgreementSummary, Statistic
from pairx_core.decisions.performance import Accuracy, RevealChanges
from pairx_core.decisions.standing import undone_ids
from pairx_core.errors import PhotoError
from pairx_core.render.markup import Html, element, facts, join, safe, table
from pairx_core.render.report import SessionReport
from pairx_core.render.wording import VERDICT_SHORT, counted, decided, moment

MOST_PICTURED = 60  # disagreements with pictures: some 15 kB each
_PICTURE_SIZE = (240, 180)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
@page { size: A4; margin: 16mm 14mm; }
body { font: 10pt/1.4 system-ui, sans-serif; color: #16181c; max-width: 190mm; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 18pt; margin: 0; } h2 { font-size: 13pt; margin: 1.6em 0 .4em; break-after: avoid; }
h3 { font-size: 10.5pt; margin: 1em 0 .3em; break-after: avoid; }
p { margin: .4em 0; } p.note { color: #5c616b; font-size: 9pt; }
p.warning { border: 1pt solid #a6261e; padding: .4em .8em; }
dl { display: grid; grid-template-columns: 34mm 1fr; gap: .15em 1em; margin: .6em 0; }
dt { color: #5c616b; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .4em 0; } thead { display: table-header-group; }
th, td { text-align: start; vertical-align: top; padding: .2em .6em .2em 0; border-bottom: .5pt solid #cdd0d6;
  font-weight: normal; overflow-wrap: anywhere; }
thead th { font-weight: 600; overflow-wrap: normal; } tr, section.pair { break-inside: avoid; }
table.appendix { font-size: 7.5pt; } table.appendix td { min-width: 3em; }
.undone { text-decoration: line-through; color: #5c616b; }
img { max-width: 60mm; max-height: 45mm; margin-right: 3mm; vertical-align: top; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""


def report_page(report: SessionReport) -> str:
    """The whole document; the same report gives the same text."""
    title = f"Expert session {report.session.name}"
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{element('title', Html(_plain(title)))}<style>{_STYLE}</style>"
    )
    parts = (_about, _progress, _agreement, _accuracy, _reveal, _times, _disputes, _appendix)
    body = join(part(report) for part in parts)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _plain(text: str) -> Html:
    """Escaped, without the element that keeps directions apart: a title holds no elements."""
    return Html(safe(text).removeprefix("<bdi>").removesuffix("</bdi>"))


def _about(report: SessionReport) -> Html:
    session = report.session
    known = len(session.truth)
    versions = sorted({row.app_version for row in report.rows if row.app_version})
    state = f"closed {moment(session.closed_at)}" if session.closed_at else "open: what follows is so far"
    rows: list[tuple[str, object]] = [
        ("Made", f"{moment(session.made_at)}, by {session.coordinator or 'a coordinator without a name'}"),
        ("State", state),
        ("Reviewers", join(session.reviewers, ", ")),
        ("Pairs", f"{len(session.pairs):,}; of {known:,} the answer is known"),
        ("Seen by", f"{counted(session.overlap, 'reviewer')} each; pairs with a known answer by all"),
        ("Asked", _asked(report)),
        ("Order", f"{_order(report)}; seed {session.seed}"),
        ("Decisions", f"{len(report.rows):,} rows of the record"),
        ("Model", session.model or "not recorded"),
        ("Layer", session.layer or "not recorded"),
        ("Catalogue", _catalogue(report)),
        ("Recorded with", f"PAIR-X Review {', '.join(versions) or 'of a version that was not recorded'}"),
        ("This report", f"made {moment(report.made_at)} with PAIR-X Review {report.version}"),
    ]
    warning = (
        element("p", "The session is still open, and its reviewers must not see this.", css="warning")
        if session.hides
        else ""
    )
    return join((element("h1", f"Expert session {session.name}"), warning, facts(rows)))


def _asked(report: SessionReport) -> str:
    session = report.session
    if session.is_blind:
        return "blind: first the bare photos, then the same photos with the explanation; identities hidden"
    others = "shown" if session.shows_others else "not shown"
    return f"open: once, with everything shown; what others said was {others}"


def _order(report: SessionReport) -> str:
    session = report.session
    known = {number for number, pair in enumerate(session.pairs) if pair.truth is not None}
    queues = [[number for number in queue if number not in known] for queue in session.queues.values()]
    if all(queue == sorted(queue) for queue in queues):
        return "a query's candidates together, known answers in between by lot"
    return "shuffled, each reviewer in an order of their own"


def _catalogue(report: SessionReport) -> str:
    fingerprint = report.session.catalogue
    named = f"fingerprint {fingerprint}" if fingerprint else "fingerprint not recorded"
    return f"{report.catalogue}, {named}" if report.catalogue else named


def _progress(report: SessionReport) -> Html:
    rows = [(one.reviewer, one.done, one.total, _share(one.done, one.total)) for one in report.progress]
    done, total = sum(row[1] for row in rows), sum(row[2] for row in rows)
    lines = table(("Reviewer", "Done", "Pairs", "Share"), [*rows, ("all", done, total, _share(done, total))])
    strangers = sorted({row.reviewer for row in report.rows} - {one.reviewer for one in report.progress})
    others = "Others with decisions in this session, such as adjudicators: "
    note = element("p", others, join(strangers, ", "), ".", css="note") if strangers else ""
    return join((element("h2", "Progress"), lines, note))


def _share(done: int, total: int) -> str:
    return f"{done / total:.0%}" if total else "no pairs"


def _agreement(report: SessionReport) -> Html:
    found = report.agreement
    names: dict[str, list[object]] = {}
    for place, one in enumerate(found.values()):
        for name, statistic in _statistics(one):
            names.setdefault(name, ["not defined"] * len(found))[place] = in_words(statistic)
    reasons = sorted({one.why for summary in found.values() for _, one in _statistics(summary) if one.why})
    note = (
        "All four verdicts count as values; adjudications are left out. In brackets 95 % percentile bootstrap "
        "intervals from 2,000 resamples of the pairs, then the number of pairs."
        + "".join(f" Not defined: {reason}." for reason in reasons)
    )
    lines = table(("", *report.stages.values()), [(name, *values) for name, values in names.items()])
    return join((element("h2", "Agreement"), lines, element("p", note, css="note")))


def _statistics(one: AgreementSummary) -> list[tuple[str, Statistic]]:
    pairs = [(f"Cohen's kappa, {first} and {second}", kappa) for first, second, kappa in one.cohen]
    return [
        ("Percent agreement (as a share)", one.percent),
        ("Fleiss' kappa", one.fleiss),
        ("Krippendorff's alpha", one.krippendorff),
        *pairs,
    ]


def in_words(one: Statistic) -> str:
    """A statistic, its interval and the number of pairs: “0.812 (0.70 to 0.90), 40 pairs”."""
    if one.value is None:
        return "not defined"
    interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{one.value:.3f}{interval}, {counted(one.units, 'pair')}"


def _accuracy(report: SessionReport) -> Html:
    title = element("h2", "On pairs whose answer is known")
    if not report.session.truth:
        return join((title, element("p", "The session has none.")))
    rows = [
        (reviewer, report.stages[stage], *_accuracy_cells(one))
        for stage, found in report.accuracy.items()
        for reviewer, one in found.items()
    ]
    if not rows:
        return join((title, element("p", "None of them is judged yet.")))
    head = (
        "Reviewer",
        "Stage",
        "Right (95 % Wilson interval)",
        "Accepted wrongly",
        "Rejected wrongly",
        "Undecided",
        "Pairs",
    )
    note = "The share is of those accepted or rejected; unsure and not comparable are undecided."
    return join((title, table(head, rows), element("p", note, css="note")))


def _accuracy_cells(one: Accuracy) -> tuple[object, ...]:
    share, interval = one.share, one.interval
    said = "none decided"
    if share is not None and interval is not None:
        said = f"{share:.1%} ({interval[0]:.1%} to {interval[1]:.1%}), {one.right} of {one.decided}"
    return said, one.false_accepts, one.false_rejects, one.undecided, one.decided + one.undecided


def _reveal(report: SessionReport) -> Html:
    if not report.session.is_blind:
        return Html("")
    title = element("h2", "What the explanation changed")
    everyone = report.reveal.get("", RevealChanges())
    if not everyone.moves:
        return join((title, element("p", "No pair is judged at both stages yet.")))
    named = [(reviewer, one) for reviewer, one in report.reveal.items() if reviewer]
    rows = [
        (reviewer, one.kept, one.changed, one.better, one.worse, one.judged)
        for reviewer, one in (*named, ("all", everyone))
    ]
    head = ("Reviewer", "Kept", "Changed", "For the better", "For the worse", "Known answers")
    return join((title, table(head, rows), element("p", _moves(everyone), css="note")))


def _moves(everyone: RevealChanges) -> str:
    changed = [(move, times) for move, times in everyone.moves.items() if move[0] != move[1]]
    ordered = sorted(changed, key=lambda one: (-one[1], one[0]))
    said = ", ".join(f"{VERDICT_SHORT[a]} → {VERDICT_SHORT[b]} ({times})" for (a, b), times in ordered)
    p_value = everyone.p_value
    chance = "" if p_value is None else f" Exact McNemar test of better against worse: p = {p_value:.3g}."
    return (f"{said}." if said else "Nobody changed a verdict.") + chance


def _times(report: SessionReport) -> Html:
    rows = [
        (
            reviewer,
            report.stages[stage],
            f"{one.median:.1f} s",
            f"{one.low:.1f} to {one.high:.1f} s",
            one.count,
        )
        for stage, found in report.timing.items()
        for reviewer, one in found.items()
    ]
    title = element("h2", "Time for a decision")
    if not rows:
        return join((title, element("p", "No times are recorded.")))
    return join((title, table(("Reviewer", "Stage", "Median", "Half of them", "Decisions"), rows)))


def _disputes(report: SessionReport) -> Html:
    found = report.disputes
    left = sum(one.settled is None for one in found)
    said = (
        f"{counted(len(found), 'pair')} with different verdicts, {left:,} to settle."
        if found
        else "No pair has different verdicts."
    )
    sections = [_dispute(report, one, is_pictured=place < MOST_PICTURED) for place, one in enumerate(found)]
    note = f"Pictures of the first {MOST_PICTURED} only." if len(found) > MOST_PICTURED else ""
    title = element("h2", "Disagreements, and how they were settled")
    return join((title, element("p", said), element("p", note, css="note") if note else "", *sections))


def _dispute(report: SessionReport, one: Dispute, *, is_pictured: bool) -> Html:
    ids = one.query_id, one.candidate_id
    truth = report.session.truth.get((min(ids), max(ids)))
    known = "" if truth is None else f" (known: {'one individual' if truth else 'two individuals'})"
    pictures = [_picture(report, photo_id) for photo_id in ids] if is_pictured and report.photos else []
    rows = [
        (row.reviewer, VERDICT_SHORT[row.decision], _ticks(report, row), _remarks(row)) for row in one.said
    ]
    settled = "Not settled."
    if one.settled is not None:
        note = f" “{one.settled.note}”" if one.settled.note else ""
        settled = (
            f"{decided(one.settled)}, by {one.settled.reviewer}, {moment(one.settled.decided_at)}.{note}"
        )
    return element(
        "section",
        element("h3", f"{one.query_id} and {one.candidate_id}{known}"),
        element("p", *pictures) if pictures else "",
        table(("Reviewer", "Verdict", "Ticked matches", "Confidence, tags, note"), rows),
        element("p", settled),
        css="pair",
    )


def _picture(report: SessionReport, photo_id: str) -> Html:
    """A small picture of a photo; where it cannot be had, why."""
    photo = report.photos.get(photo_id)
    if photo is None:
        return safe(f"{photo_id} is not in the catalogue. ")
    try:
        small = thumbnail(photo, _PICTURE_SIZE)
    except PhotoError as error:
        reason = str(error).replace(str(photo.path), photo.path.name)  # no folders of this computer
        return safe(f"{photo_id} cannot be shown: {reason} ")
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Html(f'<img alt="{_plain(photo_id)}" src="data:image/jpeg;base64,{data}">')


def _ticks(report: SessionReport, row: Decision) -> str:
    """“convincing: 1, 4; misleading: 7”."""
    kept = report.evidence.get(row.decision_id)
    ranks = {said: [one.rank for one in kept.ticked if one.said == said] for said in TICKS} if kept else {}
    return "; ".join(f"{said}: {', '.join(map(str, of))}" for said, of in ranks.items() if of)


def _remarks(row: Decision) -> str:
    return "; ".join(part for part in (row.confidence, ", ".join(row.tags), row.note) if part)


def _appendix(report: SessionReport) -> Html:
    head = (
        "No.",
        "Decided (UTC)",
        "Reviewer",
        "Query",
        "Candidate",
        "Decision",
        "Stage",
        "Seconds",
        "Remarks",
    )
    undone = undone_ids(report.rows)
    rows = [
        _appendix_row(report, number, row, (row.reviewer, row.decision_id) in undone)
        for number, row in enumerate(report.rows, 1)
    ]
    note = "All rows of the record, in its order; what was taken back is struck through."
    title = element("h2", "Appendix: who decided what")
    return join((title, element("p", note, css="note"), table(head, rows, css="appendix")))


def _appendix_row(report: SessionReport, number: int, row: Decision, is_undone: bool) -> tuple[object, ...]:
    verdict = VERDICT_SHORT[row.decision]
    return (
        number,
        moment(row.decided_at).removesuffix(" UTC"),
        row.reviewer,
        row.query_id,
        row.candidate_id,
        element("span", verdict, css="undone") if is_undone else verdict,
        "bare" if row.blind else "full",
        "" if row.seconds is None else f"{row.seconds:.1f}",
        "; ".join(part for part in (_remarks(row), _ticks(report, row)) if part),
    )
