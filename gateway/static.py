"""The static files of the pages over HTTP: from memory, packed once, with strong tags."""

from ecluse.domain.errors import NotFound
from gateway.asgi import Headers, Scope, Send, header, respond
from gateway.page_files import StaticFile


async def send_file(scope: Scope, send: Send, file: StaticFile | None) -> None:
    """Send a file, or 304 to who has it. Raises NotFound where there is none."""
    if file is None:
        raise NotFound
    packed = file.gzipped is not None and b"gzip" in (header(scope, b"accept-encoding") or b"")
    body, etag = (file.gzipped or b"", file.gzip_etag) if packed else (file.content, file.etag)
    # A versioned address (?v=…) never changes its content.
    lasting = b"public, max-age=31536000, immutable" if scope["query_string"] else b"public, max-age=3600"
    headers: Headers = [
        (b"content-type", file.content_type),
        (b"etag", etag),
        (b"cache-control", lasting),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    if etag in (header(scope, b"if-none-match") or b""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    if packed:
        headers.append((b"content-encoding", b"gzip"))
    await respond(send, 200, headers, body)
