"""Which code belongs to which place: derived from the ticket's id under the signing key, so a place has one for ever.

Nothing need be kept to show it again, and whoever moved a place cannot take its code from whom it was moved. To find
the place of a code, its record is kept under a name that is derived in turn: who reads the store learns no code.
"""

import base64
import hmac
from collections.abc import Sequence

from ecluse.domain.code import BITS, code_of
from ecluse.tokens import SigningKey

_NAME_BYTES = 15


class PlaceCodes:
    """The codes of all rooms; new ones under the first key, those of every key are found."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._code_key = hmac.digest(keys[0].secret, b"ecluse.code.v1", "sha256")
        self._name_keys = [hmac.digest(key.secret, b"ecluse.code.name.v1", "sha256") for key in keys]

    def of(self, room: str, ticket_id: str) -> str:
        """The code of a place."""
        digest = hmac.digest(self._code_key, f"{room}~{ticket_id}".encode(), "sha256")
        return code_of(int.from_bytes(digest[:8]) >> 64 - BITS)

    def names(self, room: str, code: str) -> list[str]:
        """The names under which the record of `code` may be kept; the first is the one to keep it under."""
        text = f"{room}~{code}".encode()
        digests = (hmac.digest(key, text, "sha256")[:_NAME_BYTES] for key in self._name_keys)
        return [base64.urlsafe_b64encode(digest).decode() for digest in digests]
