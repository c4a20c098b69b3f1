"""The door as WSGI middleware (PEP 3333): Flask, Django and everything else that speaks WSGI."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

from ecluse.origin.door import PASS_KEY, Door, Options
from ecluse.origin.refusals import REASON, Refusal, answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

_VARIABLE = "HTTP_ECLUSE_PASS"
_OURS = "HTTP_ECLUSE_"


class WsgiPassGate:
    """Lets a request through only with a pass of one of `rooms`, verified without any store.

    Inside, `pass_of(environ)` is the pass; every `Ecluse-…` header is gone, for one on an open path could be anybody's.
    A refusal is 403: a page for people, `application/problem+json` for programs. Two passes reach WSGI as one text
    with a comma, which no pass has, so they are refused as forged. `options` are those of Options.
    Raises ValueError if it could not refuse what it must.
    """

    def __init__(self, app: "WSGIApplication", **options: Unpack[Options]) -> None:
        self._app = app
        self._door = Door(**options)

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Verify, then pass the request on or refuse it."""
        passes = [environ[_VARIABLE]] if _VARIABLE in environ else []
        inside = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
        inside[PASS_KEY] = None
        if not self._door.is_open(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")):
            verdict = self._door.judge(passes)
            if isinstance(verdict, Refusal):
                return self._refuse(verdict, environ, start_response)
            inside[PASS_KEY] = verdict
        return self._app(inside, start_response)

    def _refuse(self, refusal: Refusal, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        headers, body = answer(
            refusal, public_url=self._door.public_url, texts=self._door.texts, accept=environ.get("HTTP_ACCEPT", ""),
            accept_language=environ.get("HTTP_ACCEPT_LANGUAGE", ""),
        )  # fmt: skip
        start_response(REASON, headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
