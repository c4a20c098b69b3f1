"""Load scenarios: who comes when, and what must hold. One value has all parameters; it travels to locust as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """What a run must show to pass. Over-admissions, forged admissions and 5xx are always none."""

    order_tau: float = 0.99
    """Least Kendall's tau between places and calls, in every lane."""
    error_share: float = 0.01
    """Wrong answers per request: fewer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One load run. Shares are of all visitors, and need not add up to 1."""

    name: str
    users: int
    minutes: float
    personas: Mapping[str, float]
    spike_share: float = 0.8
    """How many of the visitors come in the spike; the others come until `stragglers_until`."""
    spike_seconds: float = 5.0
    stragglers_until: float = 0.6
    """Share of the run after which nobody new comes."""
    room: str = "prefecture"
    home: str = "/"
    burst: int = 2
    """The room's burst: the board does not tell it."""
    seed: int = 1
    objectives: Objectives = field(default_factory=Objectives)

    @property
    def seconds(self) -> float:
        """How long the run lasts."""
        return self.minutes * 60

    def to_json(self) -> str:
        """The scenario as text for the locust process."""
        return json.dumps({**asdict(self), "personas": dict(self.personas)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The scenario in `text`, which `to_json` made."""
        found = json.loads(text)
        return cls(**{**found, "objectives": Objectives(**found["objectives"])})

    def with_changes(self, **changes: object) -> Self:
        """The scenario with those of `changes` that are not None."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]


SCENARIOS: Mapping[str, Scenario] = {
    each.name: each
    for each in (
        Scenario(
            name="opening-spike",
            users=500,
            minutes=2,
            personas={
                "applicant": 0.50,
                "impatient": 0.15,
                "app": 0.10,
                "no-show": 0.20,
                "leaver": 0.03,
                "forger": 0.02,
            },
        ),
    )
}
