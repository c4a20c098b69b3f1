"""The draw that orders those who came before the opening, so that anyone can recompute it ("ecluse-draw-v1").

The sorted ids are fixed by their Merkle root; then comes a value that nobody could know or choose before; the seed is
SHA-256 over both, and each ticket's place is HMAC-SHA256(seed, id) as a fraction: a uniform order without any choice
left. docs/draw.md tells it to people, and why.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

from ecluse.domain.errors import BadInput

VERSION = "ecluse-draw-v1"
HASH = re.compile(r"[0-9a-f]{64}")
SIGNATURE = re.compile(r"(?:[0-9a-f]{2}){1,256}")
TICKET = re.compile(r"[A-Za-z0-9_-]{1,64}")
ROOM = re.compile(r"[a-z0-9-]{1,40}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_PLACES = 2**52
_BLOCK_BYTES = 64
"""The block of SHA-256, to which HMAC pads its key (RFC 2104)."""
_LONGEST_VALUE = 1000


class State(StrEnum):
    """How far a draw is; each state publishes more and takes nothing back."""

    ANNOUNCED = "announced"
    CLOSED = "closed"
    DRAWN = "drawn"


class Kind(StrEnum):
    """Where the value that decides comes from."""

    NONE = "none"
    OPERATOR = "operator"
    DRAND = "drand"

    @property
    def described(self) -> str:
        """The kind, for people."""
        return _DESCRIBED[self]


_DESCRIBED = {
    Kind.NONE: "by a secret committed to before",
    Kind.OPERATOR: "by a value that the operator gave",
    Kind.DRAND: "by a round of drand",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """The deciding value: what was announced about it, and itself once it is known.

    `value` is, by kind: the committed secret in hex (none), any text (operator), the randomness of the round in hex
    (drand). `chain`, `round` and `signature` are drand's; `source` says in words where an operator's value is from.
    """

    kind: Kind
    chain: str | None = None
    round: int | None = None
    source: str | None = None
    value: str | None = None
    signature: str | None = None

    def randomness(self) -> bytes:
        """The 32 bytes that enter the seed; an operator's text is hashed. Raises BadInput before it is known."""
        if self.value is None:
            raise BadInput("beacon.value: not known yet")
        if self.kind is Kind.OPERATOR:
            return sha256(self.value.encode()).digest()
        return bytes.fromhex(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is public about one draw: draw.json. Hashes are lower-case hex, `closed_at` is RFC 3339 UTC.

    Raises BadInput where a field is malformed, missing in its state, or there too early.
    """

    room: str
    beacon: Beacon
    state: State = State.ANNOUNCED
    commitment: str | None = None
    closed_at: str | None = None
    n: int | None = None
    root: str | None = None
    seed: str | None = None

    def __post_init__(self) -> None:
        mistakes = [*_malformed(self), *_misplaced(self)]
        if mistakes:
            raise BadInput("; ".join(mistakes))

    def close(self, *, closed_at: str, n: int, root: bytes) -> "Record":
        """The list is fixed: to be published before anybody can know the deciding value."""
        return replace(self, state=State.CLOSED, closed_at=closed_at, n=n, root=root.hex())

    def reveal(self, value: str, signature: str | None = None, *, source: str | None = None) -> "Record":
        """The deciding value is known, and with it the seed; `source` is for an operator who named none before.

        Raises BadInput for a list not closed, or a value or source that is not the one announced.
        """
        beacon = replace(self.beacon, value=value, signature=signature, source=self.beacon.source or source)
        if source is not None and beacon.source != source:
            raise BadInput("beacon.source: another source was announced")
        if self.n is None or self.root is None:
            raise BadInput("state: the list is not closed yet")
        for mistake in _malformed_beacon(beacon):
            raise BadInput(mistake)
        if beacon.kind is Kind.NONE and commitment(beacon.randomness()) != self.commitment:
            raise BadInput("beacon.value: is not the secret that was committed to")
        if signature is not None and sha256(bytes.fromhex(signature)).digest() != beacon.randomness():
            raise BadInput("beacon.value: is not the SHA-256 of the signature")
        found = seed(self.room, self.n, bytes.fromhex(self.root), beacon.randomness())
        return replace(self, state=State.DRAWN, beacon=beacon, seed=found.hex())

    def to_document(self) -> dict[str, object]:
        """draw.json, every key always there."""
        beacon = {name: getattr(self.beacon, name) for name in _BEACON_FIELDS}
        rest = {name: getattr(self, name) for name in _RECORD_FIELDS}
        return {"version": VERSION, **rest, "state": str(self.state), "beacon": {**beacon, "kind": str(beacon["kind"])}}

    @classmethod
    def from_document(cls, document: object) -> "Record":
        """Read draw.json. Raises BadInput for any other version, an unknown or missing key, or a wrong type."""
        fields = _keys(document, ("version", *_RECORD_FIELDS), "")
        if fields.pop("version") != VERSION:
            raise BadInput(f"version: only {VERSION} is known")
        within = _keys(fields.pop("beacon"), _BEACON_FIELDS, "beacon.")
        texts = {name: fields[name] for name in ("room", "commitment", "closed_at", "root", "seed")}
        texts |= {f"beacon.{name}": within[name] for name in ("chain", "source", "value", "signature")}
        wrong = [f"{name}: must be text or null" for name, each in texts.items() if not isinstance(each, str | None)]
        numbers = {"n": fields["n"], "beacon.round": within["round"]}
        wrong += [f"{name}: must be a whole number or null" for name, each in numbers.items() if not _whole(each)]
        if wrong:
            raise BadInput("; ".join(wrong))
        kind, state = _one_of(Kind, within.pop("kind"), "beacon.kind"), _one_of(State, fields.pop("state"), "state")
        return cls(**fields, state=state, beacon=Beacon(**within, kind=kind))  # type: ignore[arg-type]


_Choice = TypeVar("_Choice", bound=StrEnum)
_RECORD_FIELDS = ("room", "state", "commitment", "closed_at", "n", "root", "beacon", "seed")
_BEACON_FIELDS = ("kind", "chain", "round", "source", "value", "signature")


def _keys(document: object, known: Sequence[str], prefix: str) -> dict[str, object]:
    if not isinstance(document, dict):
        raise BadInput(f"{prefix.rstrip('.') or 'the draw'}: must be an object")
    mistakes = [f"{prefix}{name}: is missing" for name in known if name not in document]
    mistakes += [f"{prefix}{str(name)[:40]!a}: is not known" for name in document if name not in known]
    if mistakes:
        raise BadInput("; ".join(mistakes))
    return dict(document)


def _whole(each: object) -> bool:
    return each is None or (isinstance(each, int) and not isinstance(each, bool))


def _one_of(choices: type[_Choice], found: object, name: str) -> _Choice:
    for choice in choices:
        if choice == found:
            return choice
    raise BadInput(f"{name}: must be one of {', '.join(choices)}")


def _is_time(text: str) -> bool:
    try:
        return bool(TIME.fullmatch(text)) and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _malformed(record: Record) -> Iterable[str]:
    if not isinstance(record.room, str) or not ROOM.fullmatch(record.room):
        yield "room: must be 1 to 40 of a-z 0-9 -"
    for name in ("commitment", "root", "seed"):
        found = getattr(record, name)
        if found is not None and not HASH.fullmatch(found):
            yield f"{name}: must be 64 lower-case hex digits"
    if record.closed_at is not None and not _is_time(record.closed_at):
        yield "closed_at: must be a UTC time like 2026-05-04T07:00:00Z"
    if record.n is not None and not 0 <= record.n < 2**53:
        yield "n: must be a count"
    yield from _malformed_beacon(record.beacon)


def _malformed_beacon(beacon: Beacon) -> Iterable[str]:
    drand = beacon.kind is Kind.DRAND
    if drand and (beacon.chain is None or beacon.round is None):
        yield "beacon: drand needs its chain and round from the announcement on"
    if not drand and beacon.chain is not None:
        yield "beacon.chain: belongs to drand"
    if beacon.chain is not None and not HASH.fullmatch(beacon.chain):
        yield "beacon.chain: must be 64 lower-case hex digits"
    if beacon.round is not None and (not drand or not 1 <= beacon.round < 2**53):
        yield "beacon.round: must be the number of a round of drand"
    if beacon.signature is not None and (not drand or not SIGNATURE.fullmatch(beacon.signature)):
        yield "beacon.signature: must be drand's, in lower-case hex"
    if drand and (beacon.value is None) != (beacon.signature is None):
        yield "beacon: value and signature of a round come together"
    if beacon.kind is Kind.OPERATOR:
        for name in ("source", "value"):
            found = getattr(beacon, name)
            if found is not None and not (0 < len(found) <= _LONGEST_VALUE and found.isprintable()):
                yield f"beacon.{name}: must be 1 to {_LONGEST_VALUE} printable characters on one line"
    elif beacon.value is not None and not HASH.fullmatch(beacon.value):
        yield "beacon.value: must be 64 lower-case hex digits"
    if beacon.source is not None and beacon.kind is not Kind.OPERATOR:
        yield "beacon.source: belongs to an operator's value"


def _misplaced(record: Record) -> Iterable[str]:
    if (record.commitment is not None) != (record.beacon.kind is Kind.NONE):
        yield "commitment: belongs to a draw without a beacon, and only to that"
    closed, drawn = record.state is not State.ANNOUNCED, record.state is State.DRAWN
    for name, due in (("closed_at", closed), ("n", closed), ("root", closed), ("seed", drawn)):
        if (getattr(record, name) is not None) != due:
            yield f"{name}: {'is missing' if due else 'is too early'} in the state {record.state}"
    if (record.beacon.value is not None) != drawn:
        yield f"beacon.value: {'is missing' if drawn else 'is too early'} in the state {record.state}"


def commitment(secret: bytes) -> str:
    """What is published before the prequeue where there is no beacon: SHA-256 of the secret, in hex."""
    if len(secret) != 32:
        raise BadInput("secret: must be 32 bytes")
    return sha256(secret).hexdigest()


def seed(room: str, n: int, root: bytes, randomness: bytes) -> bytes:
    """SHA-256("ecluse-draw-v1|" room "|" ‖ n as 8 bytes, big end first ‖ root ‖ randomness): 32 bytes."""
    return sha256(f"{VERSION}|{room}|".encode() + n.to_bytes(8, "big") + root + randomness).digest()


def place(seed: bytes, ticket_id: str) -> float:
    """The place of one ticket, in [0, 1): the top 52 bits of HMAC-SHA256(seed, id), exact in a double."""
    return places(seed, (ticket_id,))[0]


def places(seed: bytes, ids: Iterable[str]) -> list[float]:
    """The place of each ticket, in the order given; under three seconds for a million."""
    # HMAC (RFC 2104) with the padded key hashed once: copying that state halves the time of hmac.digest.
    padded = seed.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in padded)).copy
    outer = sha256(bytes(byte ^ 0x5C for byte in padded)).copy
    found = []
    for each in ids:
        first = inner()
        first.update(each.encode())
        second = outer()
        second.update(first.digest())
        found.append((int.from_bytes(second.digest()[:7], "big") >> 4) / _PLACES)
    return found


def order(seed: bytes, ids: Sequence[str]) -> list[tuple[float, str]]:
    """The drawn line, first to last; equal places, which are not to be expected, stand in the order of their ids."""
    return sorted(zip(places(seed, ids), ids, strict=True))


def read_ids(text: str) -> list[str]:
    """The ids of tickets.txt: one a line, each ended by a line feed. Raises BadInput naming the first wrong line."""
    if not text:
        return []
    *ids, rest = text.split("\n")
    if rest:
        raise BadInput("tickets: the last line is cut off")
    for number, each in enumerate(ids, 1):
        if not TICKET.fullmatch(each):
            raise BadInput(f"tickets: line {number} is no ticket id")
    return ids
