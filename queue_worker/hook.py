"""Messages for telephones, posted to the gateway for text messages that the configuration names, and signed.

How a receiver checks the signature: docs/notify.md, "The web hook".
"""

import hmac
import json
import time

import aiohttp

from ecluse.clock import Clock, system_clock
from queue_worker.messages import Message
from queue_worker.outcomes import Failed, Refused

TIMEOUT_SECONDS = 10.0
_AGAIN = {408, 425, 429}


def signature(key: str, timestamp: int, body: bytes) -> str:
    """The value of `Ecluse-Signature`: when it was sent, and the HMAC-SHA256 of that, a dot and the body, in hex."""
    digest = hmac.digest(key.encode(), str(timestamp).encode() + b"." + body, "sha256").hex()
    return f"t={timestamp},v1={digest}"


class Hook:
    """Posts one message at a time; never follows a redirect."""

    def __init__(self, room: str, url: str, key: str, *, clock: Clock = system_clock) -> None:
        self._room = room
        self._url = url
        self._key = key
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)

    async def send(self, message: Message) -> None:
        """Post one message. Raises Refused if that is useless to repeat, Failed if it is not."""
        now = int(self._clock())
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        said = {
            "room": self._room, "event": message.event.value, "to": message.address.to, "text": message.short,
            "lang": message.address.lang, "sent_at": at,
        }  # fmt: skip
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json", "User-Agent": "Ecluse",
            "Ecluse-Signature": signature(self._key, now, body),
        }  # fmt: skip
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Failed(type(error).__name__) from None
        if status >= 500 or status in _AGAIN:
            raise Failed(f"HTTP {status}")
        if not 200 <= status < 300:
            raise Refused(f"HTTP {status}")
