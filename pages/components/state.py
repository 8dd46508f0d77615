"""The only place that touches a reviewer's session: where they are, what they see, what they typed."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components import logins, resources
from pages.components.checking import Checking
from pages.components.drawing import Drawing
from pages.components.navigation import REVIEWER_LINK
from pages.components.shelf import Opening
from pairx_core.decisions import TICKS
from pairx_core.decisions.checking import tidy_name
from pairx_core.errors import SettingsError
from pairx_core.exports import Export
from pairx_core.settings import Settings

QUERY_PAGE = "query_page"  # key of the control that turns the pages of queries
DECISIONS_PAGE = "decisions_page"  # the same of decisions
_COORDINATE = "coordinate"  # in an address: the keys of the coordinator's link
_BETWEEN_KEYS = "~"
_GO, _GO_WITH = (
    "go",
    "with",
)  # in an address: the query and the candidate to bring up, whatever was on the screen
LAYERS = ("lines", "points", "heat_map", "color_maps", "box")
_AT_FIRST = frozenset({"lines", "points", "heat_map"})
VIEWER = "pair_viewer"  # key of the viewer, which tells what is looked at
HELD_KEY_SECONDS = 0.3  # seconds after a pair's appearance in which no decision on it is taken


@dataclass(frozen=True, slots=True)
class Typed:
    """What the reviewer entered beside a pair."""

    note: str = ""
    confidence: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell on the next run."""

    kind: str  # "toast", "success", "error", or "names": who is who has changed
    text: str


def opened() -> str | None:
    """The token of the source that is open; None: the one from the settings."""
    token = st.session_state.get("opened") or st.query_params.get("opened")
    if token:
        st.session_state["opened"] = token
        st.query_params["opened"] = token
    return token


def open_source(token: str) -> None:
    """Another source from now on, beginning where its own decisions end."""
    resume(token)
    forget_export()
    st.session_state.pop("lost", None)
    for name in ("query", "candidate"):
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


def resume(token: str) -> None:
    """Stay with a source, whatever other tabs open meanwhile."""
    st.session_state["opened"] = token
    st.query_params["opened"] = token
    st.session_state.pop("at_start", None)


def stay_at_start() -> None:
    """Stay with what the settings say, whatever other tabs open meanwhile."""
    st.session_state["at_start"] = True


def at_start() -> bool:
    """Whether the session works on what the settings say."""
    return bool(st.session_state.get("at_start", False))


def lose_opened() -> None:
    """What the address had open is not known: forget it, and remember that this is so."""
    st.session_state.pop("opened", None)
    st.query_params.pop("opened", None)
    st.session_state["lost"] = True


def has_lost() -> bool:
    """Whether the reviewer should know that what they had open is not known any more."""
    return bool(st.session_state.get("lost", False))


def place() -> tuple[str | None, str | None]:
    """The ids of query and candidate on the screen, from the session or, after a reload, from the address."""
    wanted = st.query_params.get(_GO)
    if wanted is not None:
        beside = st.query_params.get(_GO_WITH)
        for name in (_GO, _GO_WITH):
            st.query_params.pop(name, None)
        return wanted, beside
    if "query" in st.session_state:
        return st.session_state["query"], st.session_state.get("candidate")
    return st.query_params.get("query"), st.query_params.get("candidate")


def arriving_at() -> str | None:
    """The query that a link leads to, on the run that follows it; None: nobody has just followed one."""
    if _GO in st.query_params or "query" in st.session_state:
        return st.query_params.get(_GO)
    return st.query_params.get("query")


def address_of(query_id: str, candidate_id: str | None = None) -> dict[str, str]:
    """The address that brings a query up, or a pair, with everything else as it is."""
    kept = {
        name: value for name, value in st.query_params.to_dict().items() if name not in ("query", "candidate")
    }
    return {**kept, _GO: query_id, **({_GO_WITH: candidate_id} if candidate_id is not None else {})}


def address_with(**more: str) -> dict[str, str]:
    """The address with something more in it."""
    return {**st.query_params.to_dict(), **more}


def go(query_id: str, candidate_id: str | None) -> None:
    """Put a pair on the screen, in the session and in the address."""
    for name, value in (("query", query_id), ("candidate", candidate_id)):
        st.session_state[name] = value
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def session_place(session_id: str) -> int:
    """After which place of their queue the reviewer goes on, from 0; -1: from its beginning."""
    of_session, place = st.session_state.get("session_place", ("", -1))
    return int(place) if of_session == session_id else -1


def put_session_place(session_id: str, place: int) -> None:
    """Go on after a place of the queue."""
    st.session_state["session_place"] = (session_id, place)


def show_session(session_id: str) -> None:
    """Bring up a session on the coordinator's page."""
    st.session_state["shown_session"] = session_id


def shown_session() -> str:
    """The session on the coordinator's page; empty: none was chosen."""
    return str(st.session_state.get("shown_session") or "")


def show_disputes_of(session: str) -> None:
    """Bring up the disagreements of a session; empty: of all decisions."""
    if st.session_state.get("disputes_of", "") != session:
        st.session_state["disputes_of"] = session
        put_dispute_place(0)


def shown_dispute_session() -> str:
    """The session whose disagreements are shown; empty: of all decisions."""
    return str(st.session_state.get("disputes_of", ""))


def dispute_place() -> int:
    """Which disagreement is shown, from 0."""
    return int(st.session_state.get("dispute_place", 0))


def put_dispute_place(place: int) -> None:
    """Show another disagreement."""
    st.session_state["dispute_place"] = max(0, place)


def field(key: str) -> str:
    """What is typed in a field, by its key."""
    return str(st.session_state.get(key) or "").strip()


def choose_queries(which: str) -> None:
    """Choose in the sidebar which photos are queries; before the page is drawn."""
    st.session_state["queries"] = which


def advances() -> bool:
    """Whether a decision brings up what is open next."""
    return bool(st.session_state.get("advance", True))


def others_shown() -> bool:
    """Whether the reviewer wants to see what others decided."""
    return bool(st.session_state.get("others", False))


def take_jump() -> str:
    """What was typed to go to a query; the field is empty afterwards."""
    typed = str(st.session_state.get("jump") or "").strip()
    st.session_state["jump"] = ""
    return typed


def page_of_queries(pages: int) -> int:
    """Which page of queries is shown, from 1; the last one where there are fewer now."""
    return _page_shown(QUERY_PAGE, pages)


def page_of_decisions(pages: int) -> int:
    """Which page of decisions is shown, from 1; the last one where there are fewer now."""
    return _page_shown(DECISIONS_PAGE, pages)


def _page_shown(control: str, pages: int) -> int:
    return min(int(st.session_state.get(control) or 1), pages)


def default_reviewer() -> str:
    """The field's own value; the name to begin with is entered in it, so that the address carries it too."""
    if "reviewer" in st.session_state:
        st.session_state["reviewed_as"] = st.session_state["reviewer"]
    elif "reviewer" not in st.query_params:
        known = st.session_state.get("reviewed_as")
        name = _last_reviewer() if known is None else known
        st.session_state["reviewer"] = name
        if name:
            st.query_params["reviewer"] = name
    return ""


def typed_reviewer() -> str:
    """The name that was typed on a page with a field for it, or that the address gives."""
    for place, name in (
        (st.session_state, "reviewer"),
        (st.query_params, "reviewer"),
        (st.session_state, "reviewed_as"),
    ):
        if place.get(name):
            return tidy_name(str(place[name]))
    return ""


def coordinator_keys() -> frozenset[str]:
    """The keys of the coordinator's link that this visit began with, and of the sessions made in it."""
    return frozenset(_kept_key(_COORDINATE).split(_BETWEEN_KEYS)) - {""}


def coordinator_query() -> dict[str, str]:
    """The part of an address that brings the coordinator's keys along."""
    kept = _kept_key(_COORDINATE)
    return {_COORDINATE: kept} if kept else {}


def keep_coordinator_key(key: str) -> None:
    """From now on the visitor is known as the coordinator of a session, after a reload as well."""
    keys = _BETWEEN_KEYS.join(sorted({*coordinator_keys(), key}))
    st.session_state[_COORDINATE] = keys
    st.query_params[_COORDINATE] = keys


def reviewer_key() -> str:
    """The key of the reviewer's link that this visit began with; empty: it began with none."""
    return _kept_key(REVIEWER_LINK)


def _kept_key(name: str) -> str:
    key = str(st.query_params.get(name) or st.session_state.get(name) or "")
    if key:
        st.session_state[name] = key
        if st.query_params.get(name) != key:
            st.query_params[name] = key
    return key


def keep_reviewer() -> None:
    """Keep the name that the address gives, on a page without a field for it: the next page's address is new."""
    if st.query_params.get("reviewer"):
        st.session_state["reviewed_as"] = st.query_params["reviewer"]


def _last_reviewer() -> str:
    """Who decided last, else the person logged in on this computer; empty where that is nobody in particular."""
    try:
        name = resources.last_used(Settings.from_environment().cache).get("reviewer")
    except SettingsError:  # said where the catalogue is opened
        name = None
    return name if isinstance(name, str) and name.strip() else logins.of_person()


def layers() -> frozenset[str]:
    """The layers that are switched on."""
    chosen: frozenset[str] = st.session_state.get("layers", _AT_FIRST)
    return chosen


def keep_layers() -> None:
    """The viewer's layers have changed."""
    told = _told("layers")
    if isinstance(told, list):
        st.session_state["layers"] = frozenset(LAYERS) & frozenset(map(str, told))


def sharp() -> frozenset[str]:
    """The ids of the photos that the reviewer looks at closer than they were sent."""
    return frozenset(st.session_state.get("sharp", ()))


def keep_sharp() -> None:
    """The viewer wants photos at full resolution."""
    told = _told("sharp")
    if isinstance(told, list):
        st.session_state["sharp"] = [str(photo_id) for photo_id in told[:3]]


def three_up() -> bool:
    """Whether a third photo is shown."""
    return bool(st.session_state.get("three", False))


def keep_three_up() -> None:
    """The viewer shows a third photo, or not any more."""
    st.session_state["three"] = bool(_told("three"))


def session() -> str:
    """What tells this session from others."""
    return str(st.session_state.setdefault("session", uuid.uuid4().hex))


def count_run() -> int:
    """A number that is another one each time."""
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    return int(st.session_state["runs"])


def count_page() -> None:
    """The whole page is drawn, not only a part of it."""
    st.session_state["pages"] = page_number() + 1


def page_number() -> int:
    """How often the whole page has been drawn: so that the viewer knows what has heard of a decision."""
    return int(st.session_state.get("pages", 0))


def heed() -> None:
    """The viewer asks what has been made meanwhile: the run that follows tells."""


def strip_open() -> bool:
    """Whether the photos of the candidate's individual are shown."""
    return bool(st.session_state.get("strip", False))


def keep_strip() -> None:
    """The viewer shows the individual's photos, or not any more."""
    st.session_state["strip"] = bool(_told("strip"))


def strip_page(pair: str) -> int:
    """Which page of the individual's photos is shown, from 0; any whole number, to be taken round."""
    of_pair, page = st.session_state.get("strip_page", ("", 0))
    return page if of_pair == pair else 0


def turn_strip() -> None:
    """Show the next or the previous page of the individual's photos."""
    told = _told("strip_page")
    if isinstance(told, list) and len(told) == 2 and told[1] in (-1, 1):
        pair = str(told[0])
        st.session_state["strip_page"] = (pair, strip_page(pair) + told[1])


def pick() -> None:
    """Compare with another photo of the individual."""
    told = _told("picked")
    if isinstance(told, list) and len(told) == 2 and all(isinstance(part, str) for part in told):
        go(*told)
        st.session_state["whole_page"] = True


def add_tag() -> None:
    """Add a tag that the viewer suggests to the pair."""
    told = _told("tag")
    if isinstance(told, list) and len(told) == 2 and all(isinstance(part, str) for part in told):
        pair, tag = told
        before = st.session_state.get(f"tags:{pair}") or []
        st.session_state[f"tags:{pair}"] = [*before, *([tag] if tag not in before else [])]
        st.session_state["whole_page"] = True


def takes_whole_page() -> bool:
    """Whether what the viewer told concerns the rest of the page too; asked once."""
    return bool(st.session_state.pop("whole_page", False))


def ticks(pair: str) -> dict[int, str] | None:
    """What the reviewer has said about matches of a pair, by their rank from 0; None: nothing yet."""
    ticked: dict[int, str] | None = st.session_state.get("ticks", {}).get(_of_reviewer(pair))
    return ticked


def keep_ticks() -> None:
    """The reviewer has ticked a match, or taken a tick back."""
    told = _told("ticks")
    try:
        ticked = {int(match): str(said) for match, said in told["ticks"]}
        pair = str(told["pair"])
    except (TypeError, KeyError, ValueError):
        return
    if all(said in TICKS and match >= 0 for match, said in ticked.items()):
        put_ticks(pair, ticked)


def hear(pair: str) -> None:
    """Take in what the viewer told together with the press of a button, whose callback may come first."""
    if VIEWER not in st.session_state:
        return
    ticks_told = _told("ticks")
    if isinstance(ticks_told, dict) and ticks_told.get("pair") == pair:
        keep_ticks()
    keep_layers()


def put_ticks(pair: str, ticked: dict[int, str]) -> None:
    """Tick matches of a pair."""
    st.session_state.setdefault("ticks", {})[_of_reviewer(pair)] = ticked


def _of_reviewer(pair: str) -> str:
    """A pair as one reviewer sees it: who comes after another one in the same tab begins without ticks."""
    return f"{pair} {typed_reviewer()}"


def ticked_in(pair: str) -> str | None:
    """The id of the undone decision whose ticks are to come back; None: there is none."""
    decision_id: str | None = st.session_state.get("ticked_in", {}).get(pair)
    return decision_id


def _told(name: str) -> Any:
    """What the viewer has told; None: nothing of this."""
    return st.session_state[VIEWER].get(name)


def show(pair: str, drawing: Drawing | None) -> None:
    """Note how much of a pair's explanation the reviewer has on the screen."""
    st.session_state["shown"] = (pair, drawing)


def drawn(pair: str) -> Drawing | None:
    """The explanation of a pair as it is on the screen."""
    of_pair, drawing = st.session_state.get("shown", ("", None))
    return drawing if of_pair == pair else None


def shown(pair: str) -> frozenset[str]:
    """The layers that are on the screen; none of the explanation while it is not ready."""
    drawing = drawn(pair)
    if drawing is None:
        return layers() & {"box"}
    return layers() if drawing.maps is not None else layers() - {"color_maps"}


def appear(pair: str) -> None:
    """A pair is on the screen: its clock starts at the first time, its guard at each time."""
    first: dict[str, float] = st.session_state.setdefault("first_seen", {})
    first.setdefault(pair, time.monotonic())
    if st.session_state.get("current_pair") != pair:
        st.session_state["current_pair"] = pair
        st.session_state["appeared"] = time.monotonic()
        st.session_state["decision_id"] = uuid.uuid4().hex


def is_current(pair: str) -> bool:
    """Whether a pair is the last one that appeared, and nothing was decided on it."""
    return bool(st.session_state.get("current_pair") == pair)


def is_settled(pair: str) -> bool:
    """Whether a pair is on the screen, and long enough that a decision can be meant for it."""
    on_screen = st.session_state.get("current_pair") == pair
    return on_screen and time.monotonic() - st.session_state["appeared"] >= HELD_KEY_SECONDS


def seconds_seen(pair: str) -> float:
    """Seconds since a pair first appeared."""
    now = time.monotonic()
    return now - float(st.session_state.get("first_seen", {}).get(pair, now))


def decision_id() -> str:
    """The id that a decision on the pair on the screen will have."""
    return str(st.session_state.get("decision_id") or uuid.uuid4().hex)


def decided(pair: str) -> None:
    """A decision on a pair is on disk: its entries are cleared and its clock starts anew if it comes back."""
    st.session_state.get("first_seen", {}).pop(pair, None)
    st.session_state["current_pair"] = None
    st.session_state.pop("lost", None)
    _remember_reviewer()
    for name in ("note", "confidence", "tags"):
        st.session_state.pop(f"{name}:{pair}", None)
    st.session_state.get("ticks", {}).pop(_of_reviewer(pair), None)
    st.session_state.get("ticked_in", {}).pop(pair, None)


def _remember_reviewer() -> None:
    name = str(st.session_state.get("reviewer") or "").strip()
    if name:
        resources.last_used(Settings.from_environment().cache).put("reviewer", name)


def typed(pair: str) -> Typed:
    """What is entered beside a pair."""
    return Typed(
        note=str(st.session_state.get(f"note:{pair}") or "").strip(),
        confidence=str(st.session_state.get(f"confidence:{pair}") or ""),
        tags=tuple(st.session_state.get(f"tags:{pair}") or ()),
    )


def put_back(pair: str, entries: Typed, decision_id: str) -> None:
    """Enter again what an undone decision had said, and tick what had been ticked for it."""
    st.session_state.setdefault("ticked_in", {})[pair] = decision_id
    st.session_state[f"note:{pair}"] = entries.note
    st.session_state[f"confidence:{pair}"] = entries.confidence or None
    st.session_state[f"tags:{pair}"] = list(entries.tags)


def tell(kind: str, text: str) -> None:
    """Say something on the next run."""
    st.session_state.setdefault("messages", []).append(Message(kind, text))


def take_messages() -> list[Message]:
    """What there is to say, once."""
    messages: list[Message] = st.session_state.pop("messages", [])
    return messages


def follow(opening: Opening | None) -> None:
    """Remember which opening the Setup page is waiting for."""
    st.session_state["following"] = opening


def followed() -> Opening | None:
    """The opening that the Setup page is waiting for."""
    opening: Opening | None = st.session_state.get("following")
    return opening


def check(checking: Checking | None) -> None:
    """Remember which catalogue is looked at on the Setup page before it is opened; None: none any more."""
    former = checked()
    if former is not None and former is not checking:
        former.cancel()
    st.session_state["checking"] = checking


def checked() -> Checking | None:
    """What is looked at on the Setup page, or was, before it is opened."""
    checking: Checking | None = st.session_state.get("checking")
    return checking


def keep_card(name: str, files: dict[str, bytes]) -> None:
    """Keep the files of the evidence card that was made last, under its pair and decision."""
    st.session_state["made_card"] = (name, files)


def made_card(name: str) -> dict[str, bytes]:
    """The files of a pair's evidence card, by ending; none unless it was the one made last."""
    kept: tuple[str, dict[str, bytes]] = st.session_state.get("made_card", ("", {}))
    return kept[1] if kept[0] == name else {}


def keep_export(name: str, export: Export, made_of: str) -> None:
    """Keep the file that was made last for another program.

    Args:
        name: of what is open and the format.
        export: the file.
        made_of: a short name of what went into it.
    """
    st.session_state["made_export"] = (name, export, made_of)


def kept_export(name: str) -> tuple[Export, str] | None:
    """The file that was made last, where it is of this name, and what went into it."""
    kept: tuple[str, Export, str] | None = st.session_state.get("made_export")
    return (kept[1], kept[2]) if kept is not None and kept[0] == name else None


def forget_export() -> None:
    """Offer no file any more."""
    st.session_state.pop("made_export", None)
