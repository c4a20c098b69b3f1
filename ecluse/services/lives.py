"""What a worker keeps in mind of a room, should Redis lose it: which life of the data, and how far it was called."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import structlog

from ecluse.store.line import Line

log = structlog.get_logger()


class Lives:
    """The lives of one room's data, as one worker saw them."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._epoch = ""
        self._campaign = ""
        self._serving: Mapping[str, float] = {}

    @property
    def next_epoch(self) -> str:
        """A name for the data, should it have none, and after it the one it had: then it was lost."""
        return f"{secrets.token_urlsafe(6)} {self._epoch}".rstrip()

    async def follow(self, picture: Any, campaign: object) -> None:
        """Tell a new life how far the line had been called in the one lost; `picture` follows. Raises StoreAway."""
        epoch, now = picture["epoch"], json.dumps(campaign)
        if self._epoch and epoch != self._epoch:
            log.warning("line_lost", room=self._line.room.id, epoch=self._epoch, new_epoch=epoch)
            if self._campaign == now:
                await self._line.recall(epoch, self._serving)
                for name, place in self._serving.items():
                    picture["lanes"][name]["serving"] = max(picture["lanes"][name]["serving"], place)
        self._epoch, self._campaign = epoch, now
        self._serving = {name: float(lane["serving"]) for name, lane in picture["lanes"].items()}
