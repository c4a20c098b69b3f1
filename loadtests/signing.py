"""A compact JWS by the standard library alone: a forger signs it with guessed keys, a direct visitor with the real one.

Source: RFC 7515 (JWS) and RFC 7518 §3.2 (HS256).
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping


def base64url(content: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed_claims(header: Mapping[str, str], claims: Mapping[str, object], key: bytes) -> str:
    """The token; without a key it has no signature."""
    head, said = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
    body = f"{base64url(head)}.{base64url(said)}"
    return f"{body}.{base64url(hmac.digest(key, body.encode(), hashlib.sha256)) if key else ''}"


def origin_pass(room: str, session: str, key: bytes) -> str:
    """A pass as the gate makes it for the origin (docs/pass.md), good for a minute."""
    now = int(time.time())
    kid = hashlib.sha256(b"ecluse.kid." + key).hexdigest()[:8]
    claims = {"iss": "ecluse", "aud": room, "sub": session, "iat": now, "exp": now + 60, "lane": "main"}
    return signed_claims({"alg": "HS256", "typ": "JWT", "kid": kid}, claims, key)
