"""What a configuration says of a room's opening hours, and of the draw at the opening."""

import re
from datetime import date
from itertools import pairwise
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ecluse.checks import each
from ecluse.domain.opening import DAY_MINUTES, DrandSource, DrawKind, Hours, Timetable

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_hours(text: str) -> Hours:
    """The hours in "09:00-12:00"; "22:00-02:00" ends on the day after, "00:00-24:00" is a whole day.

    Raises ValueError.
    """
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is not written as "09:00-12:00"')
    hour, minute, last_hour, last_minute = map(int, found.groups())
    start, until = hour * 60 + minute, last_hour * 60 + last_minute
    if minute > 59 or last_minute > 59 or start >= DAY_MINUTES or until > DAY_MINUTES:
        raise ValueError(f"{text!r} has a time that no clock shows")
    if start == until:
        raise ValueError(f'{text!r} has no length; write "00:00-24:00" for a whole day, and [] for a closed one')
    return Hours(start, until)


def _check_day(day: str, hours: list[str]) -> None:
    each(read_hours, hours)
    found = sorted(map(read_hours, hours), key=lambda opening: opening.start)
    for before, after in pairwise(found):
        if before.until > after.start or before.until <= before.start:
            raise ValueError(f"{day}: two openings of one day overlap")


def _check_date(day: str) -> None:
    try:
        if not _DATE.fullmatch(day):
            raise ValueError
        date.fromisoformat(day)
    except ValueError:
        raise ValueError(f'{day!r} is not a date written as "2026-12-25"') from None


class DrandSettings(BaseModel):
    """Whom to ask for a round of drand, and of which chain; left out: drand's public chain, at its public relays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    relays: list[str] = []
    chain: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    public_key: str = Field(default="", pattern=r"^([0-9a-f]{192})?$")
    genesis: int = Field(default=0, ge=0)
    period_seconds: int = Field(default=0, ge=0, le=3600)

    @field_validator("relays")
    @classmethod
    def _relays_are_addresses(cls, relays: list[str]) -> list[str]:
        for relay in relays:
            parts = urlsplit(relay)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError(f"{relay!r} is not an address such as https://api.drand.sh")
        return relays

    @model_validator(mode="after")
    def _whole_chain_or_none(self) -> Self:
        told = [bool(each) for each in (self.chain, self.public_key, self.genesis, self.period_seconds)]
        if any(told) and not all(told):
            raise ValueError("chain, public_key, genesis and period_seconds describe a chain together, or none of them")
        return self

    @property
    def source(self) -> DrandSource:
        """The same for the line."""
        return DrandSource(
            chain=self.chain, public_key=self.public_key, genesis=self.genesis, period_seconds=self.period_seconds,
            relays=tuple(self.relays),
        )  # fmt: skip


class OpeningSettings(BaseModel):
    """When a room opens; without it a room is always open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: str = "Europe/Paris"
    weekly: dict[Weekday, list[str]] = {}
    exceptions: dict[str, list[str]] = {}
    prequeue_minutes: int = Field(default=0, ge=0, le=DAY_MINUTES)
    keep_places: bool = False
    draw: DrawKind = DrawKind.NONE
    drand: DrandSettings | None = None

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone known here; write a name such as Europe/Paris") from None
        return name

    @field_validator("weekly", "exceptions")
    @classmethod
    def _hours_are_hours(cls, table: dict[str, list[str]]) -> dict[str, list[str]]:
        each(lambda day: _check_day(day, table[day]), table)
        return table

    @field_validator("exceptions")
    @classmethod
    def _dates_are_dates(cls, table: dict[str, list[str]]) -> dict[str, list[str]]:
        each(_check_date, table)
        return table

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not any(self.weekly.values()) and not any(self.exceptions.values()):
            raise ValueError('the room would never open; write weekly = { mon = ["09:00-12:00"] }')
        if self.draw is not DrawKind.NONE and self.prequeue_minutes == 0:
            raise ValueError("a draw needs people to draw: set prequeue_minutes")
        if self.draw is not DrawKind.NONE and self.keep_places:
            raise ValueError("draw and keep_places exclude each other: places kept from before would escape the draw")
        return self

    @property
    def timetable(self) -> Timetable:
        """The hours, parsed."""
        return Timetable(
            zone=ZoneInfo(self.time_zone),
            weekly={_WEEK.index(day): tuple(map(read_hours, hours)) for day, hours in self.weekly.items()},
            exceptions={date.fromisoformat(day): tuple(map(read_hours, h)) for day, h in self.exceptions.items()},
            prequeue_minutes=self.prequeue_minutes,
        )
