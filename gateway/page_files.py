"""The static files of the pages: read at start-up, packed once, served from memory."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import brotli

STATIC_PREFIX = "/_ecluse/static/"
CONTENT_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".woff2": b"font/woff2",
}
_PACK_MIN_BYTES = 256
_BROTLI = re.compile(rb"(?:^|[ ,])br(?:[ ,]|$)")
_GZIP = re.compile(rb"(?:^|[ ,])gzip(?![^ ,;])(?! *; *q=0(?:\.0*)? *(?:,|$))", re.IGNORECASE)
_REMARK_LINES = re.compile(rb"^[ \t]*//.*\n|^[ \t]*/\*\*?(?:[^*]|\*(?!/))*\*/[ \t]*\n", re.MULTILINE)
_INDENT = re.compile(rb"^[ \t]+|^\n", re.MULTILINE)


@lru_cache(maxsize=64)
def takes_brotli(accepted: bytes) -> bool:
    """Whether an Accept-Encoding names brotli."""
    return _BROTLI.search(accepted) is not None


@lru_cache(maxsize=64)
def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding names gzip, and not as what it refuses (`q=0`)."""
    return _GZIP.search(accepted) is not None


def pack_brotli(content: bytes, quality: int = 11) -> bytes:
    """`content` in brotli; the last step of quality costs as much time as all before."""
    packed: bytes = brotli.compress(content, quality=quality, lgwin=16)
    return packed


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served. `gzipped` and `brotli` are None where packing gains nothing; each form has its own strong
    ETag."""

    content: bytes
    gzipped: bytes | None
    brotli: bytes | None
    content_type: bytes
    etag: bytes
    gzip_etag: bytes

    def best(self, accepted: bytes) -> tuple[bytes, bytes, bytes | None]:
        """The smallest form for this Accept-Encoding: content, ETag, and the encoding's name if it has one."""
        if self.brotli is not None and takes_brotli(accepted):
            return self.brotli, self.gzip_etag.replace(b"-gz", b"-br"), b"br"
        if self.gzipped is not None and takes_gzip(accepted):
            return self.gzipped, self.gzip_etag, b"gzip"
        return self.content, self.etag, None

    @property
    def version(self) -> str:
        """What changes when the content does, for the address."""
        return self.etag[1:11].decode()


def without_remarks(source: bytes) -> bytes:
    """A script or style without what is only for who reads the source: lines of remarks, empty lines, indentation.

    Only whole lines go, so that nothing inside a string can be mistaken for a remark.
    """
    return _INDENT.sub(b"", _REMARK_LINES.sub(b"", source))


def packed_file(suffix: str, content: bytes) -> StaticFile:
    """`content` ready to serve as a file that ends in `suffix`."""
    packed, small = gzip.compress(content, 9, mtime=0), pack_brotli(content)
    tag = hashlib.sha256(content).hexdigest()[:20]
    return StaticFile(
        content=content,
        gzipped=packed if len(content) >= _PACK_MIN_BYTES and len(packed) < len(content) else None,
        brotli=small if len(content) >= _PACK_MIN_BYTES and len(small) < len(content) else None,
        content_type=CONTENT_TYPES[suffix],
        etag=f'"{tag}"'.encode(),
        gzip_etag=f'"{tag}-gz"'.encode(),
    )


def read_static(*roots: Path) -> dict[str, StaticFile]:
    """Every file of a known type under the `roots`, by its path with slashes; a later root goes before an earlier."""
    files: dict[str, StaticFile] = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix not in CONTENT_TYPES or not path.is_file():
                continue
            content = path.read_bytes()
            if path.suffix in (".css", ".js"):
                content = without_remarks(content)
            files[path.relative_to(root).as_posix()] = packed_file(path.suffix, content)
    return files
