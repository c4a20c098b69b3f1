"""The static files of the pages over HTTP: from memory, packed once, with strong tags."""

from ecluse.domain.errors import NotFound
from gateway.asgi import Headers, Scope, Send, header, respond
from gateway.page_files import STATIC_PREFIX, StaticFile

_VERSIONED = STATIC_PREFIX.encode() + b"v-"


async def send_file(scope: Scope, send: Send, file: StaticFile | None) -> None:
    """Send a file, or 304 to who has it. Raises NotFound where there is none."""
    if file is None:
        raise NotFound
    body, etag, encoding = file.best(header(scope, b"accept-encoding") or b"")
    # A versioned address (…/v-…/) never changes its content.
    lasting = b"public, max-age=31536000, immutable" if _VERSIONED in scope["raw_path"] else b"public, max-age=3600"
    headers: Headers = [
        (b"content-type", file.content_type),
        (b"etag", etag),
        (b"cache-control", lasting),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
        # An image opened by itself is a document, and a logo is somebody else's file.
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ]
    if etag in (header(scope, b"if-none-match") or b""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    if encoding is not None:
        headers.append((b"content-encoding", encoding))
    await respond(send, 200, headers, body)
