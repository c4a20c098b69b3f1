"""Letters about an appointment, sent by SMTP after the answer: a mail server that fails never fails a booking.

The one module that imports aiosmtplib. An address is never written to the log.
"""

import asyncio
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

TRIES = 3
_WAITING_MAX = 1000
_TIMEOUT_SECONDS = 20.0
_log = structlog.get_logger("booking")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where letters are handed in, and who they are from."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = None
    tls: bool = False
    """From the first byte (smtps); else STARTTLS is used wherever the server offers it."""

    @classmethod
    def from_url(cls, url: str, sender: str) -> Self:
        """`smtp://[user:password@]host[:port]` or `smtps://…`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("--smtp: write smtp://host:port or smtps://user:password@host")
        if "@" not in sender:
            raise ValueError("--mail-from: an address such as rdv@example.fr is needed to send mail")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname, port=parts.port or (465 if tls else 25), sender=sender, tls=tls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is written to whom."""

    to: str
    to_name: str
    subject: str
    text: str
    lang: str
    calendar: bytes | None = None


class Postbox:
    """Letters that wait to be sent. Without a server it takes none."""

    def __init__(self, server: MailServer | None, *, retry_seconds: float = 30.0) -> None:
        self._server = server
        self._retry_seconds = retry_seconds
        self._waiting: asyncio.Queue[Letter] = asyncio.Queue(_WAITING_MAX)

    @property
    def open(self) -> bool:
        """Whether letters are sent at all; the pages ask for an address only then."""
        return self._server is not None

    def post(self, letter: Letter) -> None:
        """Hand in a letter; full, the box loses it and says so to the log."""
        if self._server is None or not letter.to:
            return
        try:
            self._waiting.put_nowait(letter)
        except asyncio.QueueFull:
            _log.error("mail_lost", reason="too many letters wait")

    async def run(self) -> None:
        """Send what comes, until cancelled."""
        while True:
            await self._deliver(await self._waiting.get())
            self._waiting.task_done()

    async def _deliver(self, letter: Letter) -> None:
        assert self._server is not None
        for tries_left in range(TRIES - 1, -1, -1):
            try:
                await _send(self._server, letter)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                final = isinstance(error, (aiosmtplib.SMTPRecipientsRefused, ValueError)) or not tries_left
                _log.warning("mail_failed", reason=type(error).__name__, again=not final)
                if final:
                    return
                await asyncio.sleep(self._retry_seconds)
            else:
                _log.info("mail_sent")
                return

    async def close(self, patience_seconds: float = 2.0) -> None:
        """Give letters in hand a moment to leave."""
        try:
            await asyncio.wait_for(self._waiting.join(), patience_seconds)
        except TimeoutError:
            _log.warning("mail_left_behind", letters=self._waiting.qsize())


async def _send(server: MailServer, letter: Letter) -> None:
    message = EmailMessage()
    user, _, domain = letter.to.rpartition("@")
    message["From"] = server.sender
    message["To"] = Address(letter.to_name, user, domain)
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    message["Content-Language"] = letter.lang
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.calendar:
        message.add_attachment(letter.calendar, maintype="text", subtype="calendar", filename="rendez-vous.ics")
    await aiosmtplib.send(
        message, hostname=server.host, port=server.port, username=server.user, password=server.password,
        use_tls=server.tls, timeout=_TIMEOUT_SECONDS,
    )  # fmt: skip
