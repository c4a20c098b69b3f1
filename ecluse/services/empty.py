"""A room whose origin has no slot left: nobody is called into an empty shop, everybody in line is told, and now and
then one visitor is called to look, because only an answer to a visit tells that there are slots again."""

import json
from collections.abc import Mapping
from typing import Any

from ecluse.domain.room import Room

RECHECK_MS = 300_000
"""How often one is called although no slot is known of."""


def may_call(room: Room, picture: Any, since_ms: float | None) -> tuple[int | None, float | None]:
    """How many may be called at most, None while there are slots; and the moment to remember.

    That is since when no slot is left, or when somebody was last called to look.
    """
    if room.empty_notice is None or picture.get("slots_left") != 0:
        return None, None
    now_ms = float(picture["now_ms"])
    if since_ms is not None and now_ms - since_ms >= RECHECK_MS:
        return 1, now_ms
    return 0, now_ms if since_ms is None else since_ms


def mode_shown(mode: str, *, empty: bool) -> str:
    """The mode in force; a room that stops for lack of slots is paused to all who look at it."""
    return "paused" if empty and mode in ("open", "queueing") else mode


def notice_shown(room: Room, picture: Any, *, empty: bool) -> Mapping[str, str]:
    """What the operator says; before it, while no slot is left, what that means to those who wait."""
    kept = picture["notice"]
    notice: dict[str, str] = json.loads(kept) if kept else dict(room.notice)
    if not empty or room.empty_notice is None:
        return notice
    return {lang: f"{text} {notice.get(lang, '')}".strip() for lang, text in room.empty_notice.items()}
