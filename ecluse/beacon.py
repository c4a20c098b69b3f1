"""Where the deciding value of a draw comes from: a committed secret, the operator's word, or a round of drand.

drand (drand.love) is a public beacon: many organisations together sign the number of each round, every few seconds,
and the value is the hash of that signature. Nobody, of fewer than a threshold of them, knows it before.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ecluse.domain import bls
from ecluse.domain.draw import HASH, SIGNATURE, Beacon, Kind
from ecluse.domain.errors import BadInput

ENDPOINTS = ("https://api.drand.sh", "https://drand.cloudflare.com")
"""Public relays, any of which may be asked: an answer proves itself."""
_LONGEST_ANSWER = 4096
_TAG = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain of drand under the scheme bls-unchained-g1-rfc9380; times are Unix seconds."""

    hash: str
    public_key: str
    genesis: int
    period_seconds: int

    def time_of(self, round_number: int) -> int:
        """When a round is made; it cannot be known before."""
        return self.genesis + (round_number - 1) * self.period_seconds

    def round_after(self, unix_seconds: float) -> int:
        """The first round made at this time or later, to be announced before anybody can know it."""
        since = unix_seconds - self.genesis
        return 1 if since <= 0 else int(-(-since // self.period_seconds)) + 1

    def signed(self, round_number: int, signature: bytes) -> bool:
        """Whether the signature is the chain's, on this round; takes about half a second."""
        message = sha256(round_number.to_bytes(8, "big")).digest()
        return bls.signed(bytes.fromhex(self.public_key), message, signature, _TAG)


QUICKNET = Chain(
    hash="52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
    public_key=(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
        "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    genesis=1_692_803_367,
    period_seconds=3,
)
"""The League of Entropy's fast chain."""
CHAINS = {QUICKNET.hash: QUICKNET}
"""The chains that can be checked, by hash."""


def read_chain(text: str) -> Chain:
    """A chain as a relay describes it (`/<hash>/info`): hash, public_key, genesis_time, period. Raises BadInput."""
    try:
        told = json.loads(text)
        key = bytes.fromhex(told["public_key"])
        found = Chain(
            hash=str(told["hash"]), public_key=key.hex(), genesis=int(told["genesis_time"]),
            period_seconds=int(told["period"]),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError):
        raise BadInput("hash, public_key, genesis_time and period are needed") from None
    if not HASH.fullmatch(found.hash) or len(key) != 96 or found.period_seconds < 1:
        raise BadInput("hash, public_key (96 bytes, of G2), genesis_time and period are needed")
    return found


def announced(unix_seconds: float, chain: Chain = QUICKNET) -> Beacon:
    """The beacon to announce for a draw whose list is closed before this time."""
    return Beacon(kind=Kind.DRAND, chain=chain.hash, round=chain.round_after(unix_seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A genuine round: number, and value and signature in lower-case hex."""

    number: int
    randomness: str
    signature: str


def read_round(text: str | bytes, number: int, chain: Chain = QUICKNET) -> Round:
    """Read a relay's JSON {round, randomness, signature} and check all of it; unknown keys are the relay's own matter.

    Raises BadInput if it is malformed, another round, or not genuine.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        raise BadInput("the beacon's answer is not JSON") from None
    if not isinstance(answer, dict):
        raise BadInput("the beacon's answer is not an object")
    found, randomness, signature = (answer.get(name) for name in ("round", "randomness", "signature"))
    if type(found) is not int or found != number:
        raise BadInput(f"the beacon answered with another round than {number}")
    if not isinstance(signature, str) or not SIGNATURE.fullmatch(signature):
        raise BadInput("the beacon's signature is not in hex")
    if not isinstance(randomness, str) or not HASH.fullmatch(randomness):
        raise BadInput("the beacon's randomness is not 64 hex digits")
    if sha256(bytes.fromhex(signature)).hexdigest() != randomness:
        raise BadInput("the beacon's randomness is not the SHA-256 of its signature")
    if not chain.signed(number, bytes.fromhex(signature)):
        raise BadInput("the beacon's signature is not genuine")
    return Round(number=number, randomness=randomness, signature=signature)


def fetch_round(
    number: int, *, chain: Chain = QUICKNET, endpoints: Sequence[str] = ENDPOINTS, seconds: float = 10
) -> Round:
    """Ask the relays in turn for a round until one has it, and check it. Blocks: call it in a thread.

    Raises OSError if none can be reached or has it (yet), BadInput if the answer of the last is not genuine.
    """
    trouble: Exception = OSError("no relay of the beacon is named")
    for endpoint in endpoints:
        try:
            return read_round(_fetched(f"{endpoint.rstrip('/')}/{chain.hash}/public/{number}", seconds), number, chain)
        except (OSError, BadInput) as error:
            trouble = error
    raise trouble


class _Straight(HTTPRedirectHandler):
    """Follows nothing: a relay answers itself."""

    def redirect_request(self, *_: object) -> None:
        """No second request."""


_OPENER = build_opener(_Straight)


def _fetched(address: str, seconds: float) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise BadInput("a relay of the beacon must be an http(s) address")
    give_up_at, text = time.monotonic() + seconds, b""
    try:
        with _OPENER.open(Request(address, headers={"User-Agent": "ecluse"}), timeout=seconds) as answer:  # noqa: S310
            while len(text) <= _LONGEST_ANSWER and (piece := answer.read1(_LONGEST_ANSWER)):
                text += piece
                if time.monotonic() > give_up_at:
                    raise OSError(f"{address} answers too slowly")
    except HTTPError as error:
        with error:  # it holds the connection
            raise OSError(f"{address} answered {error.code}") from None
    except HTTPException as error:
        raise OSError(f"{address} does not speak HTTP: {error}") from error
    if len(text) > _LONGEST_ANSWER:
        raise BadInput("the beacon's answer is too long")
    return text
