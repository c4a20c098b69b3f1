"""What a configuration says of telling visitors who are away: `[room.notify]`. Having the table turns it on."""

import re
from email.utils import parseaddr
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ecluse.domain.notify import Way, read_email


class NotifySettings(BaseModel):
    """By which ways the visitors of a room can be told, and how many at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smtp: str | None = None
    sender: str | None = None
    hook_url: str | None = None
    hook_key: str | None = None
    phone_prefix: str = "+33"
    near_minutes: int = Field(default=10, ge=1, le=120)
    addresses_max: int = Field(default=20_000, ge=1, le=1_000_000)

    @field_validator("sender")
    @classmethod
    def _sender_is_an_address(cls, sender: str | None) -> str | None:
        if sender is not None and (not sender.isprintable() or read_email(parseaddr(sender)[1]) is None):
            raise ValueError('write the sender as "name@example.org" or "A name <name@example.org>"')
        return sender

    @field_validator("hook_url")
    @classmethod
    def _hook_is_http(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("write the web hook as https://host/path, without a name or password")
        return url

    @field_validator("phone_prefix")
    @classmethod
    def _prefix_is_a_prefix(cls, prefix: str) -> str:
        if prefix and not re.fullmatch(r"\+[1-9][0-9]{0,3}", prefix):
            raise ValueError('write the prefix of a country as "+33", or "" to ask for whole numbers')
        return prefix

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.smtp is None and self.hook_url is None:
            raise ValueError("a room that tells people needs smtp or hook_url, or no notify table")
        if (self.smtp is None) != (self.sender is None):
            raise ValueError("smtp and sender go together: the server that sends e-mail, and in whose name")
        if (self.hook_url is None) != (self.hook_key is None):
            raise ValueError("hook_url and hook_key go together: where text messages go, and the key that signs them")
        return self

    @property
    def ways(self) -> tuple[Way, ...]:
        """How visitors of the room can be told."""
        return tuple(
            way for way, on in ((Way.EMAIL, self.smtp is not None), (Way.PHONE, self.hook_url is not None)) if on
        )


def smtp_mistake(url: str) -> str | None:
    """What is wrong with the address of a mail server, without telling it; None if nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "its port is not a number"
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or port == 0:
        return "write it as smtp://user:password@host:587, or smtps://… for TLS from the start"
    if (parts.username is None) != (parts.password is None):
        return "a user and a password go together"
    return None
