"""E-mail to visitors, through the room's own mail server. The only module that imports aiosmtplib.

Sources: RFC 5321 (SMTP), RFC 6409 (submission), RFC 3834 (automatic messages).
"""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from queue_worker.messages import Message
from queue_worker.outcomes import Failed, Refused

TIMEOUT_SECONDS = 15.0


class Mailer:
    """Sends one message at a time to `url`, as `sender`; see the setting `smtp` for what `url` means."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._tls else 587 if parts.username else 25)
        self._user = None if parts.username is None else unquote(parts.username)
        self._password = None if parts.password is None else unquote(parts.password)
        # A password never travels in the clear, except to this very machine.
        self._start_tls = True if self._user is not None and not _is_here(self._host) else None
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]

    async def send(self, message: Message) -> None:
        """Hand one message to the server. Raises Refused if that is useless to repeat, Failed if it is not."""
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = message.address.to
        mail["Subject"] = message.subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self._domain)
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(message.body)
        mail["Content-Language"] = message.address.lang
        try:
            await aiosmtplib.send(
                mail, hostname=self._host, port=self._port, username=self._user, password=self._password,
                use_tls=self._tls, start_tls=None if self._tls else self._start_tls, timeout=TIMEOUT_SECONDS,
            )  # fmt: skip
        except aiosmtplib.SMTPRecipientsRefused as error:
            _refused(error.recipients[0].code)
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Failed(f"the server refuses our password ({error.code})") from None
        except aiosmtplib.SMTPResponseException as error:
            _refused(error.code)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Its text may name the address; its kind says enough.
            raise Failed(type(error).__name__) from None


def _refused(code: int) -> None:
    if 500 <= code < 600:
        raise Refused(f"SMTP {code}")
    raise Failed(f"SMTP {code}")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
