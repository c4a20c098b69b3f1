"""The names of a room's keys: all share its hash tag, so each step is legal in Cluster and rooms spread over shards.

`ended` (session or ticket id → when it finished or left, ms), by which gateways refuse
passes of visits that are over; `shown` (called ticket id → its deadline) and `pressing` (called ticket id → when Enter
was last pressed, ms), from which the worker knows whom it may still expect; `visits` (session id → when it was
admitted, ms), so that a visit has a longest time whatever pass is shown; `drawn` (a string: the sorted ids of a draw, a
line each) and `drawing` (which worker prepares that list, for some seconds); `origin` (gateway process → what it saw of
the origin), from which the automatic pace is worked out; `series` (a stream: an entry a minute, for curves); `days`
(date → what was counted, JSON); `moved` (ticket id → when its place last moved to another device, seconds), by which
older copies of the ticket are refused; `tries` (a string of counters of one size: how often people were asked for by
number lately, in nominative rooms); `invitations` (a hash: batches of invitations to a lane, and which ticket used
each); `notify` (ticket id → what was told, and the address at which its visitor is told more, until there is nothing to
tell).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ecluse.domain.room import Room

_STEP = (
    "state", "settings", "called", "admitted", "missed", "ended", "shown", "pressing", "visits", "drawn", "moved",
    "people", "invitations",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomKeys:
    """A room's keys, in the order the scripts take them."""

    step: tuple[str, ...]
    """As the prelude of the scripts lists them: state, settings, the sets, then one line per lane."""
    board: str
    journal: str
    settings: str
    origin: str
    series: str
    ended: str
    moved: str
    drawn: str
    drawing: str
    tries: str
    invitations: str
    days: str
    notify: str
    lines: Mapping[str, str]
    """By lane."""


def room_keys(room: Room) -> RoomKeys:
    """The keys of `room`."""
    stem = f"ecluse:{{{room.id}}}:"
    lines = tuple(f"{stem}line:{lane.id}" for lane in room.lanes)
    return RoomKeys(
        step=tuple(stem + name for name in _STEP) + lines,
        board=stem + "board",
        journal=stem + "journal",
        settings=stem + "settings",
        origin=stem + "origin",
        series=stem + "series",
        ended=stem + "ended",
        moved=stem + "moved",
        drawn=stem + "drawn",
        drawing=stem + "drawing",
        tries=stem + "tries",
        invitations=stem + "invitations",
        days=stem + "days",
        notify=stem + "notify",
        lines=dict(zip((lane.id for lane in room.lanes), lines, strict=True)),
    )
