"""The value that decides a draw: what is announced of it, how it becomes known, and what happens if it does not.

A round of drand is named before it exists, and fetched beside the turns: boards stay fresh while a relay is slow. If no
relay can be reached the draw waits; nothing of our own ever stands in. After `OVERDUE_SECONDS` an operator may give a
value with its source instead, and the record says so.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import structlog

from ecluse.beacon import CHAINS, ENDPOINTS, QUICKNET, Chain, Round, announced, fetch_round, read_round
from ecluse.domain.draw import Beacon, Kind, Record, commitment
from ecluse.domain.errors import BadInput, WrongMoment
from ecluse.domain.opening import DrandSource, DrawKind
from ecluse.domain.room import Room
from ecluse.store.draws import Plan

log = structlog.get_logger()
AFTER_CLOSING_SECONDS = 30
"""The round is made so long after the list is to be closed, so that its root is public before."""
_LEAST_SECONDS = 5
OVERDUE_SECONDS = 120
_FETCH_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 3.0
SOURCE_MAX_CHARS = 700
"""Of the source of a value in place of a round: the record says before it which round."""


def chain_of(source: DrandSource | None) -> Chain:
    """The chain that a room is set to; the public one of drand where it names none."""
    if source is None or not source.chain:
        return QUICKNET
    return Chain(
        hash=source.chain, public_key=source.public_key, genesis=source.genesis, period_seconds=source.period_seconds
    )


class Deciding:
    """How the draws of one room are decided, as one worker sees to it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._chain = chain_of(room.drand)
        self._relays = (room.drand and room.drand.relays) or ENDPOINTS
        self.fetching: asyncio.Task[Round | None] | None = None
        """The round under way: a turn never waits for it."""
        self._not_before_ms = 0.0
        self._complained = False

    def announced(self, plan: Plan) -> Record:
        """What is public before anybody gathers."""
        if self._room.draw is DrawKind.SEED:
            promised = commitment(bytes.fromhex(plan.draw_secret))
            return Record(room=self._room.id, beacon=Beacon(kind=Kind.NONE), commitment=promised)
        if self._room.draw is DrawKind.DRAND:
            closing = float(plan.opens_at) / 1000
            return Record(room=self._room.id, beacon=announced(closing + AFTER_CLOSING_SECONDS, self._chain))
        return Record(room=self._room.id, beacon=Beacon(kind=Kind.OPERATOR))

    def at_closing(self, record: Record, now_ms: float) -> Record:
        """The same, with a later round where the list is closed so late that the one announced may be known."""
        chain = self._known_chain(record)
        if record.beacon.round is None or chain is None:
            return record
        now = now_ms / 1000
        if chain.time_of(record.beacon.round) >= now + _LEAST_SECONDS:
            return record
        return replace(record, beacon=announced(now + AFTER_CLOSING_SECONDS, chain))

    def _known_chain(self, record: Record) -> Chain | None:
        named = record.beacon.chain or ""
        return self._chain if named == self._chain.hash else CHAINS.get(named)

    def told(self, record: Record) -> dict[str, object] | None:
        """What the board says of a round of drand; None where none decides."""
        chain, number = self._known_chain(record), record.beacon.round
        if number is None or chain is None:
            return None
        due_ms = chain.time_of(number) * 1000
        return {"round": number, "due_ms": due_ms, "overdue_ms": due_ms + OVERDUE_SECONDS * 1000}

    async def revealed(self, record: Record, plan: Plan, now_ms: float) -> Record | None:
        """The record with its value, once it is known; as announced, whatever the room is set to since."""
        if record.beacon.kind is Kind.NONE:
            return record.reveal(plan.draw_secret)
        if plan.beacon:
            return _with_given(record, json.loads(plan.beacon))
        if record.beacon.kind is Kind.DRAND:
            found = await self._fetched(record, now_ms)
            return None if found is None else record.reveal(found.randomness, found.signature)
        return None

    async def _fetched(self, record: Record, now_ms: float) -> Round | None:
        """The round if it is here; otherwise see to it that it is asked for. Never waits."""
        number, chain = record.beacon.round, self._known_chain(record)
        if number is None or chain is None or now_ms < max(chain.time_of(number) * 1000, self._not_before_ms):
            return None
        if self.fetching is None:
            self.fetching = asyncio.create_task(self._fetch(number, chain))
        if not self.fetching.done():
            return None
        found = await self.fetching
        self.fetching = None
        if found is None:
            self._not_before_ms = now_ms + _TRY_AGAIN_SECONDS * 1000
        elif found.number != number:
            return None
        return found

    async def _fetch(self, number: int, chain: Chain) -> Round | None:
        try:
            found = await asyncio.to_thread(
                fetch_round, number, chain=chain, endpoints=self._relays, seconds=_FETCH_SECONDS
            )
        except (OSError, BadInput) as error:
            if not self._complained:
                log.warning("beacon_away", room=self._room.id, round=number, why=str(error))
            self._complained = True
            return None
        self._complained = False
        log.info("beacon_fetched", room=self._room.id, round=number)
        return found


def _with_given(record: Record, given: Mapping[str, str]) -> Record:
    """The record decided by what an operator gave: the round itself, or a value of their own."""
    if "signature" in given:
        return record.reveal(given["value"], given["signature"])
    source = given["source"]
    if record.beacon.kind is Kind.DRAND:
        source = f"In place of round {record.beacon.round} of drand {record.beacon.chain}, out of reach: {source}"
        record = replace(record, beacon=Beacon(kind=Kind.OPERATOR, source=source))
    elif record.beacon.source is None:
        record = replace(record, beacon=replace(record.beacon, source=source))
    return record.reveal(given["value"])


def given_for_a_round(record: Record, fields: Mapping[str, object], chain: Chain, now_ms: float) -> dict[str, str]:
    """What an operator gives where a round of drand was announced: its signature, or, overdue, a value with its source.

    Raises BadInput, WrongMoment.
    """
    number = record.beacon.round
    assert number is not None
    if record.beacon.chain != chain.hash:
        raise WrongMoment("The round announced is of another chain than the room is set to.")
    made_ms = chain.time_of(number) * 1000
    signature = fields.get("signature")
    if signature is not None:
        if set(fields) != {"signature"} or not isinstance(signature, str):
            raise BadInput("signature: that of the round, in hex, and nothing beside it")
        try:
            value = sha256(bytes.fromhex(signature)).hexdigest()
        except ValueError:
            raise BadInput("signature: that of the round, in hex") from None
        found = read_round(json.dumps({"round": number, "randomness": value, "signature": signature}), number, chain)
        return {"value": found.randomness, "signature": found.signature}
    if now_ms < made_ms + OVERDUE_SECONDS * 1000:
        raise WrongMoment(
            f"Round {number} of drand decides this draw. Give its signature; a value of your own is taken "
            f"{OVERDUE_SECONDS} seconds after the round was due, if it still cannot be fetched."
        )
    source = fields.get("source")
    if isinstance(source, str) and len(source) > SOURCE_MAX_CHARS:
        raise BadInput(f"source: at most {SOURCE_MAX_CHARS} characters here")
    return {}
