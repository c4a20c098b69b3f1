"""The answers of the visitor interface: the documents of docs/http.md, redirects, bare statuses."""

import json
from datetime import UTC, datetime
from functools import lru_cache

from ecluse.domain.board import poll_seconds
from ecluse.domain.errors import CrossSite
from ecluse.domain.estimate import wait_seconds
from ecluse.services.visits import STATES, Place
from ecluse.store.line import Called, Gone, Moved, Waiting
from ecluse.tokens import Ticket
from gateway.asgi import Headers, Scope, Send, respond
from gateway.directory import RoomEdge
from gateway.requests import is_cross_site
from gateway.waiting_views import next_poll_seconds

NO_STORE = (b"cache-control", b"no-store")
JSON = (b"content-type", b"application/json")


@lru_cache(maxsize=1024)
def rfc3339(at_ms: int) -> str:
    """A Unix time in ms as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def urls(room: RoomEdge) -> dict[str, object]:
    """Where a visitor of `room` asks on."""
    base = f"/_ecluse/rooms/{room.id}"
    return {"board_url": f"{base}/board.json", "ticket_url": f"{base}/ticket", "claim_url": f"{base}/claim"}


def ordering(room: RoomEdge, ticket: Ticket) -> dict[str, object]:
    """What orders a ticket: its number; in a room that draws, its place once it is drawn, and that it is to be."""
    if not ticket.drawn:
        return {"number": ticket.number, "place": ticket.number}
    drawn = room.board.drawn_place(ticket.id, ticket.number)
    kind = "drawn" if drawn is not None else "undrawn" if room.visits.is_undrawn(ticket) else "number"
    return {"number": ticket.number, "place": ticket.number if drawn is None else drawn, "kind": kind}


def _written(room: RoomEdge, ticket: Ticket) -> str:
    if not ticket.drawn:
        return f'"number":{ticket.number},"place":{ticket.number}'
    return json.dumps(ordering(room, ticket))[1:-1]


def join_document(room: RoomEdge, place: Place) -> bytes:
    """What a join answers. Written by hand, as nothing in it needs escaping: a crowd joins at once."""
    ticket, standing = place.ticket, place.standing
    ahead = standing.ahead if isinstance(standing, Waiting) else 0
    base = f"/_ecluse/rooms/{room.id}"
    return (
        f'{{"room":"{room.id}","id":"{ticket.id}","ticket":"{place.token}","lane":"{ticket.lane}",'
        f'{_written(room, ticket)},"ahead":{ahead},"state":"{STATES[type(standing)]}",'
        f'"board_url":"{base}/board.json","ticket_url":"{base}/ticket","claim_url":"{base}/claim"}}'
    ).encode()


def waiting_document(room: RoomEdge, ticket: Ticket, ahead: int) -> bytes:
    """`state_document` of a waiting ticket, written by hand: this is what a crowd without script asks for."""
    speed = room.board.throughput(ticket.lane)
    p50, p90 = wait_seconds(ahead, speed)
    wait = f'{{"p50":{int(p50)},"p90":{int(p90)}}}' if room.board.lets_in else '{"p50":null,"p90":null}'
    return (
        f'{{"id":"{ticket.id}","lane":"{ticket.lane}",{_written(room, ticket)},'
        f'"state":"waiting","ahead":{ahead},"wait_seconds":{wait},'
        f'"next_poll_seconds":{poll_seconds(ahead, speed.p50)},"claim_until":null}}'
    ).encode()


def state_document(room: RoomEdge, place: Place) -> dict[str, object]:
    """Where a ticket stands, and when to ask again."""
    ticket, standing = place.ticket, place.standing
    ahead = standing.ahead if isinstance(standing, Waiting) else 0
    outlook = room.visits.outlook(ticket.lane, ahead) if isinstance(standing, Waiting) else None
    return {
        "id": ticket.id, "lane": ticket.lane, **ordering(room, ticket),
        "state": STATES[type(standing)].value, "ahead": ahead,
        "wait_seconds": {
            "p50": _whole(outlook.p50_seconds) if outlook else 0, "p90": _whole(outlook.p90_seconds) if outlook else 0,
        },
        "next_poll_seconds": next_poll_seconds(room, place),
        "claim_until": rfc3339(standing.deadline_ms) if isinstance(standing, Called) else None,
        **(moved_members(room, standing.moment) if isinstance(standing, Moved) else {}),
        **({"ended": True} if isinstance(standing, Gone) and room.board.is_ended(ticket.id) else {}),
    }  # fmt: skip


def waiting_members(room: RoomEdge, place: Place, token: str | None) -> dict[str, object]:
    """What a program is told at the gate that has to wait; `token` is its ticket."""
    return {
        "room": room.id,
        **urls(room),
        "ticket": token,
        "id": place.ticket.id,
        "ahead": place.standing.ahead if isinstance(place.standing, Waiting) else 0,
    }


def moved_members(room: RoomEdge, moment: int) -> dict[str, object]:
    """What the holder of a copy is told whose place moved to another device: when, and where to take it back."""
    return {"moved_at": rfc3339(moment * 1000), "code_url": f"/_ecluse/rooms/{room.id}/code"}


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def refuse_cross_site(scope: Scope) -> None:
    """Raises CrossSite if another site sent this."""
    if is_cross_site(scope):
        raise CrossSite


async def see_other(send: Send, location: str, headers: Headers) -> None:
    """Send a browser on with GET (303)."""
    await respond(send, 303, [(b"location", location.encode()), NO_STORE, *headers])


async def respond_bare(send: Send, status: int, headers: Headers) -> None:
    """An answer that has no body by its nature (204, 304)."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
