"""A turn of the worker as those in line feel it: what the estimates learn from."""

from collections.abc import Mapping, Sequence
from typing import Any

from ecluse.domain.board import Mark
from ecluse.domain.calling import ShowModel
from ecluse.domain.prospect import LaneTurn, RoomTurn
from ecluse.domain.room import Room

_LONGEST_TURN_MS = 2000.0
"""After a longer time without a worker, what was expected meanwhile says nothing."""


def room_turn(
    room: Room, picture: Any, called: Mapping[str, int], model: ShowModel, marks: Mapping[str, Sequence[Mark]]
) -> RoomTurn:
    """The turn whose `picture` (see tick.lua) was taken, after its calls."""
    weights = {lane.id: lane.weight for lane in room.lanes}
    busy = sum(weights[name] for name, lane in picture["lanes"].items() if lane["waiting"]) or 1.0
    return RoomTurn(
        now_ms=float(picture["now_ms"]),
        turn_ms=min(float(picture["since_ms"]), _LONGEST_TURN_MS),
        pace_per_minute=picture["pace_per_minute"],
        show_rate=model.show_after(room.claim_ms)[0],
        full=bool(picture["capacity"]) and picture["active"] >= picture["capacity"],
        mode=picture["mode"],
        lanes={
            name: LaneTurn(
                waiting=lane["waiting"],
                serving=lane["serving"],
                calls=called.get(name, 0),
                share=weights[name] / busy if lane["waiting"] else 1.0,
                marks=marks.get(name, []),
            )
            for name, lane in picture["lanes"].items()
        },
    )
