"""What a configuration says of one room, its lanes, and of those who operate it."""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ecluse.auto_settings import AutoSettings
from ecluse.checks import each, origin_parts
from ecluse.look_settings import ContactSettings, ThemeSettings
from ecluse.notify_settings import NotifySettings
from ecluse.opening_settings import OpeningSettings
from ecluse.person_settings import PersonSettings

RoomId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"/(?:[A-Za-z0-9._!$&'()*+,=:@-]+/)*[A-Za-z0-9._!$&'()*+,=:@-]*")


class Role(StrEnum):
    """What an operator may do: look; look and tune; everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Strict(BaseModel):
    """A table that takes no unknown key and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def checked_paths(paths: list[str]) -> list[str]:
    """The same paths. Raises ValueError with all that no request here could have."""
    each(_check_path, paths)
    return paths


def _check_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a plain absolute path such as /sarcelles/")
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise ValueError(f"{path!r} has dot segments, which no request here may have")
    if path.startswith("/_ecluse"):
        raise ValueError("/_ecluse/ belongs to the gateway")


def _check_host(host: str) -> None:
    port = host.partition(":")[2]
    if not _HOST.fullmatch(host) or (port and not 1 <= int(port) <= 65_535):
        raise ValueError(f"{host!r} is not a lower-case host name, with or without a port")


class LaneSettings(Strict):
    """A parallel line of a room with a share of its pace."""

    id: RoomId
    title: dict[str, str] = {}
    help: dict[str, str] = {}
    weight: float = Field(default=1.0, gt=0, le=1000)
    quota: int = Field(default=0, ge=0, le=10_000_000)
    max_wait_seconds: int = Field(default=0, ge=0, le=86_400)
    paths: list[str] = []
    open: bool = True

    @field_validator("paths")
    @classmethod
    def _paths_are_prefixes(cls, paths: list[str]) -> list[str]:
        return checked_paths(paths)


class RoomSettings(Strict):
    """One line in front of one set of hosts and paths. Rates are per minute, durations in seconds."""

    id: RoomId
    title: dict[str, str] = Field(default={}, description="by language code")
    hosts: list[str] = []
    paths: list[str] = ["/"]
    open_paths: list[str] = []
    origin: str
    origin_key: str
    pace_per_minute: float = Field(default=60, ge=0.1, le=100_000)
    burst: int = Field(default=2, ge=1, le=10_000)
    capacity: int = Field(default=0, ge=0, le=10_000_000)
    session_seconds: int = Field(default=600, ge=30, le=86_400)
    session_max_seconds: int = Field(default=3600, ge=30, le=86_400, validate_default=True)
    visit_requests_per_minute: int = Field(default=0, ge=0, le=100_000)
    claim_seconds: int = Field(default=180, ge=5, le=3600)
    line_max: int = Field(default=1_000_000, ge=1, le=50_000_000)
    mode: Literal["open", "queueing", "paused", "closed"] = "open"
    notice: dict[str, str] = {}
    stop_when_empty: bool = False
    empty_notice: dict[str, str] = {
        "fr": "Toutes les places sont prises. Personne n’est appelé tant qu’aucune place ne se libère ; "
        "votre rang est conservé.",
        "en": "Every place is taken. Nobody is called until a place is free again; your place in line is kept.",
    }
    on_store_failure: Literal["hold", "open", "closed"] = "hold"
    statistics_days: int = Field(default=90, ge=1, le=400)
    return_seconds: int = Field(default=60, ge=2, le=600)
    origin_timeout_seconds: float = Field(default=60, gt=0, le=3600)
    body_max_bytes: int = Field(default=10 * 1024 * 1024, ge=0)
    lane: list[LaneSettings] = [LaneSettings(id="main")]
    pace: Literal["manual", "auto"] = "manual"
    auto: AutoSettings = AutoSettings()
    opening: OpeningSettings | None = None
    theme: ThemeSettings | None = None
    contact: ContactSettings | None = None
    person: PersonSettings | None = None
    invitations_per_issuer: int = Field(default=500, ge=0, le=1_000_000)
    notify: NotifySettings | None = None

    @field_validator("hosts")
    @classmethod
    def _hosts_are_hosts(cls, hosts: list[str]) -> list[str]:
        each(_check_host, hosts)
        return hosts

    @field_validator("paths", "open_paths")
    @classmethod
    def _paths_are_prefixes(cls, paths: list[str]) -> list[str]:
        return checked_paths(paths)

    @field_validator("origin")
    @classmethod
    def _origin_is_http(cls, origin: str) -> str:
        if origin_parts(origin) is None:
            raise ValueError("write the origin as http://host:port, without a path")
        return origin.rstrip("/")

    # What two settings make of each other is checked at one of them: a check of the whole room would wait until
    # nothing else in it is wrong, and all mistakes are told together.
    @field_validator("session_max_seconds")
    @classmethod
    def _lasts_as_long_as_it_may_rest(cls, seconds: int, info: ValidationInfo) -> int:
        if seconds < info.data.get("session_seconds", 0):
            raise ValueError("session_max_seconds is shorter than session_seconds")
        return seconds

    @field_validator("paths")
    @classmethod
    def _protects_something(cls, paths: list[str]) -> list[str]:
        if not paths:
            raise ValueError('paths is empty; write paths = ["/"] to protect everything')
        return paths

    @field_validator("lane")
    @classmethod
    def _lanes_fit_together(cls, lanes: list[LaneSettings]) -> list[LaneSettings]:
        names = [lane.id for lane in lanes]
        if not names or len(set(names)) != len(names):
            raise ValueError("a room needs at least one lane, each with its own id")
        if not any(lane.open for lane in lanes):
            raise ValueError("a room needs at least one lane with open = true")
        claimed = [path.rstrip("/") for lane in lanes for path in lane.paths]
        if len(set(claimed)) != len(claimed):
            raise ValueError("two lanes claim the same path")
        if any(lane.paths and not lane.open for lane in lanes):
            raise ValueError("a lane with open = false takes nobody by path: leave out its paths")
        return lanes


class AideSettings(Strict):
    """A helper: somebody who takes places for others (an association, a town hall, a counter)."""

    name: str = Field(min_length=1, max_length=80)
    key: str
    rooms: list[RoomId] = Field(min_length=1)
    quota: int = Field(default=20, ge=1, le=200)
    lane: str = ""


class OperatorSettings(Strict):
    """Someone who may look at rooms, or tune them."""

    name: str = Field(min_length=1, max_length=80)
    role: Role = Role.VIEWER
    key: str = ""
    password: str = ""

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if not self.key and not self.password:
            raise ValueError("an operator needs a key, a password, or both")
        return self


def overlaps(rooms: object) -> list[str]:
    """Which rooms share a name or an address, as far as that can be told from what may still be wrong otherwise."""
    mistakes: list[str] = []
    names: set[str] = set()
    claimed: dict[tuple[str, str], str] = {}
    for room in rooms if isinstance(rooms, list) else []:
        if not isinstance(room, dict) or not isinstance(room.get("id"), str):
            continue
        name, hosts, paths = room["id"], room.get("hosts") or [""], room.get("paths", ["/"])
        if name in names:
            mistakes.append(f"room: two rooms are called {name!r}")
            continue
        names.add(name)
        if not isinstance(hosts, list) or not isinstance(paths, list):
            continue
        for host in hosts:
            for path in paths:
                # /a and /a/ are one: both cover /a and what is below it.
                other = claimed.setdefault((str(host), str(path).rstrip("/")), name)
                if other != name:
                    mistakes.append(f"room: rooms {other!r} and {name!r} both claim {host}{path}")
    return mistakes
