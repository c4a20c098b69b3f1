"""Writes pass.json: passes that any implementation must take, and ones it must refuse, each with the reason.

`python -m tests.vectors.make` writes the file beside this one; the key is public and signs nothing else. Everything is
made with the standard library alone, so the file vouches for our code and not the other way round.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

FILE = Path(__file__).with_name("pass.json")
SECRET = "ecluse test vector key - sign nothing with it"
OTHER_SECRET = "another test vector key - sign nothing with it"
ROOM = "sarcelles"
NOW = 1_800_000_000
HEADER: dict[str, object] = {"alg": "HS256", "typ": "JWT", "kid": ""}
CLAIMS: dict[str, object] = {
    "iss": "ecluse", "aud": ROOM, "sub": "AbCdEfGhI_-", "iat": NOW - 60, "exp": NOW + 540, "lane": "main",
}  # fmt: skip


def kid(secret: str) -> str:
    """The name of a key: the first 8 hex digits of SHA-256 over "ecluse.kid." and the key."""
    return hashlib.sha256(b"ecluse.kid." + secret.encode()).hexdigest()[:8]


def b64(raw: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, object], claims: dict[str, object], secret: str = SECRET, digest: str = "sha256") -> str:
    """A compact JWS (RFC 7515 §3.1)."""
    body = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{body}.{b64(hmac.digest(secret.encode(), body.encode(), digest))}"


def vectors() -> dict[str, object]:
    """The whole document."""
    header = {**HEADER, "kid": kid(SECRET)}
    plain = signed(header, CLAIMS)
    body, _, signature = plain.rpartition(".")
    other_claims = b64(json.dumps({**CLAIMS, "lane": "urgent"}, separators=(",", ":")).encode())
    person = {**CLAIMS, "person": "5f4dcc3b5aa765d61d8327deb882cf99"}
    # The last character of the signature carries two unused bits: this spelling decodes to the same bytes.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = alphabet[alphabet.index(signature[-1]) ^ 1]
    invalid = [
        ("forged", "signed with another key", signed({**header, "kid": kid(OTHER_SECRET)}, CLAIMS, OTHER_SECRET)),
        ("forged", "signed with another key under the name of this one", signed(header, CLAIMS, OTHER_SECRET)),
        ("forged", "claims altered after signing", f"{body.partition('.')[0]}.{other_claims}.{signature}"),
        ("forged", "signature removed", f"{body}."),
        ("forged", "signature cut off", body),
        ("forged", "algorithm none", signed({**header, "alg": "none"}, CLAIMS).rpartition(".")[0] + "."),
        ("forged", "algorithm RS256 named over an HMAC", signed({**header, "alg": "RS256"}, CLAIMS)),
        ("forged", "algorithm HS384", signed({**header, "alg": "HS384"}, CLAIMS, digest="sha384")),
        ("forged", "issued by somebody else", signed(header, {**CLAIMS, "iss": "somebody"})),
        ("forged", "expiry is text", signed(header, {**CLAIMS, "exp": "tomorrow"})),
        ("forged", "issued in the future", signed(header, {**CLAIMS, "iat": NOW + 3600, "exp": NOW + 7200})),
        ("wrong-room", "for another room", signed(header, {**CLAIMS, "aud": "evry"})),
        ("expired", "expires this very second", signed(header, {**CLAIMS, "exp": NOW})),
        ("expired", "expired long ago", signed(header, {**CLAIMS, "iat": NOW - 7200, "exp": NOW - 3600})),
    ]
    return {
        "about": "Passes of Écluse (docs/pass.md), to be read at `now` for `room`. Written by tests/vectors/make.py.",
        "secret": SECRET,
        "kid": kid(SECRET),
        "room": ROOM,
        "now": NOW,
        "valid": [
            {"about": "plain", "header": header, "claims": CLAIMS, "token": plain},
            {"about": "with a person", "header": header, "claims": person, "token": signed(header, person)},
        ],
        "invalid": [{"reason": reason, "about": about, "token": token} for reason, about, token in invalid],
        "strict": [
            {"about": "the signature in another spelling of the same bytes: Écluse refuses it, a library may take it",
             "token": plain[:-1] + twin},
        ],
    }  # fmt: skip


def text() -> str:
    """The file's content."""
    return json.dumps(vectors(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
