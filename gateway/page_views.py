"""What a page is made from: the values of one visitor's page, and how a wait is told honestly. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from ecluse.catalogues import with_base
from ecluse.domain.notify import Way
from gateway.page_look import PLAIN_LOOK, RoomLook
from gateway.page_mould import without_marks

PageState = Literal[
    "waiting",
    "called",
    "missed",
    "gone",
    "ended",
    "moved",
    "none",
    "full",
    "closed",
    "paused",
    "prequeue",
    "drawing",
    "over",
]
Unit = Literal["minute", "hour"]
Entrance = Literal["key", "password", "signed-in"]
"""How the console is entered: with a key, since nobody has a password; with either; by who signed in already."""
ENTRANCES: tuple[Entrance, ...] = get_args(Entrance)


@dataclass(slots=True, kw_only=True)  # one per page, and freezing would treble what it costs to make
class WaitingView:
    """One visitor's waiting page. `title` and `notice` are by language code; `return_to` is a checked same-site path.

    `refresh_seconds` 0 means that the visitor stopped the reloading. `claim_until_ms` and `now_ms` are Unix times.
    `epoch` is the epoch of the ticket, if known; the script takes it from its first board otherwise.
    """

    room: str
    title: dict[str, str]
    lang: str
    phase: str
    state: PageState
    ahead: int | None
    wait_low_seconds: float | None
    wait_high_seconds: float | None
    pace_per_minute: float
    notice: dict[str, str]
    claim_until_ms: int | None
    now_ms: int
    return_to: str
    lane: str | None
    place: float | None
    id: str | None
    stale: bool
    refresh_seconds: int
    form_not_sent: bool
    epoch: str | None = None
    hours: "HoursView | None" = None
    look: RoomLook = PLAIN_LOOK
    slots_left: int | None = None
    early_seconds: int = 0
    """After Enter was pressed a moment too soon: when to press it again."""
    slower: str | None = None
    """Why the visitor's lane became slower, as the board says."""
    healing: bool = False
    """Whether a line that Redis lost is coming back."""
    tells: tuple[Way, ...] = ()
    """How visitors of the room can be told while they are away."""


class Own(NamedTuple):
    """What is one waiting visitor's own on their page."""

    id: str | None
    place: float | None
    ahead: int | None
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursView:
    """What a page tells of a room's opening hours: the opening that is or comes next, Unix ms, read in `zone`."""

    zone: str
    opens_at_ms: int | None
    closes_at_ms: int | None
    draws: bool
    keeps: bool
    undrawn: bool = False
    """Whether this visitor's place is still to be drawn."""
    first_number: int = 0
    campaign_at_ms: int = 0


class SharedPart(NamedTuple):
    """What a waiting page has in common with the pages of others: few values, so one mould serves many visitors.

    A tuple, as every page makes one to find its mould by: built and hashed in a third of a dataclass's time.
    """

    room: str
    title: str
    title_lang: str
    notice: str
    notice_lang: str
    phase: str
    state: PageState
    lane: str | None
    epoch: str | None
    stale: bool
    form_not_sent: bool
    reloads: bool
    ticketed: bool
    placed: bool
    counted: bool
    timed: bool
    slotted: bool
    early: bool
    hours: HoursView | None
    look: RoomLook
    slower: str | None
    healing: bool
    tells: tuple[Way, ...]


def shared_part(view: WaitingView, lang: str) -> SharedPart:
    """The part of `view` that a mould is made from."""
    title, title_lang = by_language(view.title, lang)
    notice, notice_lang = by_language(view.notice, lang)
    return SharedPart(
        room=view.room,
        title=without_marks(title) or view.room,
        title_lang=title_lang,
        notice=without_marks(notice),
        notice_lang=notice_lang,
        phase=view.phase,
        state=view.state,
        lane=view.lane,
        epoch=view.epoch,
        stale=view.stale,
        form_not_sent=view.form_not_sent,
        reloads=view.refresh_seconds > 0,
        ticketed=view.id is not None,
        placed=view.place is not None,
        counted=view.ahead is not None,
        timed=view.claim_until_ms is not None,
        slotted=view.slots_left is not None,
        early=view.early_seconds > 0,
        hours=view.hours,
        look=view.look,
        slower=view.slower,
        healing=view.healing,
        tells=view.tells if view.id is not None else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    """A problem told to a person. `slug` is its row in `gateway.problems`; `detail` is its public text, in English.

    `retry_to` is a checked same-site path; without it the page offers no way back. With `refresh_seconds` the page
    tries again by itself. `form_not_sent` is for what may be told of a form too.
    """

    slug: str
    lang: str
    status: int
    detail: str = ""
    title: dict[str, str]
    retry_to: str | None = None
    refresh_seconds: int = 0
    form_not_sent: bool = False
    look: RoomLook = PLAIN_LOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyView:
    """The page on which a visitor sees, gives or deletes the address at which they are told of their turn.

    `masked` is the address that is kept, if any; `typed` is what was given and could not be read, by way.
    """

    room: str
    title: dict[str, str]
    lang: str
    tells: tuple[Way, ...]
    masked: str | None
    near_minutes: int
    delete_by_ms: int
    zone: str
    return_to: str
    typed: Mapping[Way, str]
    look: RoomLook = PLAIN_LOOK


class WaitSpan(NamedTuple):
    """A wait told as a range. `kind` picks the sentence; `low` and `high` count `low_unit` and `high_unit`."""

    kind: Literal["unknown", "under", "about", "between", "over"]
    low: int = 0
    low_unit: Unit = "minute"
    high: int = 0
    high_unit: Unit = "minute"


def wait_span(low_seconds: float | None, high_seconds: float | None) -> WaitSpan:
    """The range from `low_seconds` to `high_seconds`, rounded outwards so that it never promises too much.

    `static/js/waiting.js` holds the same rule for the browser.
    """
    return span_of(*whole_minutes(low_seconds, high_seconds))


@lru_cache(maxsize=1024)
def span_of(low: int | None, high: int | None) -> WaitSpan:
    """The range of whole minutes, as `whole_minutes` tells them."""
    if high is None:
        if not low:
            return WaitSpan("unknown")
        return WaitSpan("over", low // 60, "hour") if low > 120 else WaitSpan("over", low)
    low, high = min(low or 0, high), max(1, high)
    low_unit: Unit = "minute"
    high_unit: Unit = "minute"
    if high > 120:
        high, high_unit = math.ceil(high / 60), "hour"
        if low >= 60:
            low, low_unit = low // 60, "hour"
    elif high > 20:
        low, high = low // 5 * 5, math.ceil(high / 5) * 5
    if low == 0:
        return WaitSpan("under", 0, low_unit, high, high_unit)
    kind: Literal["about", "between"] = "about" if (low, low_unit) == (high, high_unit) else "between"
    return WaitSpan(kind, low, low_unit, high, high_unit)


def whole_minutes(low_seconds: float | None, high_seconds: float | None) -> tuple[int | None, int | None]:
    """Both ends in minutes, rounded outwards; None where nothing is known."""
    return _minutes(low_seconds, up=False), _minutes(high_seconds, up=True)


def _minutes(seconds: float | None, *, up: bool) -> int | None:
    if seconds is None or not 0 <= seconds < math.inf:
        return None
    return math.ceil(seconds / 60) if up else math.floor(seconds / 60)


def by_language(texts: dict[str, str], lang: str) -> tuple[str, str]:
    """The text for `lang`, else the English or first one, with the language it is really in; empty if there is none.

    A private variety takes that of its base.
    """
    if text := texts.get(lang):
        return text, lang
    for code in (*with_base(lang), "en", *texts) if texts else ():
        if texts.get(code):
            return texts[code], code
    return "", lang
