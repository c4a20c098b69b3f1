"""The booking pages: templates in, whole HTML answers out. The one module here that imports jinja2."""

import hashlib
import re
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from booking_backend.texts import LANGUAGES, Words, negotiate

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
COOKIE = "booking_lang"
_COOKIE_SECONDS = 180 * 24 * 3600
SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    # Not no-referrer: browsers would then send `Origin: null` with our own forms, and a cross-site check refuse them.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "x-robots-tag": "noindex",
    "cache-control": "no-store",
    "vary": "Cookie, Accept-Language",
}


class Pages:
    """Renders the templates of `templates/booking` and serves their one stylesheet."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._env = Environment(
            loader=FileSystemLoader(TEMPLATES / "booking"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._css = (TEMPLATES / "static" / "css" / "booking.css").read_bytes()
        self._css_etag = f'"{hashlib.sha256(self._css).hexdigest()[:16]}"'

    def words(self, request: Request) -> Words:
        """The visitor's language: what they just chose, else chose before, else what their browser asks for."""
        for chosen in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
            if chosen in LANGUAGES:
                return Words(chosen, self._zone)
        return Words(negotiate(request.headers.get("accept-language", "")), self._zone)

    def page(self, request: Request, name: str, *, status: int = 200, **context: object) -> Response:
        """The template `name` as an answer; `switch_to`, where its language links lead, is a path of our own."""
        words = self.words(request)
        context.setdefault("switch_to", "/")
        html = self._env.get_template(name).render(w=words, languages=LANGUAGES, **context)
        answer = HTMLResponse(_BLANK_LINES.sub("\n", html), status, headers=SECURITY_HEADERS)
        answer.headers["content-language"] = words.lang
        if request.query_params.get("lang") == words.lang:
            secure = request.headers.get("x-forwarded-proto") == "https"
            answer.set_cookie(COOKIE, words.lang, _COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure)
        return answer

    async def stylesheet(self, request: Request) -> Response:
        """The stylesheet; open to all, cached for an hour, revalidated by its ETag."""
        headers = {
            "etag": self._css_etag,
            "cache-control": "public, max-age=3600",
            "x-content-type-options": "nosniff",
        }
        if request.headers.get("if-none-match") == self._css_etag:
            return Response(None, 304, headers)
        return Response(self._css, 200, headers, "text/css")


_BLANK_LINES = re.compile(r"\n\s*\n+")
