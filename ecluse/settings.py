"""What an operator configures: one TOML file, overridden by ECLUSE_… variables, checked as a whole.

Every mistake is reported together, each with its path. Secrets are named (`env:NAME`, `file:/path`), never written.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

RoomId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
MIN_SECRET_CHARS = 16
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"/([A-Za-z0-9._~!$&'()*+,=:@-]+/?)*")


class ConfigurationError(Exception):
    """The configuration has mistakes; `mistakes` lists them all, one line each with its path."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Role(StrEnum):
    """What an operator may do: look; look and tune; everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def read_secret(reference: str, environ: Mapping[str, str]) -> str:
    """The secret behind `env:NAME` or `file:/path`. Raises ValueError with what to do."""
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        secret = environ.get(name, "")
        if not secret:
            raise ValueError(f"set the variable {name}, for example to the output of: openssl rand -base64 32")
    elif kind == "file" and name:
        try:
            secret = Path(name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"cannot read {name}: {error.strerror}") from None
    else:
        raise ValueError("name the secret as env:NAME or file:/path; it is never written in the file")
    if len(secret) < MIN_SECRET_CHARS:
        raise ValueError(f"the secret behind {reference} is shorter than {MIN_SECRET_CHARS} characters")
    return secret


class LaneSettings(_Strict):
    """A parallel line of a room with a share of its pace."""

    id: RoomId
    title: dict[str, str] = {}
    weight: float = Field(default=1.0, gt=0, le=1000)


class RoomSettings(_Strict):
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
    session_max_seconds: int = Field(default=3600, ge=30, le=86_400)
    claim_seconds: int = Field(default=180, ge=5, le=3600)
    line_max: int = Field(default=1_000_000, ge=1, le=50_000_000)
    mode: Literal["open", "queueing", "paused", "closed"] = "open"
    notice: dict[str, str] = {}
    on_store_failure: Literal["hold", "open", "closed"] = "hold"
    origin_timeout_seconds: float = Field(default=60, gt=0, le=3600)
    body_max_bytes: int = Field(default=10 * 1024 * 1024, ge=0)
    lane: list[LaneSettings] = [LaneSettings(id="main")]

    @field_validator("hosts")
    @classmethod
    def _hosts_are_hosts(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is not a lower-case host name, with or without a port")
        return hosts

    @field_validator("paths", "open_paths")
    @classmethod
    def _paths_are_prefixes(cls, paths: list[str]) -> list[str]:
        for path in paths:
            if not _PATH.fullmatch(path):
                raise ValueError(f"{path!r} is not a plain absolute path such as /sarcelles/")
            if path.startswith("/_ecluse"):
                raise ValueError("/_ecluse/ belongs to the gateway")
        return paths

    @field_validator("origin")
    @classmethod
    def _origin_is_http(cls, origin: str) -> str:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("write the origin as http://host:port, without a path")
        return origin.rstrip("/")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.session_max_seconds < self.session_seconds:
            raise ValueError("session_max_seconds is shorter than session_seconds")
        if not self.paths:
            raise ValueError('paths is empty; write paths = ["/"] to protect everything')
        names = [lane.id for lane in self.lane]
        if not names or len(set(names)) != len(names):
            raise ValueError("a room needs at least one lane, each with its own id")
        return self


class OperatorSettings(_Strict):
    """Someone who may look at rooms, or tune them."""

    name: str = Field(min_length=1, max_length=80)
    role: Role = Role.VIEWER
    key: str


class Settings(BaseSettings):
    """A whole configuration. Build it with `load`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="ECLUSE_", env_nested_delimiter="__", env_ignore_empty=True
    )

    redis_url: str = "redis://localhost:6379/0"
    public_url: str = "http://localhost:8000"
    trusted_proxies: list[str] = []
    signing_keys: list[str] = Field(min_length=1)
    ticket_hours: int = Field(default=24, ge=1, le=240)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    workers: int = Field(default=2, ge=1, le=64)
    metrics_port: int = Field(
        default=9100, ge=0, le=65_000, description="first of a range, one per process; 0: free ports"
    )
    state_dir: str = ".ecluse"
    room: list[RoomSettings] = Field(min_length=1)
    operator: list[OperatorSettings] = []

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file."""
        return (env_settings, init_settings)

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_known(cls, url: str) -> str:
        known = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "embedded")
        if urlsplit(url).scheme not in known:
            raise ValueError("use redis://, rediss://, unix://, redis+sentinel://, redis+cluster:// or embedded://")
        return url

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("write the public address as https://host, without a path")
        return url.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks_are_networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"{error}; write a network such as 10.0.0.0/8") from None
        return networks

    @model_validator(mode="after")
    def _rooms_do_not_overlap(self) -> Self:
        ids = [room.id for room in self.room]
        for name in sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"two rooms are called {name!r}")
        seen: dict[tuple[str, str], str] = {}
        for room in self.room:
            for host in room.hosts or [""]:
                for path in room.paths:
                    other = seen.setdefault((host, path), room.id)
                    if other != room.id:
                        raise ValueError(f"rooms {other!r} and {room.id!r} both claim {host}{path}")
        return self

    @property
    def networks(self) -> list[IPv4Network | IPv6Network]:
        """The trusted proxies, parsed."""
        return [ip_network(network) for network in self.trusted_proxies]

    @property
    def secure(self) -> bool:
        """Whether visitors come by https: cookies are then Secure and __Host- prefixed."""
        return self.public_url.startswith("https://")


class Secrets(_Strict):
    """The secrets a configuration names, read once at start-up."""

    signing_keys: list[str]
    origin_keys: dict[str, str]
    """Room id → key that signs the pass for the origin."""
    operator_keys: list[tuple[OperatorSettings, str]]


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the file at `path`. Raises ConfigurationError with every mistake."""
    if path is None:
        named = (environ or os.environ).get("ECLUSE_CONFIG")
        if not named:
            raise ConfigurationError(["name the configuration: --config FILE or ECLUSE_CONFIG"])
        path = Path(named)
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: not TOML: {error}"]) from None
    return parse(table)


def parse(table: dict[str, Any]) -> Settings:
    """Check an already read table. Raises ConfigurationError with every mistake."""
    try:
        return Settings(**table)
    except ValidationError as error:
        raise ConfigurationError([_mistake(detail) for detail in error.errors()]) from None


def _mistake(detail: Any) -> str:
    where = ""
    for part in detail["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "unknown key"
    elif detail["type"] == "missing":
        message = "is missing"
    value = detail.get("input")
    shown = f" (got {value!r})" if isinstance(value, str | int | float) and detail["type"] != "missing" else ""
    return f"{where or 'configuration'}: {message}{shown}"


def secrets(settings: Settings, environ: Mapping[str, str] | None = None) -> Secrets:
    """Read every secret that `settings` names. Raises ConfigurationError with all that are missing."""
    source = os.environ if environ is None else environ
    mistakes: list[str] = []

    def read(where: str, reference: str) -> str:
        try:
            return read_secret(reference, source)
        except ValueError as error:
            mistakes.append(f"{where}: {error}")
            return ""

    found = Secrets(
        signing_keys=[read(f"signing_keys[{i}]", ref) for i, ref in enumerate(settings.signing_keys)],
        origin_keys={room.id: read(f"room[{i}].origin_key", room.origin_key) for i, room in enumerate(settings.room)},
        operator_keys=[(who, read(f"operator[{i}].key", who.key)) for i, who in enumerate(settings.operator)],
    )
    if mistakes:
        raise ConfigurationError(mistakes)
    return found
