"""What a request says about itself: who asks for what, in which language, from where. Pure."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ecluse.domain.errors import BadInput, BodyTooLarge
from gateway.asgi import Receive, Scope, first_headers, header

BODY_MAX_BYTES = 4096
_PLAIN_DESTINATIONS = (b"document", b"iframe", b"empty", b"frame", b"nested-document")
_ASSET_ENDINGS = (
    b".css", b".js", b".mjs", b".map", b".png", b".jpg", b".jpeg", b".gif", b".svg", b".webp", b".avif", b".ico",
    b".woff", b".woff2", b".ttf", b".otf", b".mp3", b".mp4", b".webm", b".webmanifest",
)  # fmt: skip
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def wants_page(scope: Scope) -> bool:
    """Whether a person looks at the answer: the Accept header has text/html."""
    return b"text/html" in first_headers(scope).get(b"accept", b"")


def takes_place(scope: Scope) -> bool:
    """Whether this request may take a place or an admission: not HEAD, OPTIONS, prefetch, or an asset of a page."""
    if scope["method"] in ("HEAD", "OPTIONS"):
        return False
    first = first_headers(scope)
    if b"prefetch" in first.get(b"sec-purpose", b"") or b"prefetch" in first.get(b"purpose", b""):
        return False
    destination, accept = first.get(b"sec-fetch-dest"), first.get(b"accept", b"*/*")
    if destination is not None and destination not in _PLAIN_DESTINATIONS:
        return False
    if b"text/html" in accept or destination == b"empty":
        return True
    if accept.startswith((b"image/", b"text/css", b"font/", b"video/", b"audio/")):
        return False
    return not bytes(scope["raw_path"]).lower().endswith(_ASSET_ENDINGS)


def same_site_path(target: str | None, otherwise: str) -> str:
    """A return address that stays on this site, judged by parsing it; `otherwise` if it does not."""
    if not target or len(target) > 2048 or not target.isascii() or not target.startswith("/"):
        return otherwise
    if any(ord(char) <= 0x20 or char in '\\"<>`' or ord(char) == 0x7F for char in target):
        return otherwise
    try:
        parts = urlsplit(target)
    except ValueError:
        return otherwise
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith("//"):
        return otherwise
    if "/../" in f"{parts.path}/" or "/_ecluse/" in f"{parts.path}/":
        return otherwise
    return parts.path + (f"?{parts.query}" if parts.query else "")


def own_address(scope: Scope) -> str:
    """The path and query of this very request; hygiene has made sure that it is plain."""
    path, query = bytes(scope["raw_path"]), bytes(scope["query_string"])
    return (path + b"?" + query if query else path).decode("ascii")


def query(scope: Scope) -> dict[str, str]:
    """The query's fields, the last of a name counting. Hygiene bounds the length of a query, and so their number."""
    return dict(parse_qsl(bytes(scope["query_string"]).decode("ascii", "replace")))


def bearer(scope: Scope) -> str | None:
    """The token of Authorization: Bearer."""
    value = header(scope, b"authorization")
    if value is None or value[:7].lower() != b"bearer ":
        return None
    return value[7:].strip().decode("latin-1")


def is_cross_site(scope: Scope) -> bool:
    """Whether another site sent this (Fetch metadata first, Origin where a browser has none)."""
    site = header(scope, b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = header(scope, b"origin")
    if origin is None or origin == b"null":
        return False
    try:
        netloc = urlsplit(origin.decode("latin-1")).netloc
    except ValueError:
        return True
    return netloc.lower() != (header(scope, b"host") or b"").decode("latin-1").lower()


def is_same_origin(scope: Scope) -> bool:
    """Whether a browser says that a page of ours sent this; nothing said is not enough."""
    if header(scope, b"sec-fetch-site") not in (None, b"same-origin"):
        return False
    told = header(scope, b"sec-fetch-site") or header(scope, b"origin")
    return told not in (None, b"null") and not is_cross_site(scope)


async def read_body(receive: Receive, most: int = BODY_MAX_BYTES) -> bytes:
    """The whole body. Raises BodyTooLarge beyond `most` bytes, BadInput if the visitor left."""
    body: bytes = b""
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise BadInput("The request ended before its body did.")
        body += bytes(message.get("body", b""))
        if len(body) > most:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return body


def is_json(scope: Scope) -> bool:
    """Whether the body says it is JSON."""
    kind = header(scope, b"content-type") or b""
    return kind.partition(b";")[0].strip().lower() in (b"application/json", b"application/problem+json")
