"""What a waiting page is made from: where somebody stands, seen with the board, the hours and the room's settings.

Most pages of a crowd differ in their visitor's own numbers only: those with the same `Likeness` come from one casting,
which is found again without a view being made.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from ecluse.domain.board import poll_seconds
from ecluse.domain.opening import DrawKind
from ecluse.services.places import Outlook
from ecluse.services.visits import Place
from ecluse.store.line import Called, Gone, Missed, Moved, Waiting
from gateway.asgi import Scope
from gateway.directory import RoomEdge
from gateway.page_look import RoomLook
from gateway.page_views import HoursView, Own, PageState, WaitingView, WaitSpan, span_of, whole_minutes
from gateway.requests import query


class Sight(NamedTuple):
    """Where somebody stands, as a page tells it now."""

    now_ms: int
    undrawn: bool
    ahead: int | None
    outlook: Outlook | None
    refresh_seconds: int


class Likeness(NamedTuple):
    """What two who wait have in common if their pages differ in nothing but their own numbers and ids.

    All else that such a page shows follows from the board and the room's settings.
    """

    board: str
    look: RoomLook
    return_to: str
    lane: str
    epoch: str
    undrawn: bool
    wait: WaitSpan
    """As it is told: of those far back, many are told the same, and their minutes are all different."""
    refresh_seconds: int
    minute: int
    is_beyond_slots: bool
    opens_in_minutes: int


def sight(scope: Scope, room: RoomEdge, place: Place | None) -> Sight:
    """What there is to tell of `place`, or of nobody's."""
    now_ms = int(time.time() * 1000)
    stopped = scope["query_string"] and query(scope).get("refresh") == "off"
    refresh_seconds = 0 if stopped else _refresh_seconds(room, place)
    if place is None:
        return Sight(now_ms, False, None, None, refresh_seconds)
    ticket, standing = place.ticket, place.standing
    undrawn = ticket.drawn and room.settings.opening is not None and room.visits.is_undrawn(ticket)
    if undrawn or type(standing) is not Waiting:
        return Sight(now_ms, undrawn, None, None, refresh_seconds)
    return Sight(now_ms, False, standing.ahead, room.visits.outlook(ticket.lane, standing.ahead), refresh_seconds)


def own_numbers(room: RoomEdge, place: Place, seen: Sight) -> Own:
    """What is the visitor's own on such a page."""
    return Own(place.ticket.id, room.visits.place_of(place.ticket), seen.ahead, seen.now_ms)


def likeness(room: RoomEdge, place: Place, seen: Sight, return_to: str) -> Likeness | None:
    """That of somebody who waits; None for whoever is elsewhere: their pages are few, and have more of their own."""
    if not isinstance(place.standing, Waiting):
        return None
    document, ticket, ahead = room.board.document, place.ticket, seen.ahead
    low, high = (None, None) if seen.outlook is None else (seen.outlook.early_seconds, seen.outlook.p90_seconds)
    slots_left, opens_at_ms = document["slots_left"], unix_ms(document["opens_at"])
    return Likeness(
        room.board.version, room.look, return_to, ticket.lane, ticket.epoch, seen.undrawn,
        span_of(*whole_minutes(low, high)), seen.refresh_seconds, seen.now_ms // 60_000,
        slots_left is not None and ahead is not None and ahead >= slots_left,
        0 if opens_at_ms is None else -((seen.now_ms - opens_at_ms) // 60_000),
    )  # fmt: skip


def waiting_view(  # noqa: PLR0913 - what the page shows, by name
    scope: Scope,
    room: RoomEdge,
    place: Place | None,
    seen: Sight,
    *,
    lang: str,
    return_to: str,
    state: PageState | None = None,
    form_not_sent: bool = False,
) -> WaitingView:
    """The view of a whole page; `state` instead of the one that follows from the place."""
    board, outlook = room.board, seen.outlook
    standing = None if place is None else place.standing
    return WaitingView(
        room=room.id,
        title=room.settings.title,
        lang=lang,
        phase=board.phase,
        state=state or _page_state(room, place),
        hours=_hours(room, undrawn=seen.undrawn),
        ahead=seen.ahead,
        wait_low_seconds=None if outlook is None else outlook.early_seconds,
        wait_high_seconds=None if outlook is None else outlook.p90_seconds,
        slower=None if outlook is None or place is None else board.slower.get(place.ticket.lane),
        pace_per_minute=board.document["pace_per_minute"],
        notice=board.document["notice"],
        claim_until_ms=standing.deadline_ms if isinstance(standing, Called) else None,
        now_ms=seen.now_ms,
        return_to=return_to,
        lane=None if place is None else place.ticket.lane,
        place=None if place is None else room.visits.place_of(place.ticket),
        id=None if place is None else place.ticket.id,
        epoch=None if place is None else place.ticket.epoch,
        stale=board.stale and board.document["at_ms"] > 0,
        refresh_seconds=seen.refresh_seconds,
        form_not_sent=form_not_sent,
        look=room.look,
        slots_left=board.document["slots_left"],
        early_seconds=_early_seconds(scope) if isinstance(standing, Called) else 0,
        healing=board.is_healing,
        tells=room.settings.notify.ways if room.settings.notify else (),
    )


def next_poll_seconds(room: RoomEdge, place: Place) -> int:
    """When a visitor standing there should ask again."""
    standing = place.standing
    if type(standing) is Waiting:
        return poll_seconds(standing.ahead, room.board.throughput(place.ticket.lane).p50)
    return 60 if type(standing) is Moved else 3


def _early_seconds(scope: Scope) -> int:
    """What the answer to an early claim put into the address."""
    wait = query(scope).get("wait", "") if scope["query_string"] else ""
    return int(wait) if wait.isdecimal() and wait.isascii() and 0 < len(wait) <= 3 else 0


def _refresh_seconds(room: RoomEdge, place: Place | None) -> int:
    """How often a page without script reloads: half as often as a script asks."""
    if place is None:
        return 30
    return 0 if type(place.standing) is Moved else 2 * next_poll_seconds(room, place)


_COVERING: Mapping[str, PageState] = {
    "paused": "paused", "closed": "closed", "prequeue": "prequeue", "drawing": "drawing",
}  # fmt: skip
"""Phases in which nobody is let in: they are told instead of where a ticket stands."""


def _page_state(room: RoomEdge, place: Place | None) -> PageState:
    phase = room.board.phase
    if place is None:
        return "closed" if phase == "closed" else "none"
    match place.standing:
        case Called():
            return _COVERING.get(phase, "called")
        case Missed():
            return "missed"
        case Moved():
            return "moved"
        case Gone() if room.board.is_ended(place.ticket.id):
            return "ended"
        case Gone() if place.ticket.number <= room.board.first_number:
            return "closed" if phase == "closed" else "over"
        case Gone():
            return "gone"
        case _:
            return _COVERING.get(phase, "waiting")


def _hours(room: RoomEdge, *, undrawn: bool) -> HoursView | None:
    opening, board = room.settings.opening, room.board
    if opening is None:
        return None
    return HoursView(
        zone=opening.time_zone,
        opens_at_ms=unix_ms(board.document["opens_at"]),
        closes_at_ms=unix_ms(board.document["closes_at"]),
        draws=opening.draw is not DrawKind.NONE,
        keeps=opening.keep_places,
        undrawn=undrawn,
        first_number=board.first_number,
        campaign_at_ms=board.campaign_at_ms,
    )


def unix_ms(text: str | None) -> int | None:
    """An RFC 3339 time of the board in Unix ms."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)
