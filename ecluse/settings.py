"""What an operator configures: one TOML file, overridden by ECLUSE_… variables, checked as a whole.

Every mistake is reported together, each with its path. Secrets are named (`env:NAME`, `file:/path`), never written.
"""

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Self, get_origin

from pydantic import Field, ValidationError, field_validator, model_validator

from ecluse.checks import check_redis_url, each, origin_parts
from ecluse.notify_settings import NotifySettings
from ecluse.opening_settings import OpeningSettings
from ecluse.passwords import PasswordHash
from ecluse.room_settings import AideSettings, LaneSettings, OperatorSettings, Role, RoomSettings, Strict, overlaps
from ecluse.signing import SigningKey

MIN_SECRET_CHARS = 16


__all__ = [
    "AideSettings",
    "ConfigurationError",
    "LaneSettings",
    "NotifySettings",
    "OpeningSettings",
    "OperatorSettings",
    "Role",
    "RoomSettings",
    "Secrets",
    "Settings",
    "load",
    "parse",
    "read_secret",
    "secrets",
]


class ConfigurationError(Exception):
    """The configuration has mistakes; `mistakes` lists all, one line each with its path; `table` is what it says."""

    def __init__(self, mistakes: list[str], table: Mapping[str, Any] | None = None) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes
        self.table = table or {}


def read_secret(reference: str, environ: Mapping[str, str], *, least: int = MIN_SECRET_CHARS) -> str:
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
    if len(secret) < least:
        raise ValueError(f"the secret behind {reference} is shorter than {least} characters")
    return secret


class Settings(Strict):
    """A whole configuration. Build it with `load`."""

    redis_url: str = "redis://localhost:6379/0"
    public_url: str = "http://localhost:8000"
    trusted_proxies: list[str] = Field(default=[])
    signing_keys: list[str] = Field(min_length=1)
    ticket_hours: int = Field(default=24, ge=1, le=240)
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=1, le=65_535)
    workers: int = Field(default=2, ge=1, le=64)
    metrics_port: int = Field(
        default=9100, ge=0, le=65_000, description="first of a range, one per process; 0: free ports"
    )
    state_dir: str = ".ecluse"
    templates_dir: str | None = None
    room: list[RoomSettings] = Field(min_length=1)
    operator: list[OperatorSettings] = Field(default=[])
    helper: list[AideSettings] = Field(default=[])

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_known(cls, url: str) -> str:
        check_redis_url(url)
        return url

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_origin(cls, url: str) -> str:
        parts = origin_parts(url)
        if parts is None:
            raise ValueError("write the public address as https://host, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("trusted_proxies")
    @classmethod
    def _networks_are_networks(cls, networks: list[str]) -> list[str]:
        try:
            each(ip_network, networks)
        except ValueError as error:
            raise ValueError(f"{error}; write a network such as 10.0.0.0/8") from None
        return networks

    @model_validator(mode="after")
    def _aides_fit_the_rooms(self) -> Self:
        lanes = {room.id: {lane.id for lane in room.lane} for room in self.room}
        if len({who.name for who in self.helper}) != len(self.helper):
            raise ValueError("helper: two helpers have the same name; the journal could not tell them apart")
        for who in self.helper:
            for room in who.rooms:
                if room not in lanes:
                    raise ValueError(f"helper {who.name}: there is no room {room!r}")
                if who.lane and who.lane not in lanes[room]:
                    raise ValueError(f"helper {who.name}: room {room!r} has no lane {who.lane!r}")
        return self

    @model_validator(mode="after")
    def _names_sign_in_one_operator(self) -> Self:
        names = [who.name for who in self.operator if who.password]
        if len(set(names)) != len(names):
            raise ValueError("operator: two operators with a password have the same name")
        return self

    @field_validator("templates_dir")
    @classmethod
    def _templates_are_a_folder(cls, folder: str | None) -> str | None:
        if folder is not None and not Path(folder).is_dir():
            raise ValueError("there is no such folder")
        return folder

    @property
    def templates(self) -> Path | None:
        """The folder of templates of one's own."""
        return None if self.templates_dir is None else Path(self.templates_dir)

    @property
    def networks(self) -> list[IPv4Network | IPv6Network]:
        """The trusted proxies, parsed."""
        return [ip_network(network) for network in self.trusted_proxies]

    @property
    def secure(self) -> bool:
        """Whether visitors come by https: cookies are then Secure and __Host- prefixed."""
        return self.public_url.startswith("https://")


class Secrets(Strict):
    """The secrets a configuration names, read once at start-up."""

    signing_keys: list[str]
    origin_keys: dict[str, str]
    """Room id → key that signs the pass for the origin."""
    operator_keys: list[tuple[OperatorSettings, str]]
    operator_passwords: list[tuple[OperatorSettings, str]] = Field(default=[])
    """Operators and the hashes of their passwords."""
    aide_keys: list[tuple[AideSettings, str]] = Field(default=[])
    person_keys: dict[str, str] = Field(default={})
    """Room id → key of the digests of its people, for nominative rooms."""


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the file at `path`. Raises ConfigurationError with every mistake."""
    if path is None:
        named = (os.environ if environ is None else environ).get("ECLUSE_CONFIG")
        if not named:
            raise ConfigurationError(["name the configuration: --config FILE or ECLUSE_CONFIG"])
        path = Path(named)
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError([f"{path}: not TOML: {error}"]) from None
    return parse(table, environ)


def parse(table: dict[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """Check an already read table, overridden by variables. Raises ConfigurationError with every mistake."""
    values, mistakes = _overridden(table, os.environ if environ is None else environ)
    mistakes += overlaps(values.get("room"))
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigurationError([*(_mistake(detail) for detail in error.errors()), *mistakes], values) from None
    if mistakes:
        raise ConfigurationError(mistakes, values)
    return settings


def _overridden(table: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The table with what ECLUSE_… variables set instead; lists and tables are written in them as JSON."""
    values, mistakes = dict(table), []
    for name, field in Settings.model_fields.items():
        text = environ.get(f"ECLUSE_{name.upper()}", "")
        if not text:
            continue
        if get_origin(field.annotation) is not list:
            values[name] = text
            continue
        try:
            values[name] = json.loads(text)
        except ValueError:
            mistakes.append(f'{name}: the variable ECLUSE_{name.upper()} is not JSON; write a list as ["…", "…"]')
    return values, mistakes


_NEVER_SHOWN = frozenset({"signing_keys", "redis_url", "origin", "origin_key", "key", "password", "smtp", "hook_key"})


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
    # What stands in these places may be, or hold, a secret written there by mistake.
    secret = any(part in _NEVER_SHOWN for part in detail["loc"])
    shown = not secret and isinstance(value, str | int | float) and detail["type"] != "missing"
    return f"{where or 'configuration'}: {message}" + (f" (got {value!r})" if shown else "")


def _private(secret: str) -> None:
    if not SigningKey.from_secret(secret).secret:
        raise ValueError("is a public key; the gateway signs, so name the private one")


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

    def read_as(kind: Callable[[str], object], where: str, reference: str) -> str:
        secret = read(where, reference)
        try:
            if secret:
                kind(secret)
        except ValueError as error:
            mistakes.append(f"{where}: {error}")
        return secret

    found = Secrets(
        signing_keys=[read_as(_private, f"signing_keys[{i}]", ref) for i, ref in enumerate(settings.signing_keys)],
        origin_keys={
            room.id: read_as(_private, f"room[{i}].origin_key", room.origin_key) for i, room in enumerate(settings.room)
        },
        operator_keys=[
            (who, read(f"operator[{i}].key", who.key)) for i, who in enumerate(settings.operator) if who.key
        ],
        operator_passwords=[
            (who, read_as(PasswordHash.read, f"operator[{i}].password", who.password))
            for i, who in enumerate(settings.operator)
            if who.password
        ],
        aide_keys=[(who, read(f"helper[{i}].key", who.key)) for i, who in enumerate(settings.helper)],
        person_keys={
            room.id: read(f"room[{i}].person.key", room.person.key)
            for i, room in enumerate(settings.room)
            if room.person is not None
        },
    )
    if mistakes:
        raise ConfigurationError(mistakes)
    return found
