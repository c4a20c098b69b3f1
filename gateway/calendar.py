"""The next opening of a room as a calendar file (RFC 5545): one event, with a reminder ten minutes before."""

from datetime import UTC, datetime

from ecluse.domain.errors import NotFound
from gateway.answers import Answers
from gateway.asgi import Receive, Scope, Send, respond
from gateway.directory import RoomEdge, Table, read_only
from gateway.page_views import by_language
from gateway.waiting_views import unix_ms

_LINE_BYTES = 75
_HOUR_MS = 3_600_000


class Calendar:
    """The calendar files of all rooms."""

    def __init__(self, answers: Answers, public_url: str) -> None:
        self._answers = answers
        self._public_url = public_url

    @property
    def table(self) -> Table:
        """What is served here."""
        return {
            b"/opening.ics": read_only(self.opening),
        }

    async def opening(self, room: RoomEdge, scope: Scope, _receive: Receive, send: Send) -> None:
        """The opening that comes next. Raises NotFound where none is known."""
        board = room.board.document
        opens_at_ms = unix_ms(board["opens_at"])
        if opens_at_ms is None:
            raise NotFound
        title, _ = by_language(dict(room.settings.title), self._answers.language(scope))
        file = event_file(
            uid=f"{room.id}-{opens_at_ms}@{self._public_url.partition('//')[2]}",
            title=title or room.id,
            url=self._public_url + room.home,
            made_ms=board["at_ms"],
            from_ms=opens_at_ms,
            until_ms=unix_ms(board["closes_at"]) or opens_at_ms + _HOUR_MS,
        )
        name = f'attachment; filename="{room.id}.ics"'.encode()
        await respond(
            send, 200,
            [(b"content-type", b"text/calendar; charset=utf-8"), (b"content-disposition", name),
             (b"cache-control", b"public, max-age=60"), (b"vary", b"Cookie, Accept-Language")],
            b"" if scope["method"] == "HEAD" else file,
        )  # fmt: skip


def event_file(*, uid: str, title: str, url: str, made_ms: int, from_ms: int, until_ms: int) -> bytes:
    """One event; times are Unix ms."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Ecluse//Opening//EN", "BEGIN:VEVENT",
        f"UID:{_text(uid)}", f"DTSTAMP:{_instant(made_ms)}", f"DTSTART:{_instant(from_ms)}",
        f"DTEND:{_instant(until_ms)}", f"SUMMARY:{_text(title)}", f"URL:{url}", "TRANSP:TRANSPARENT",
        "BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{_text(title)}", "TRIGGER:-PT10M", "END:VALARM",
        "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return b"".join(map(_folded, lines))


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """A text value (RFC 5545 §3.3.11)."""
    for char, said in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        value = value.replace(char, said)
    return value


def _folded(line: str) -> bytes:
    """A content line in pieces of at most 75 bytes that never cut a character (RFC 5545 §3.1)."""
    pieces, piece = [], b""
    for char in line:
        if len(piece) + len(char.encode()) > _LINE_BYTES:
            pieces.append(piece)
            piece = b" "
        piece += char.encode()
    return b"\r\n".join([*pieces, piece]) + b"\r\n"
