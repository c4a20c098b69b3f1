"""The keys that sign: a shared secret (HS256), or an Ed25519 key (EdDSA) for verifiers that must not be able to mint.

The only home of itsdangerous, and of cryptography, which is loaded when a key in PEM is met and not before.
Sources: RFC 7515 (JWS), RFC 8037 (Ed25519 in JOSE), RFC 7638 (thumbprints).
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from itsdangerous import Signer, want_bytes
from itsdangerous.signer import SigningAlgorithm

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PUBLIC = "-----BEGIN PUBLIC KEY-----"
_BLOCK_BYTES = 64
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def b64(data: bytes) -> bytes:
    """base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")


class _HmacSha256(SigningAlgorithm):
    """HMAC-SHA-256 (RFC 2104) from the two states that a key comes to, made once.

    `hmac` makes them again for each signature, which takes twice as long (measured), and so does itsdangerous.
    """

    def __init__(self) -> None:
        self._key: bytes | None = None

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """The 32 bytes of the signature."""
        if key != self._key:
            block = (key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
            self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
            self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
            self._key = key
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value)
        outer.update(inner.digest())
        return outer.digest()


class _Signer(Signer):
    """A signer with its key as it is; nothing is derived or converted anew for each signature."""

    def get_signature(self, value: str | bytes) -> bytes:
        """The signature of `value` as base64url."""
        return b64(self.algorithm.get_signature(self.secret_keys[0], want_bytes(value)))


def signer(secret: bytes, algorithm: SigningAlgorithm | None = None) -> Signer:
    """A signer over the bytes themselves: HMAC-SHA-256 unless another algorithm is given."""
    return _Signer(secret, sep=".", key_derivation="none", algorithm=algorithm or _HmacSha256())


class SigningKey:
    """One secret of the key list, with the name (`kid`) that passes carry for it."""

    algorithm = "HS256"

    def __init__(self, *, secret: bytes, kid: str) -> None:
        self.secret = secret
        """What other keys are derived from; empty in a key that can only verify."""
        self.kid = kid
        self._signer = signer(secret)

    @staticmethod
    def from_secret(secret: str) -> "SigningKey":
        """The key in a secret: an Ed25519 key if it is PEM, else a shared secret. Raises ValueError.

        A shared secret is named by the first 8 hex digits of a SHA-256 of it, an Ed25519 key by its thumbprint: the
        same on every machine, telling nothing.
        """
        if secret.startswith("-----BEGIN"):
            return _ed25519(secret)
        raw = secret.encode()
        return SigningKey(secret=raw, kid=hashlib.sha256(b"ecluse.kid." + raw).hexdigest()[:8])

    def signature(self, body: bytes) -> bytes:
        """The signature of `body` as text. Raises ValueError in a key that can only verify."""
        return self._signer.get_signature(body)

    def vouches(self, body: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's for `body`, in its one spelling."""
        return hmac.compare_digest(self._signer.get_signature(body), signature)

    @property
    def public(self) -> dict[str, str] | None:
        """The key as a public JWK, or None where what verifies also signs."""
        return None

    @property
    def header(self) -> bytes:
        """The JWS header of a pass under this key, encoded."""
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid}
        return b64(json.dumps(header, separators=(",", ":")).encode())


class _EdDSA(SigningAlgorithm):
    """Ed25519 for itsdangerous; the key object is at hand, so the key bytes it is given do not matter."""

    def __init__(self, private: "Ed25519PrivateKey | None", public: "Ed25519PublicKey") -> None:
        self._private = private
        self._public = public

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """The 64 bytes of the signature."""
        if self._private is None:
            raise ValueError("a public key verifies; it signs nothing")
        return self._private.sign(value)

    def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
        """Whether the signature is genuine."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only where such a key is used

        try:
            self._public.verify(sig, value)
        except InvalidSignature:
            return False
        return True


class Ed25519Key(SigningKey):
    """An Ed25519 key; without its private part it only verifies."""

    algorithm = "EdDSA"

    def __init__(self, private: "Ed25519PrivateKey | None", public: "Ed25519PublicKey") -> None:
        self._jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64(public.public_bytes_raw()).decode()}
        thumbprint = hashlib.sha256(json.dumps(self._jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
        super().__init__(secret=b"" if private is None else private.private_bytes_raw(), kid=b64(thumbprint).decode())
        self._signer = signer(b"-", _EdDSA(private, public))

    def vouches(self, body: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's for `body`, in its one spelling."""
        try:
            raw = base64.urlsafe_b64decode(signature + b"=" * (-len(signature) % 4))
        except ValueError:
            return False
        return b64(raw) == signature and self._signer.verify_signature(body, signature)

    @property
    def public(self) -> dict[str, str] | None:
        """The key as a public JWK."""
        return {**self._jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


def _ed25519(pem: str) -> Ed25519Key:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
            Ed25519PublicKey,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_private_key,
            load_pem_public_key,
        )
    except ImportError:
        raise ValueError("a key in PEM needs the package cryptography: pip install '.[eddsa]'") from None
    advice = "is no Ed25519 key in PEM without a passphrase; make one with: openssl genpkey -algorithm ed25519"
    try:
        if pem.startswith(_PUBLIC):
            public = load_pem_public_key(pem.encode())
            if isinstance(public, Ed25519PublicKey):
                return Ed25519Key(None, public)
        else:
            private = load_pem_private_key(pem.encode(), password=None)
            if isinstance(private, Ed25519PrivateKey):
                return Ed25519Key(private, private.public_key())
    except (ValueError, TypeError):
        pass
    raise ValueError(advice)
