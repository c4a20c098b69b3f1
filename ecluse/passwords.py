"""Operators' passwords: kept as a scrypt hash (RFC 7914) that says its own parameters, never as what was typed.

A hash is spelled `scrypt:14:8:5:<salt>:<digest>`: no character of it means anything to a shell, TOML or systemd.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

LEAST_CHARS = 12
MOST_CHARS = 256
_LOG_COST, _BLOCK, _LANES = 14, 8, 5
"""16 MB and about a quarter of a second for each try."""
_MOST_BYTES = 32 * 1024 * 1024
_SALT_BYTES, _DIGEST_BYTES = 16, 32
_SPELLED = re.compile(
    r"scrypt:(1[4-7]):([1-9]|1[0-6]):([1-9]|1[0-6]):([A-Za-z0-9_-]{22,44}):([A-Za-z0-9_-]{43})", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordHash:
    """A hash and what it takes to compare a password with it."""

    log_cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    @classmethod
    def read(cls, text: str) -> "PasswordHash":
        """The hash spelled so. Raises ValueError with what to do."""
        match = _SPELLED.fullmatch(text)
        if match is None:
            raise ValueError("is not a hash made by: ecluse operator password")
        found = cls(
            log_cost=int(match[1]), block=int(match[2]), lanes=int(match[3]),
            salt=_bytes(match[4]), digest=_bytes(match[5]),
        )  # fmt: skip
        if found.memory_bytes > _MOST_BYTES:
            raise ValueError(
                f"takes more than {_MOST_BYTES // 2**20} MB for each try: make it with ecluse operator password"
            )
        return found

    @classmethod
    def of(cls, password: str) -> "PasswordHash":
        """A new hash of `password`. Raises ValueError for one that is too short or too long."""
        if not LEAST_CHARS <= len(password) <= MOST_CHARS:
            raise ValueError(f"a password has from {LEAST_CHARS} to {MOST_CHARS} characters")
        empty = cls(
            log_cost=_LOG_COST, block=_BLOCK, lanes=_LANES, salt=secrets.token_bytes(_SALT_BYTES), digest=b""
        )  # fmt: skip
        return empty.with_digest(empty.digest_of(password))

    def with_digest(self, digest: bytes) -> "PasswordHash":
        """The same parameters and salt with this digest."""
        return PasswordHash(
            log_cost=self.log_cost, block=self.block, lanes=self.lanes, salt=self.salt, digest=digest
        )  # fmt: skip

    def decoy(self) -> "PasswordHash":
        """A hash of nothing that takes as long to compare with: for names that nobody has."""
        return self.with_digest(secrets.token_bytes(_DIGEST_BYTES))

    @property
    def memory_bytes(self) -> int:
        """What one try takes."""
        return 128 * self.block * ((1 << self.log_cost) + self.lanes)

    def digest_of(self, password: str) -> bytes:
        """The digest of `password` under these parameters: slow, and made to be. One spelling of accents for all."""
        return hashlib.scrypt(
            unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass"), salt=self.salt,
            n=2**self.log_cost, r=self.block, p=self.lanes, maxmem=2 * _MOST_BYTES, dklen=_DIGEST_BYTES,
        )  # fmt: skip

    def matches(self, password: str) -> bool:
        """Whether this is the password."""
        return len(password) <= MOST_CHARS and hmac.compare_digest(self.digest_of(password), self.digest)

    def __str__(self) -> str:
        """As it is kept."""
        return f"scrypt:{self.log_cost}:{self.block}:{self.lanes}:{_text(self.salt)}:{_text(self.digest)}"


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
