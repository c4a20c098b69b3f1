"""The record of a load run: what each locust process writes, and the verdict reads."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loadtests.generator import GeneratorSeen
from loadtests.tally import BoardSeen, OriginSeen, Tally, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that was seen in one run, as plain values."""

    traces: Sequence[Trace] = ()
    boards: Sequence[BoardSeen] = ()
    origin: Sequence[OriginSeen] = ()
    requests: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    """By "step status"."""
    wrong: Mapping[str, int] = field(default_factory=dict)
    """Wrong answers by kind."""
    examples: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    latencies: Mapping[str, int] = field(default_factory=dict)
    """By "step bucket"."""
    per_second: Mapping[str, int] = field(default_factory=dict)
    """Requests by the second in which they were sent."""
    slots_offered: int = 0
    started_at: float = 0.0
    """When the first arrival was due; times are Unix seconds, so that records of several machines fit together."""
    generators: Sequence[GeneratorSeen] = ()

    @classmethod
    def of(cls, tally: Tally, *, started_at: float = 0.0, generators: Sequence[GeneratorSeen] = ()) -> "Record":
        """What `tally` says now."""
        # A Counter is not a plain dictionary to `asdict`: it would be counted anew.
        return cls(
            traces=list(tally.traces or ()),
            boards=list(tally.boards),
            origin=list(tally.origin or ()),
            requests=tally.requests,
            statuses=dict(tally.statuses),
            wrong=dict(tally.wrong),
            examples=dict(tally.examples),
            events=dict(tally.events),
            latencies=dict(tally.latencies),
            per_second={str(second): count for second, count in tally.per_second.items()},
            slots_offered=tally.slots_offered,
            started_at=started_at,
            generators=list(generators),
        )

    def plain(self) -> dict[str, Any]:
        """As numbers, texts, lists and dictionaries."""
        return asdict(self)

    @classmethod
    def from_plain(cls, found: Mapping[str, Any]) -> "Record":
        """What `plain` made."""
        made: dict[str, Any] = dict(found)
        for name, kind in (
            ("traces", Trace), ("boards", BoardSeen), ("origin", OriginSeen), ("generators", GeneratorSeen),
        ):  # fmt: skip
            made[name] = [kind(**each) for each in made[name]]
        return cls(**made)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(self.plain()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read what `write` wrote."""
        return cls.from_plain(json.loads(path.read_text(encoding="utf-8")))


def merged(records: Sequence[Record]) -> Record:
    """One record of what several processes saw of one run."""

    def total(name: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for record in records:
            counts.update(getattr(record, name))
        return dict(counts)

    begun = [record.started_at for record in records if record.started_at]
    return Record(
        traces=[trace for record in records for trace in record.traces],
        boards=sorted((board for record in records for board in record.boards), key=lambda each: each.received_at),
        origin=sorted((seen for record in records for seen in record.origin), key=lambda each: each.received_at),
        requests=sum(record.requests for record in records),
        statuses=total("statuses"),
        wrong=total("wrong"),
        examples={kind: text for record in records for kind, text in record.examples.items()},
        events=total("events"),
        latencies=total("latencies"),
        per_second=total("per_second"),
        slots_offered=max((record.slots_offered for record in records), default=0),
        started_at=min(begun, default=0.0),
        generators=[seen for record in records for seen in record.generators],
    )
