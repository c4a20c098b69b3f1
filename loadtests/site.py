"""Where the simulated visitors go, and how a browser and a program introduce themselves there."""

from dataclasses import dataclass

PAGE = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Dest": "document"}
JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the visitors go: a room, and the first page behind it."""

    room: str
    home: str = "/"
    direct_key: bytes = b""
    """The origin's key: visitors show the origin a pass of their own making, because no gate stands before it."""
