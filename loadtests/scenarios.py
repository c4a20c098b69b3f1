"""Load scenarios: who comes when, and what must hold. Each is a TOML file that a tester may copy and edit.

`loadtests/scenarios/NAME.toml` by its name, any other file by its path. All mistakes of a file are told at once.
The whole scenario travels to the locust processes as JSON.
"""

import tomllib
from pathlib import Path
from random import Random
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loadtests.personas import PERSONAS
from loadtests.shapes import Form, Wave, arrivals, split

FOLDER = Path(__file__).with_name("scenarios")
Share = Annotated[float, Field(ge=0, le=1)]


S = TypeVar("S", bound=BaseModel)


class BadScenario(Exception):
    """A scenario that cannot be run; the message has every mistake, a line each."""


class _Table(BaseModel):
    """A table that takes no unknown key and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WaveSettings(_Table):
    """A share of the visitors, between two moments: each in seconds, or as a share of the run."""

    share: float = Field(gt=0)
    form: Form = Form.EVEN
    start_seconds: float | None = Field(default=None, ge=0)
    start_share: Share | None = None
    length_seconds: float | None = Field(default=None, ge=0)
    length_share: Share | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if self.start_seconds is not None and self.start_share is not None:
            raise ValueError("start_seconds and start_share are both given")
        if (self.length_seconds is None) == (self.length_share is None):
            raise ValueError("write either length_seconds or length_share")
        return self

    def wave(self, people: int, run_seconds: float) -> Wave:
        """The wave in a run of that length; one that would begin after the end begins with the run."""
        start = self.start_seconds if self.start_seconds is not None else (self.start_share or 0.0) * run_seconds
        length = self.length_seconds if self.length_seconds is not None else (self.length_share or 0.0) * run_seconds
        start = min(start, run_seconds)
        return Wave(
            people=people, form=self.form, start_seconds=start, length_seconds=min(length, run_seconds - start)
        )  # fmt: skip


class Objectives(_Table):
    """What a run must show to pass. Over-admissions, forged admissions and answers of 5xx are always none."""

    order_tau: Share = 0.99
    """Least Kendall's tau between places and calls, in every lane."""
    error_share: Share = 0.01
    """Wrong answers per request: fewer than this."""
    origin_p95_seconds: float = Field(default=3.0, gt=0)
    """The origin's answers through the gate, at the 95th percentile: no slower."""
    success_share: Share = 0.8
    """Of the people of each persona that came when called and had a minute, the least share that reached its end."""
    robots_sigma: float = Field(default=3.0, gt=0)
    """Robots may book their share of the places, and no more than chance adds to it: this many deviations."""
    pace_share: Share | None = None
    """Least share of the pace that was used while a line stood."""
    bookings_share: Share | None = None
    """Least bookings, of the slots that the origin offered."""


class Scenario(_Table):
    """One load run. Shares are of all visitors, and need not add up to 1."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    title: str = ""
    """One sentence for the report."""
    users: int = Field(ge=1, le=1_000_000)
    minutes: float = Field(gt=0, le=24 * 60)
    personas: dict[str, Annotated[float, Field(ge=0)]]
    arrivals: list[WaveSettings] = Field(min_length=1)
    room: str = Field(default="prefecture", pattern=r"^[a-z0-9-]{1,40}$")
    home: str = Field(default="/", pattern=r"^/")
    burst: int = Field(default=2, ge=1)
    """The room's burst: the board does not tell it."""
    seed: int = 1
    direct_key: str = ""
    """The origin's key, for visitors who go to the origin without any gate; never in a file."""
    objectives: Objectives = Objectives()

    @field_validator("personas")
    @classmethod
    def _exist(cls, personas: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(personas) - set(PERSONAS))
        if unknown:
            raise ValueError(f"no such persona: {', '.join(unknown)} (there are {', '.join(sorted(PERSONAS))})")
        if not sum(personas.values()):
            raise ValueError("nobody comes: all shares are 0")
        return personas

    @property
    def seconds(self) -> float:
        """How long the run lasts."""
        return self.minutes * 60

    def arrival_times(self, random: Random) -> list[float]:
        """When each visitor comes, in seconds after the start."""
        parts = split(self.users, [wave.share for wave in self.arrivals])
        waves = [each.wave(people, self.seconds) for each, people in zip(self.arrivals, parts, strict=True)]
        return arrivals(waves, random)

    def to_json(self) -> str:
        """The scenario as text for the locust processes."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The scenario in `text`, which `to_json` made."""
        return cls.model_validate_json(text)

    def with_changes(self, **changes: object) -> Self:
        """The scenario with those of `changes` that are not None. Raises BadScenario."""
        given = {name: value for name, value in changes.items() if value is not None}
        return _checked(type(self), {**self.model_dump(), **given}, self.name)


def _checked(kind: type[S], found: object, where: str) -> S:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        lines = []
        for each in error.errors(include_url=False):
            path = ".".join(str(part) for part in each["loc"]) or "the file"
            lines.append(f"{where}: {path}: {each['msg'].removeprefix('Value error, ')}")
        raise BadScenario("\n".join(lines)) from None


def scenario_names() -> list[str]:
    """The scenarios that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_scenario(name: str) -> Scenario:
    """A scenario by its name, or by the path of a file that ends in .toml. Raises BadScenario."""
    if name.endswith(".toml"):
        path = Path(name)
    elif name in scenario_names():
        path = FOLDER / f"{name}.toml"
    else:
        raise BadScenario(
            f"there is no scenario {name!r}; choose one of: {', '.join(scenario_names())}; "
            "or name a file that ends in .toml"
        )
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadScenario(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadScenario(f"{path}: {error}") from None
    if "direct_key" in found:
        raise BadScenario(f"{path}: direct_key: a key has no place in a file")
    return _checked(Scenario, {"name": path.stem, **found}, str(path))
