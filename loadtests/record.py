"""The record of a load run: what the locust process writes, and the verdict reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loadtests.tally import BoardSeen, Tally, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that was seen in one run, as plain values."""

    traces: Sequence[Trace] = ()
    boards: Sequence[BoardSeen] = ()
    requests: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    """By "step status"."""
    wrong: Mapping[str, int] = field(default_factory=dict)
    """Wrong answers by kind."""
    examples: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tally: Tally, traces: Sequence[Trace]) -> "Record":
        """What `tally` and the visitors' traces say now."""
        # A Counter is not a plain dictionary to `asdict`: it would be counted anew.
        return cls(
            traces=list(traces),
            boards=list(tally.boards),
            requests=tally.requests,
            statuses=dict(tally.statuses),
            wrong=dict(tally.wrong),
            examples=dict(tally.examples),
            events=dict(tally.events),
        )

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read what `write` wrote."""
        found = json.loads(path.read_text(encoding="utf-8"))
        traces = [Trace(**each) for each in found.pop("traces")]
        boards = [BoardSeen(**each) for each in found.pop("boards")]
        return cls(traces=traces, boards=boards, **found)
