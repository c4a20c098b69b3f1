"""What a room publishes of itself: the draw explained, and the statistics of its days as JSON, CSV and a page.

Made from what is kept for a minute in memory, so that asking for it costs the line nothing. Pure ASGI.
"""

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecluse.clock import Clock
from ecluse.domain.draw import Record
from ecluse.domain.errors import NotFound
from ecluse.domain.statistics import LEAST, MEASURES, day, interventions, so_far
from ecluse.services.counting import zone_of
from gateway.answers import HTML, Answers
from gateway.asgi import Headers, Receive, Scope, Send, respond
from gateway.cookies import cookie
from gateway.directory import RoomEdge, Table, read_only
from gateway.draws import Draws
from gateway.page_views import by_language
from gateway.pages import SECURITY_HEADERS
from gateway.requests import query

KEPT_SECONDS = 60
JOURNAL_MOST = 1000
HIDDEN = "hidden"
_OPEN: Headers = [
    (b"access-control-allow-origin", b"*"), (b"x-content-type-options", b"nosniff"),
    (b"cache-control", f"public, max-age={KEPT_SECONDS}".encode()),
]  # fmt: skip
_COLUMNS = ("date", "hour", "lane", *MEASURES, "wait_p50_seconds", "wait_p90_seconds", "interventions")


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    document: dict[str, Any]


class OpenData:
    """The open data of all rooms, over HTTP."""

    def __init__(self, answers: Answers, draws: Draws, clock: Clock) -> None:
        self._answers = answers
        self._draws = draws
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    @property
    def table(self) -> Table:
        """What is served here."""
        return {
            b"/draw": read_only(self.draw_page),
            b"/statistics": read_only(self.statistics_page),
            b"/statistics.json": read_only(self.as_json),
            b"/statistics.csv": read_only(self.as_csv),
        }

    async def document(self, room: RoomEdge) -> dict[str, Any]:
        """The statistics of a room as they are public. Raises StoreAway."""
        kept, now = self._kept.get(room.id), self._clock()
        if kept is None or not kept.until - KEPT_SECONDS <= now < kept.until:
            kept = self._kept[room.id] = _Kept(now + KEPT_SECONDS, await self._made(room, now))
        return kept.document

    async def _made(self, room: RoomEdge, now: float) -> dict[str, Any]:
        counted, journal = await room.store.days(), await room.store.journal(JOURNAL_MOST)
        zone = zone_of(room.board.room)
        at = datetime.fromtimestamp(now, zone)
        today, lanes = at.date().isoformat(), [lane.id for lane in room.board.room.lanes]
        done = interventions([entry.document for entry in journal], zone)
        dates = sorted({date for date in (*counted, *done) if date < today}, reverse=True)
        days = [
            day(date, counted.get(date, {}), lanes) | {"interventions": _listed(done.get(date, []))}
            for date in dates[: room.board.room.statistics_days]
        ]
        running = so_far(today, counted.get(today, {}), f"{at.hour:02d}")
        return {
            "room": room.id, "title": dict(room.settings.title), "time_zone": str(zone), "least_count": LEAST,
            "today": running | {"interventions": _listed(done.get(today, []))}, "days": days,
            "journal": {"head": await room.store.head(), "entries_read": len(journal)},
        }  # fmt: skip

    async def as_json(self, room: RoomEdge, _scope: Scope, _receive: Receive, send: Send) -> None:
        """statistics.json. Raises StoreAway."""
        body = json.dumps(await self.document(room), ensure_ascii=False, separators=(",", ":"))
        await respond(send, 200, [*_OPEN, (b"content-type", b"application/json")], body.encode())

    async def as_csv(self, room: RoomEdge, _scope: Scope, _receive: Receive, send: Send) -> None:
        """statistics.csv: a row for each day, each of its lanes and each of its hours. Raises StoreAway."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(_COLUMNS)
        for each in (await self.document(room))["days"]:
            rows.writerows(_rows(each))
        name = f'attachment; filename="{room.id}-statistics.csv"'.encode()
        headers = [*_OPEN, (b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", name)]
        await respond(send, 200, headers, out.getvalue().encode())

    async def statistics_page(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The statistics for people; `day` names the one that is shown by hour. Raises NotFound, StoreAway."""
        document = await self.document(room)
        asked = query(scope).get("day")
        shown = next((each for each in document["days"] if asked in (None, each["date"])), None)
        if asked is not None and shown is None:
            raise NotFound
        await self._page(room, scope, send, "open/statistics.html", document=document, shown=shown)

    async def draw_page(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The draw for people, and where a ticket stands: that of `id`, else the caller's own. Raises NotFound."""
        record = Record.from_document(json.loads((await self._draws.published(room)).body))
        own = room.visits.read_ticket(cookie(scope, room.cookies.ticket))
        asked = query(scope).get("id", "").strip()[:64] or (None if own is None else own.id)
        await self._page(
            room, scope, send, "open/draw.html", record=record, told=room.board.draw, asked=asked,
            found=await self._draws.found(room, asked), now_ms=room.board.document["at_ms"],
            zone=str(zone_of(room.board.room)),
        )  # fmt: skip

    async def _page(self, room: RoomEdge, scope: Scope, send: Send, template: str, **values: object) -> None:
        lang = self._answers.language(scope)
        title, title_lang = by_language(dict(room.settings.title), lang)
        page = self._answers.pages.open_data(
            lang, template, room=room.id, room_title=title or room.id, title_lang=title_lang, **values
        )
        out: Headers = [HTML, *SECURITY_HEADERS]
        if query(scope).get("lang") == lang and cookie(scope, self._answers.chosen.name) != lang:
            out.append(self._answers.chosen.set(lang))
        await respond(send, 200, out, page)


def _listed(done: list[dict[str, Any]]) -> dict[str, Any]:
    return {"count": len(done), "by_hand": sum(each["by_hand"] for each in done), "list": done}


def _rows(each: dict[str, Any]) -> list[list[object]]:
    def row(hour: str, lane: str, of: dict[str, Any], interventions: object = "") -> list[object]:
        told = [(HIDDEN if of[name] is None else of[name]) if name in of else "" for name in MEASURES]
        waits = of.get("wait_seconds", {"p50": None, "p90": None})
        return [each["date"], hour, lane, *told, waits["p50"], waits["p90"], interventions]

    return [
        row("", "", each, each["interventions"]["count"]),
        *(row("", lane, found) for lane, found in each["lanes"].items()),
        *(row(found["hour"], "", found) for found in each["hours"]),
    ]
