"""The static files of the pages: read at start-up, packed once, served from memory."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

STATIC_PREFIX = "/_ecluse/static/"
CONTENT_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".woff2": b"font/woff2",
}
_GZIP_MIN_BYTES = 256


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served. `gzipped` is None where packing gains nothing; each form has its own strong ETag."""

    content: bytes
    gzipped: bytes | None
    content_type: bytes
    etag: bytes
    gzip_etag: bytes


def read_static(root: Path) -> dict[str, StaticFile]:
    """Every file under `root` of a known type, by its path with slashes."""
    files: dict[str, StaticFile] = {}
    for path in sorted(root.rglob("*")):
        kind = CONTENT_TYPES.get(path.suffix)
        if kind is None or not path.is_file():
            continue
        content = path.read_bytes()
        packed = gzip.compress(content, 9, mtime=0)
        tag = hashlib.sha256(content).hexdigest()[:20]
        files[path.relative_to(root).as_posix()] = StaticFile(
            content=content,
            gzipped=packed if len(content) >= _GZIP_MIN_BYTES and len(packed) < len(content) else None,
            content_type=kind,
            etag=f'"{tag}"'.encode(),
            gzip_etag=f'"{tag}-gz"'.encode(),
        )
    return files
