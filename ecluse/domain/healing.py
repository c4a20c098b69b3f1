"""How a line that Redis lost comes back: everybody presents their signed ticket again, those at the front first.

Calls are held for a few seconds while the front returns (`_room.lua`); behind it the tickets are spread, so that the
return of many thousands is no storm of its own. Pages and programs read from the board how long that may take.
"""

from collections.abc import Mapping

FRONT_SECONDS = 2.0
"""Within this time the front presents its tickets: far less than calls are held."""
WAIT_SHARE = 0.25
"""Of the wait that somebody expects: they are back long before their turn, whatever the pace."""
SLACK_SECONDS = 60
"""For whoever looked at the board just before it told."""


def return_seconds(wait_seconds: float, spread_seconds: float) -> float:
    """The longest that a ticket with this wait is held back; the time is drawn evenly up to it.

    `static/js/line.js` holds the same rule for the browser.
    """
    return max(FRONT_SECONDS, min(spread_seconds, wait_seconds * WAIT_SHARE))


def told(healing: Mapping[str, float] | None, now_ms: float, spread_seconds: float) -> dict[str, object] | None:
    """What the board says of it while it lasts: since when, from when calls are made, over how long tickets return."""
    if healing is None:
        return None
    until_ms = healing["since_ms"] + (spread_seconds + SLACK_SECONDS) * 1000
    if not healing["since_ms"] <= now_ms < until_ms:
        return None
    return {
        "since_ms": int(healing["since_ms"]), "calls_from_ms": int(healing["calls_from_ms"]),
        "until_ms": int(until_ms), "spread_seconds": spread_seconds,
    }  # fmt: skip
