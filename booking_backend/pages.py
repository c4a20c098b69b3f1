"""The booking pages: templates in, whole HTML answers out. The one module here that imports jinja2."""

import hashlib
import re
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from booking_backend.texts import DEFAULT, Words, catalogues, negotiate

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
COOKIE = "booking_lang"
_FILES = {
    "ecluse.css": ("css/ecluse.css", "text/css"),
    "booking.css": ("css/booking.css", "text/css"),
    "logo.svg": ("logo.svg", "image/svg+xml"),
}
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
    """Renders the templates of `templates/booking` and serves their stylesheets and logo."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._env = Environment(
            loader=FileSystemLoader(TEMPLATES / "booking"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._files = {name: _read(path, media_type) for name, (path, media_type) in _FILES.items()}

    @property
    def office(self) -> Words:
        """The office's own language and clock."""
        return Words(DEFAULT, self._zone)

    def words(self, request: Request) -> Words:
        """The visitor's language: what they just chose, else chose before, else what their browser asks for."""
        for chosen in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
            if chosen is not None and chosen in catalogues():
                return Words(chosen, self._zone)
        return Words(negotiate(request.headers.get("accept-language", "")), self._zone)

    def page(self, request: Request, name: str, *, status: int = 200, **context: object) -> Response:
        """The template `name` as an answer; `switch_to`, where its language links lead, is a path of our own."""
        words = self.words(request)
        context.setdefault("switch_to", "/")
        html = self._env.get_template(name).render(w=words, **context)
        answer = HTMLResponse(_BLANK_LINES.sub("\n", html), status, headers=SECURITY_HEADERS)
        answer.headers["content-language"] = words.lang
        if request.query_params.get("lang") == words.lang:
            secure = request.headers.get("x-forwarded-proto") == "https"
            answer.set_cookie(COOKIE, words.lang, _COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure)
        return answer

    async def file(self, request: Request) -> Response:
        """GET /static/{name}: open to all, cached for an hour, revalidated by its ETag."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        content, etag, media_type = found
        headers = {"etag": etag, "cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
        if request.headers.get("if-none-match") == etag:
            return Response(None, 304, headers)
        return Response(content, 200, headers, media_type)


def _read(path: str, media_type: str) -> tuple[bytes, str, str]:
    content = (TEMPLATES / "static" / path).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"', media_type


_BLANK_LINES = re.compile(r"\n\s*\n+")
