"""Made-up visitors of the pages besides the waiting page: asking, codes, tickets, addresses, draw, statistics."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from ecluse.domain.draw import Beacon, Kind, Record
from ecluse.domain.notify import Way
from gateway.page_ask import AskView, LaneChoice
from gateway.page_views import by_language
from gateway.pages import NotifyView, Pages, WaitingView

TICKET = "A1b2C3d4E5f"
_ZONE = "Europe/Paris"
_LANES = (
    LaneChoice(id="main", title={"fr": "Renouvellement", "en": "Renewal"}, help={}, used_up=False, chosen=False),
    LaneChoice(
        id="first", title={"fr": "Première demande", "en": "First application"},
        help={"fr": "Avec un visa", "en": "With a visa"}, used_up=True, chosen=False,
    ),
)  # fmt: skip


def _ask(pages: Pages, view: WaitingView, **changes: Any) -> bytes:
    values: dict[str, Any] = {
        "room": view.room, "lang": view.lang, "title": view.title, "notice": {}, "person": True, "label": {},
        "help": {}, "kind": "residence_permit", "digits": True, "fault": "", "known": False, "form_not_sent": False,
        "return_to": "/", "typed": "", "lanes": _LANES, "look": view.look,
    }  # fmt: skip
    return pages.ask(AskView(**{**values, **changes}))


def _notify(pages: Pages, view: WaitingView, **changes: Any) -> bytes:
    values: dict[str, Any] = {
        "room": view.room, "title": view.title, "lang": view.lang, "tells": (Way.EMAIL,), "masked": None,
        "near_minutes": 10, "delete_by_ms": view.now_ms + 86_400_000, "zone": _ZONE, "return_to": "/", "typed": {},
        "look": view.look,
    }  # fmt: skip
    return pages.notify(NotifyView(**{**values, **changes}))


def _ticket(pages: Pages, view: WaitingView) -> bytes:
    more = {
        "code": "K7WM-3PQX-9DTA", "qr": f"/_ecluse/rooms/{view.room}/ticket/qr.svg", "until": 0, "named": False,
        "code_page": "https://rdv.example.fr/_ecluse/rooms/salle/code", "back": "/",
    }  # fmt: skip
    return pages.sheet("place/ticket.html", view, more)


def _follow(pages: Pages, view: WaitingView, **more: bool) -> bytes:
    return pages.sheet("place/follow.html", view, {"inside": False, "other": False, **more})


def _open(pages: Pages, view: WaitingView, template: str, **values: object) -> bytes:
    title, title_lang = by_language(view.title, view.lang)
    return pages.open_data(view.lang, template, room=view.room, room_title=title, title_lang=title_lang, **values)


def _draw(pages: Pages, view: WaitingView, *, drawn: bool) -> bytes:
    record = Record(room="salle", beacon=Beacon(kind=Kind.DRAND, chain="8b" * 32, round=4_500_000))
    told: dict[str, Any] = {"beacon": {"due_ms": view.now_ms + 3_600_000, "overdue_ms": view.now_ms + 7_200_000}}
    found = None
    if drawn:
        record = Record(room="salle", beacon=Beacon(kind=Kind.OPERATOR, source="Loto, 24/12/2026"))
        record = record.close(closed_at="2026-12-24T08:00:00Z", n=812, root=bytes(32)).reveal("4 8 15 16 23 42")
        found, told = SimpleNamespace(id=TICKET, index=411, place=0.1234567891), {}
    return _open(
        pages, view, "open/draw.html", record=record, told=told, asked=TICKET if drawn else None, found=found,
        now_ms=view.now_ms, zone=_ZONE,
    )  # fmt: skip


def _statistics(pages: Pages, view: WaitingView) -> bytes:
    counts = {"arrivals": 1200, "admissions": 1100, "missed": None, "left": 20}
    waits = {"p50": 640, "p90": 1500}
    change = {"field": "mode", "from": "open", "to": "paused"}
    done = {"at": "2026-11-24T10:02:00Z", "action": "settle", "changes": [change], "by_hand": True}
    listed = {"count": 1, "by_hand": 1, "list": [done]}
    hours = [
        {"hour": f"{hour:02d}:00", **counts, "admissions": told, "wait_seconds": waits}
        for hour, told in ((8, 400), (9, 700), (10, None))
    ]
    lane = {"arrivals": 600, "admissions": 550, "share": 0.5}
    day = {
        "date": "2026-11-24", **counts, "wait_seconds": waits, "hours": hours, "interventions": listed,
        "lanes": {"main": lane, "first": lane | {"share": None}},
    }  # fmt: skip
    document = {
        "least_count": 10, "time_zone": _ZONE, "days": [day], "journal": {"head": "9f" * 32},
        "today": {"date": "2026-11-25", "until": "11:00", **counts, "interventions": listed},
    }  # fmt: skip
    return _open(pages, view, "open/statistics.html", document=document, shown=day)


OTHERS: Mapping[str, tuple[str, Callable[[Pages, WaitingView], bytes]]] = {
    "ask": ("none", _ask),
    "ask-wrong": ("none", lambda pages, view: _ask(pages, view, fault="digits", typed="12", lane_missing=True)),
    "ask-known": ("none", lambda pages, view: _ask(pages, view, known=True, typed="9912345678")),
    "code": ("none", lambda pages, view: pages.sheet("place/code.html", view, {"slug": ""})),
    "code-wrong": ("none", lambda pages, view: pages.sheet("place/code.html", view, {"slug": "unknown-code"})),
    "follow": ("waiting", lambda pages, view: _follow(pages, view, other=True)),
    "follow-called": ("called", _follow),
    "follow-inside": ("waiting", lambda pages, view: _follow(pages, view, inside=True)),
    "ticket": ("waiting", _ticket),
    "notify": ("waiting", _notify),
    "notify-kept": ("waiting", lambda pages, view: _notify(pages, view, masked="a…@example.org")),
    "notify-wrong": ("waiting", lambda pages, view: _notify(pages, view, typed={Way.EMAIL: "amel@"})),
    "draw": ("prequeue", lambda pages, view: _draw(pages, view, drawn=False)),
    "draw-done": ("waiting", lambda pages, view: _draw(pages, view, drawn=True)),
    "statistics": ("none", _statistics),
}
"""By name: the scene of the waiting page whose visitor looks at it, and how it is made."""
