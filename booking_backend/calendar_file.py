"""An appointment for a calendar: RFC 5545. Lines end in CRLF and are folded at 75 octets."""

from datetime import UTC, datetime


def calendar_file(*, uid: str, starts_at: int, minutes: int, words: tuple[str, str, str], now: int) -> bytes:
    """A calendar with one event; `words` are its title, place and description. Times are Unix seconds.

    The same `uid` again, later, moves the event in the visitor's calendar.
    """
    title, place, description = map(_escaped, words)
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Ecluse//Booking//FR",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}@ecluse",
        f"DTSTAMP:{_utc(now)}",
        f"SEQUENCE:{now // 60}",
        f"DTSTART:{_utc(starts_at)}",
        f"DTEND:{_utc(starts_at + minutes * 60)}",
        f"SUMMARY:{title}",
        f"LOCATION:{place}",
        f"DESCRIPTION:{description}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _utc(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """At most 75 octets a line, never inside a character."""
    pieces: list[bytes] = []
    piece = b""
    for char in line:
        octets = char.encode()
        if len(piece) + len(octets) > (75 if not pieces else 74):
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece])
