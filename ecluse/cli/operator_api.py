"""The operator API as the command line sees it: JSON over HTTP with the standard library, errors as one clear line."""

import json
import os
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

_TIMEOUT_SECONDS = 10
_PAGE = 500
DEFAULT_URL = "http://127.0.0.1:8000"


class OperatorApiError(Exception):
    """The gateway refused, or cannot be reached; the message is one line."""


class OperatorApi:
    """Calls `/_ecluse/api/v1/` of the gateway at `url` with an operator key."""

    def __init__(self, url: str, key: str) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise OperatorApiError(f"{url!r} is not an address such as {DEFAULT_URL}")
        if not key:
            raise OperatorApiError("an operator key is needed: --key or ECLUSE_OPERATOR_KEY")
        if not key.isascii() or not key.isprintable():
            raise OperatorApiError("the operator key has characters that cannot be sent")
        self._base = f"{url.rstrip('/')}/_ecluse/api/v1/"
        self._key = key
        # A loopback gateway is never behind the proxy of the environment; another may be.
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        self._opener: OpenerDirector = build_opener(ProxyHandler({})) if local else build_opener()

    @classmethod
    def from_options(cls, url: str | None, key: str | None) -> "OperatorApi":
        """The options, else ECLUSE_URL and ECLUSE_OPERATOR_KEY, else the demo's address."""
        return cls(
            url or os.environ.get("ECLUSE_URL") or DEFAULT_URL, key or os.environ.get("ECLUSE_OPERATOR_KEY") or ""
        )

    def rooms(self) -> list[dict[str, Any]]:
        """Every room, each as `room` gives it."""
        rooms = self._call("GET", "rooms").get("rooms")
        if not isinstance(rooms, list) or not all(isinstance(room, dict) for room in rooms):
            raise OperatorApiError(f"{self._base} does not answer like Écluse")
        return rooms

    def room(self, room: str) -> dict[str, Any]:
        """One room: settings, version, phase, counts."""
        return self._call("GET", f"rooms/{quote(room, safe='')}")

    def change(self, room: str, changes: Mapping[str, object], *, version: str | None = None) -> dict[str, Any]:
        """Change a room, and its new state; with `version` only if nobody else changed it since."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self._call("PATCH", f"rooms/{quote(room, safe='')}", changes, headers)

    def invite(self, room: str, fields: Mapping[str, object]) -> dict[str, Any]:
        """A new batch of invitations, with their links."""
        return self._call("POST", f"rooms/{quote(room, safe='')}/invitations", fields)

    def journal(self, room: str) -> list[dict[str, Any]]:
        """Who changed what, when and why: the latest, newest first."""
        entries = self._call("GET", f"rooms/{quote(room, safe='')}/journal").get("entries")
        return entries if isinstance(entries, list) else []

    def whole_journal(self, room: str) -> list[dict[str, Any]]:
        """Everything the journal holds, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            older = f"&before={quote(str(found[-1]['id']), safe='')}" if found else ""
            page = self._call("GET", f"rooms/{quote(room, safe='')}/journal?limit={_PAGE}{older}").get("entries")
            if not isinstance(page, list) or not all(isinstance(entry, dict) and "id" in entry for entry in page):
                raise OperatorApiError(f"{self._base} does not answer like Écluse")
            found += page
            if len(page) < _PAGE:
                return found[::-1]

    def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        request = Request(  # noqa: S310 - the scheme was checked
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._key}", "Accept": "application/json",
                **({} if body is None else {"Content-Type": "application/json"}), **(headers or {}),
            },
        )  # fmt: skip
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return _table(answer.read())
        except HTTPError as error:
            with error:
                raise OperatorApiError(_refusal(error)) from None
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            told = getattr(reason, "strerror", None) or reason
            raise OperatorApiError(f"cannot reach {self._base}: {told}. Is it running?") from None
        except ValueError:
            raise OperatorApiError(f"{self._base} does not answer like Écluse") from None


def _table(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _refusal(error: HTTPError) -> str:
    """The problem's own words (RFC 9457), or the bare status."""
    try:
        problem = _table(error.read())
    except (ValueError, OSError, HTTPException):
        problem = {}
    title = str(problem.get("title") or error.reason)
    detail = problem.get("detail")
    return f"{title} ({error.code})" + (f": {detail}" if detail else "")
