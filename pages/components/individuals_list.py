"""Who is who by the decisions: how many, what does not fit together, what is suggested, and names for new ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

import streamlit as st

from pages.components import resources, saying, state, visitors
from pages.components.record import Summary, known_identities
from pages.components.saying import plain
from pages.components.words import count, file_name
from pages.components.workspace import Workspace
from pairx_core.decisions.individuals import (
    Contradiction,
    Individuals,
    assigned_identities,
    check_new_name,
)
from pairx_core.decisions.settling_pairs import Pair
from pairx_core.errors import PairxError
from pairx_core.formulas import neutralise_cell

_A_PAGE = 10  # of each list
_PICTURES = 8  # of an individual


def show(workspace: Workspace, summary: Summary) -> None:
    """Draw the numbers and the lists; nothing is joined or parted here."""
    with st.spinner("Working out who is who …"):
        found = summary.individuals
    try:
        given = {photo: one.name for photo, one in workspace.names.names().items()}
    except PairxError as error:
        saying.error(str(error))
        given = {}
    _numbers(found, summary)
    _contradictions(workspace, summary)
    _name_clashes(workspace, found)
    _merges(workspace, found)
    _new_ones(summary, found, given)
    st.download_button(
        "Who is on each photo (CSV)",
        data=lambda: identities_csv(workspace, found, given),
        file_name="pairx_identities.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Identities before and after the decisions. The catalogue itself is never changed.",
    )


def identities_csv(workspace: Workspace, found: Individuals, given: dict[str, str]) -> bytes:
    """Who is on each photo of the catalogue, before and after the decisions."""
    before = known_identities(workspace)
    after = assigned_identities(found, before, given)
    number = {photo: at for at, group in enumerate(found.groups, 1) for photo in group}
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["image_id", "path", "identity_before", "identity", "individual_number"])
    for photo in workspace.catalogue.photos:
        texts = (
            photo.id,
            photo.catalogue_path,
            before.get(photo.id, "unknown"),
            after.get(photo.id, "unknown"),
        )
        writer.writerow([*map(neutralise_cell, texts), number[photo.id]])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _numbers(found: Individuals, summary: Summary) -> None:
    open_pairs = sum(one.is_open for one in summary.settled.values())
    between = (
        f"between **{'' if found.is_exact else 'at most '}{found.least:,}** and **{found.greatest:,}**, depending on "
        f"{count(open_pairs, 'pair')} on which reviewers are unsure or differ"
        if found.least != found.greatest
        else "whatever becomes of the pairs on which reviewers are unsure or differ"
        if open_pairs
        else "no pair is open"
    )
    st.markdown(
        f"**{count(found.count, 'individual')}** on {count(len(summary.workspace.catalogue), 'photo')}: {between}.",
        help="Photos of one name in the catalogue and accepted pairs are joined; every other photo is an individual of "
        "its own. The least number accepts as many open pairs as the rejected ones allow"
        + ("." if found.is_exact else "; there may be fewer still."),
    )


def _contradictions(workspace: Workspace, summary: Summary) -> None:
    found = summary.individuals
    if not found.contradictions:
        return
    st.markdown(f"**Contradictions** · {len(found.contradictions):,}")
    st.caption(
        "Rejected, and yet one individual by way of other pairs. One of these pairs is not what it was taken for."
    )
    for one in _part("contradictions", found.contradictions):
        with st.container(border=True):
            _contradiction(workspace, found, one)


def _contradiction(workspace: Workspace, found: Individuals, one: Contradiction) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Rejected")
        _link(workspace, one.pair)
    by_catalogue = []
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("but joined by")
        for link in found.chain(one):
            if link.basis == "accept":
                _link(workspace, link.pair)
            else:
                by_catalogue.append(link.pair)
    if by_catalogue:
        said = ", ".join(
            f"{_names(workspace, pair)} ({_identity(workspace, pair[0])})" for pair in by_catalogue
        )
        st.caption(plain(f"By their name in the catalogue: {said}."))
    suspects = found.split(one).pairs
    if suspects:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown("Look at again first")
            for pair in suspects:
                _link(workspace, pair)


def _name_clashes(workspace: Workspace, found: Individuals) -> None:
    if not found.name_clashes:
        return
    st.markdown(f"**One individual, several names** · {len(found.name_clashes):,}")
    for clash in _part("name_clashes", found.name_clashes):
        photos = found.groups[clash.group]
        st.markdown(plain(f"{', '.join(clash.names)}: {count(len(photos), 'photo')}"))
        _pictures(workspace, photos)


def _merges(workspace: Workspace, found: Individuals) -> None:
    if not found.merges:
        return
    st.markdown(f"**May be one individual** · {len(found.merges):,}")
    st.caption("Pairs between them are open, and none is rejected.")
    for merge in _part("merges", found.merges):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            one, other = (_called(workspace, found.groups[number]) for number in merge.groups)
            st.markdown(plain(f"{one} and {other}"))
            for pair in merge.pairs[:4]:
                _link(workspace, pair)


def _new_ones(summary: Summary, found: Individuals, given: dict[str, str]) -> None:
    """Individuals without a name in the catalogue: those with several photos first."""
    workspace, new = summary.workspace, summary.unnamed
    if not new:
        return
    st.markdown(f"**Without a name in the catalogue** · {len(new):,}")
    for group in _part("new_ones", new):
        with st.container(border=True):
            _pictures(workspace, group)
            _name(workspace, found, group, given)


def _name(workspace: Workspace, found: Individuals, group: Sequence[str], given: dict[str, str]) -> None:
    """The field for a name, and what was given."""
    here = [photo for photo in group if photo in given]
    names = sorted({given[photo] for photo in here})
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        anchor = here[0] if here else group[0]
        st.text_input(
            f"Name of the individual on {file_name(workspace.catalogue.photo(group[0]))}",
            value=names[0] if len(names) == 1 else "",
            key=f"name:{anchor}",
            max_chars=80,
            placeholder="Name",
            label_visibility="collapsed",
            width=260,
        )
        st.button(
            "Save the name",
            key=f"save:{anchor}",
            on_click=_save,
            args=(workspace, found, tuple(group), anchor),
        )
        if here:
            by = workspace.names.names()[here[0]].by
            st.button(
                "Take it back", key=f"unname:{anchor}", on_click=_take_back, args=(workspace, tuple(here))
            )
            st.markdown(plain(f"{' and '.join(names)}, named by {by}"))


def _save(workspace: Workspace, found: Individuals, group: tuple[str, ...], anchor: str) -> None:
    def check(name: str) -> None:
        own = set(group)
        others = {photo: one.name for photo, one in workspace.names.names().items() if photo not in own}
        check_new_name(name, {*known_identities(workspace).values(), *others.values()})

    try:
        given = workspace.names.give(anchor, state.field(f"name:{anchor}"), by=visitors.name(), check=check)
    except PairxError as error:
        state.tell("error", str(error))
        return
    state.tell("toast", f"Named: {given.name}, {count(len(group), 'photo')}.")


def _take_back(workspace: Workspace, photos: tuple[str, ...]) -> None:
    try:
        for photo in photos:
            workspace.names.take_back(photo, by=visitors.name())
    except PairxError as error:
        state.tell("error", str(error))
        return
    state.tell("toast", "The name is taken back.")


def _part(name: str, of: Sequence) -> Sequence:
    """A page of a long list, with the control that turns it."""
    pages = -(-len(of) // _A_PAGE)
    if pages == 1:
        return of
    page = st.pagination(pages, key=f"part:{name}")
    return of[(page - 1) * _A_PAGE : page * _A_PAGE]


def _link(workspace: Workspace, pair: Pair) -> None:
    query, candidate = pair
    st.page_link(
        "pages/review.py",
        label=plain(_names(workspace, pair)),
        icon=":material/compare:",
        query_params=state.address_of(query, candidate),
    )


def _names(workspace: Workspace, pair: Pair) -> str:
    return " and ".join(file_name(workspace.catalogue.photo(one)) for one in pair)


def _identity(workspace: Workspace, photo_id: str) -> str:
    return workspace.catalogue.photo(photo_id).identity or "unknown"


def _called(workspace: Workspace, group: Sequence[str]) -> str:
    """A group by its name, or by its first photo."""
    names = sorted(
        {name for photo in group if (name := workspace.catalogue.photo(photo).identity) is not None}
    )
    first = file_name(workspace.catalogue.photo(group[0]))
    return ", ".join(names) if names else f"{first}{f' and {len(group) - 1} more' if len(group) > 1 else ''}"


def _pictures(workspace: Workspace, group: Sequence[str]) -> None:
    pictures = []
    for photo_id in group[:_PICTURES]:
        photo = workspace.catalogue.photo(photo_id)
        try:
            pictures.append(
                f'<img src="{resources.thumbnail(photo)}" alt="" title="{_attribute(file_name(photo))}">'
            )
        except PairxError:
            pictures.append('<span class="px-nophoto">photo cannot be read</span>')
    more = f"<span>and {len(group) - _PICTURES} more</span>" if len(group) > _PICTURES else ""
    st.html(f'<div class="px-pictures">{"".join(pictures)}{more}</div>')


def _attribute(text: str) -> str:
    return escape(text, quote=True)
