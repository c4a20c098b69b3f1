"""What a published draw proves, claim by claim, in words for people who do not program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from ecluse.domain import draw, merkle
from ecluse.domain.draw import Kind, Record, State


class Verdict(StrEnum):
    """What became of a claim."""

    HOLDS = "✓"
    FAILS = "✗"
    UNPROVEN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim, what became of it, and why."""

    verdict: Verdict
    claim: str
    words: str


class Chain(Protocol):
    """A chain of drand, as `ecluse.beacon` has it."""

    def time_of(self, round_number: int, /) -> int:
        """When the round is made, Unix seconds."""
        ...

    def signed(self, round_number: int, signature: bytes, /) -> bool:
        """Whether the signature is the chain's on this round."""
        ...


def check(record: Record, ids: Sequence[str], chains: Mapping[str, Chain]) -> list[Finding]:
    """Recompute everything that the record claims of these ids.

    `chains` are the beacons whose signatures can be checked, by hash; a round of any other proves nothing and fails.
    A draw that is not done yet claims less, and what it will claim is left out.
    """
    return [
        *_list(record, ids),
        *_commitment(record),
        *_beacon(record, chains),
        *_seed(record),
        *_beyond(record),
    ]


def holds(findings: Sequence[Finding]) -> bool:
    """Whether nothing that is claimed was found wrong."""
    return all(finding.verdict is not Verdict.FAILS for finding in findings)


def check_ticket(record: Record, ids: Sequence[str], ticket_id: str) -> list[Finding]:
    """Where one ticket stands in the list and in the drawn line."""
    try:
        index = ids.index(ticket_id)
    except ValueError:
        words = "is not in the list: keep the ticket you were given, its signature proves that you joined"
        return [_found(False, "your ticket", words)]
    if record.root is None:
        return [_open("your ticket", "is in the list, which is not closed yet")]
    proof = merkle.inclusion_proof(ids, index) if merkle.risen(ids) else []
    included = merkle.verify_inclusion(ticket_id, index, record.n or 0, proof, bytes.fromhex(record.root))
    words = f"line {index + 1} of {len(ids)}; {len(proof)} hashes lead from it to the published root"
    if not included:
        return [_found(False, "your ticket", "is in this list, but the list does not lead to the published root")]
    findings = [_found(True, "your ticket", words)]
    if record.seed is not None:
        value = bytes.fromhex(record.seed)
        own = draw.place(value, ticket_id)
        rank = 1 + sum(each < (own, ticket_id) for each in zip(draw.places(value, ids), ids, strict=True))
        findings.append(_found(True, "your rank", f"{rank} of {len(ids)}, by the draw value {own:.16f}"))
    return findings


def _found(good: bool, claim: str, words: str) -> Finding:
    return Finding(verdict=Verdict.HOLDS if good else Verdict.FAILS, claim=claim, words=words)


def _open(claim: str, words: str) -> Finding:
    return Finding(verdict=Verdict.UNPROVEN, claim=claim, words=words)


def _list(record: Record, ids: Sequence[str]) -> Iterator[Finding]:
    if record.n is None or record.root is None:
        yield _open("list", "not closed yet: its count and root are still to be published")
        return
    same = len(ids) == record.n
    yield _found(same, "count", f"{len(ids)} tickets in the list, {record.n} published")
    if not merkle.risen(ids):
        yield _found(False, "list", "the ids are not sorted, or one is there twice")
        return
    found = merkle.root(ids).hex()
    same = found == record.root
    words = f"{found[:16]}… is the published root: this is the list that was closed"
    yield _found(same, "root", words if same else f"the list gives {found[:16]}…, published was {record.root[:16]}…")


def _commitment(record: Record) -> Iterator[Finding]:
    if record.beacon.kind is not Kind.NONE or record.beacon.value is None:
        return
    same = sha256(bytes.fromhex(record.beacon.value)).hexdigest() == record.commitment
    words = "the secret revealed is the one committed to before the prequeue"
    yield _found(same, "commitment", words if same else "another secret was revealed than the one committed to")


def _beacon(record: Record, chains: Mapping[str, Chain]) -> Iterator[Finding]:
    beacon = record.beacon
    if beacon.kind is Kind.OPERATOR and beacon.value is not None:
        source = f"compare it with its source, {beacon.source}" if beacon.source else "no source was announced for it"
        yield _open("beacon", f"the value “{beacon.value}” was given by the operator; {source}")
    if beacon.kind is not Kind.DRAND or beacon.chain is None or beacon.round is None:
        return
    chain = chains.get(beacon.chain)
    if chain is not None:
        yield from _in_time(record.closed_at, chain.time_of(beacon.round))
    if beacon.signature is None or beacon.value is None:
        return
    signature = bytes.fromhex(beacon.signature)
    same = sha256(signature).hexdigest() == beacon.value
    words = f"the value is {'' if same else 'not '}the hash of the signature of round {beacon.round}"
    yield _found(same, "beacon value", words)
    if chain is None:
        words = f"not checked: the chain {beacon.chain[:16]}… is none that is known, so anybody may have signed"
        yield _found(False, "beacon signature", words)
        return
    genuine = chain.signed(beacon.round, signature)
    words = f"{'genuine' if genuine else 'NOT genuine'}: {'' if genuine else 'not '}by drand on round {beacon.round}"
    yield _found(genuine, "beacon signature", words)


def _in_time(closed_at: str | None, made_at: int) -> Iterator[Finding]:
    if closed_at is None:
        return
    ahead = made_at - datetime.fromisoformat(closed_at).timestamp()
    words = f"the round was made {abs(ahead):.0f} s {'after' if ahead > 0 else 'before'} the list was closed"
    yield _found(ahead > 0, "beacon time", words)


def _seed(record: Record) -> Iterator[Finding]:
    if record.seed is None or record.n is None or record.root is None:
        yield _open("seed", "not revealed yet: nobody has been drawn")
        return
    found = draw.seed(record.room, record.n, bytes.fromhex(record.root), record.beacon.randomness()).hex()
    words = "follows from room, count, root and deciding value alone; with it, so does the whole order"
    yield _found(found == record.seed, "seed", words if found == record.seed else f"should be {found[:16]}…")


def _beyond(record: Record) -> Iterator[Finding]:
    """What no file can prove by itself, said each time."""
    if record.state is State.ANNOUNCED:
        return
    yield _open("published in time", "that the root was public before the value was known: ask whoever kept a copy")
    if record.beacon.kind is Kind.NONE:
        words = "the operator knew the secret all along: trust is needed that no tickets were added to suit it"
        yield _open("nobody knew the value", words)
    if record.beacon.kind is Kind.OPERATOR:
        yield _open("nobody knew the value", "that it was not known, or chosen, before the list was closed")
    yield _open("every ticket is a person", "a list can hold tickets of no one; compare the count with who came")
