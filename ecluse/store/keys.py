"""The names of a room's keys: all share its hash tag, so each step is legal in Cluster and rooms spread over shards.

Beyond the table of DESIGN.md: `ended` (session or ticket id → when it finished or left, ms), by which gateways refuse
passes of visits that are over; `shown` (called ticket id → its deadline) and `pressing` (called ticket id → when Enter
was last pressed, ms), from which the worker knows whom it may still expect; `visits` (session id → when it was
admitted, ms), so that a visit has a longest time whatever pass is shown; `drawn` (a string: the sorted ids of a draw, a
line each) and `drawing` (which worker prepares that list, for some seconds); `origin` (gateway process → what it saw of
the origin), from which the automatic pace is worked out; `series` (a stream: an entry a minute, for curves);
`days` (date → what was counted, JSON).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ecluse.domain.room import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomKeys:
    """A room's keys, in the order the scripts take them."""

    step: tuple[str, ...]
    """state, settings, called, admitted, missed, ended, shown, pressing, visits, drawn, then one line per lane."""
    board: str
    journal: str
    settings: str
    origin: str
    series: str
    ended: str
    drawn: str
    drawing: str
    days: str
    lines: Mapping[str, str]
    """By lane."""


def room_keys(room: Room) -> RoomKeys:
    """The keys of `room`."""
    stem = f"ecluse:{{{room.id}}}:"
    names = ("state", "settings", "called", "admitted", "missed", "ended", "shown", "pressing", "visits", "drawn")
    lines = tuple(f"{stem}line:{lane.id}" for lane in room.lanes)
    return RoomKeys(
        step=tuple(stem + name for name in names) + lines,
        board=stem + "board",
        journal=stem + "journal",
        settings=stem + "settings",
        origin=stem + "origin",
        series=stem + "series",
        ended=stem + "ended",
        drawn=stem + "drawn",
        drawing=stem + "drawing",
        days=stem + "days",
        lines=dict(zip((lane.id for lane in room.lanes), lines, strict=True)),
    )
