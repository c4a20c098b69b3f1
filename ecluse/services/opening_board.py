"""What the board of a room says of its opening and of the draw."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecluse.domain.draw import commitment
from ecluse.store.draws import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningNow:
    """What the board says of the opening; all None in a room without hours."""

    opens_at: str | None = None
    closes_at: str | None = None
    campaign: Mapping[str, object] | None = None
    draw: Mapping[str, object] | None = None
    to_draw: bool = False
    """Whether the order of the line is not drawn yet."""

    @property
    def digest(self) -> str:
        """The same text as long as the board need not be put up anew."""
        return json.dumps([self.opens_at, self.closes_at, self.campaign, self.draw])


def draw_told(plan: Plan) -> dict[str, object]:
    """What the board says of any draw."""
    record: dict[str, Any] = json.loads(plan.draw) if plan.draw else {}
    return {
        "state": plan.draw_state or "none", "done": int(plan.draw_done or 0),
        **{name: record.get(name) for name in ("n", "commitment", "root", "seed")},
        "last_number": int(float(plan.draw_upto)) if plan.draw_upto else None,
        "next_commitment": commitment(bytes.fromhex(plan.next_secret)) if plan.next_secret else None,
    }  # fmt: skip


def rfc3339(at_ms: float) -> str:
    """A Unix time in ms, to the second or the ms, in UTC."""
    at = datetime.fromtimestamp(round(at_ms) / 1000, UTC)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")
