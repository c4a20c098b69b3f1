"""Checks that several tables of a configuration share. Each raises ValueError with what to write instead."""

from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

_REDIS = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "embedded")


def each(check: Callable[[str], object], items: Iterable[str]) -> None:
    """Check every item of a list. Raises one ValueError that tells all its mistakes."""
    mistakes = []
    for item in items:
        try:
            check(item)
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ValueError("; ".join(dict.fromkeys(mistakes)))


def origin_parts(url: str) -> SplitResult | None:
    """The parts of a web address that is nothing but scheme, host and port; None for any other."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/") and parts.port != 0
    except ValueError:
        return None
    return parts if plain and not (parts.query or parts.fragment or "@" in parts.netloc) else None


def check_redis_url(url: str) -> None:
    """Refuse an address that no client of Redis could use, or of which it would leave something out."""
    parts, scheme = urlsplit(url), url.partition("://")[0]
    if scheme not in _REDIS or parts.scheme != scheme:
        raise ValueError("use redis://, rediss://, unix://, redis+sentinel://, redis+cluster:// or embedded://")
    if scheme in ("unix", "embedded"):
        return
    several = parts.netloc.rpartition("@")[2].split(",")
    if len(several) > 1 and "+" not in scheme:
        raise ValueError("several hosts are for redis+sentinel:// and redis+cluster:// only")
    for host in several:
        try:
            if urlsplit(f"//{host}").port == 0:
                raise ValueError
        except ValueError:
            raise ValueError("a port is a number from 1 to 65535") from None
    database = parts.path.rstrip("/").split("/")
    if scheme != "redis+cluster" and not database[-1].isdecimal() and len(database) > 1 + ("+" in scheme):
        raise ValueError("the database after the last / is a number")
