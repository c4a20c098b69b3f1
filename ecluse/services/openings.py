"""The opening hours of a room as a worker keeps them: the phase put in force at each turn, and the draw at an opening.

All progress is in Redis, step by step, so that any number of workers may share the work and any of them may die. What
was public once (a record, a commitment) is remembered here too, and put back if Redis loses it; then no list is closed
and nothing drawn before everybody who waits could present their ticket again.
"""

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from ecluse.domain.draw import Record, places
from ecluse.domain.healing import told as healing_told
from ecluse.domain.journal import Action
from ecluse.domain.merkle import Frontier
from ecluse.domain.opening import DrawKind, Moment, Schedule, mode_in_force
from ecluse.domain.room import Room
from ecluse.services.deciding import Deciding
from ecluse.services.opening_board import OpeningNow, draw_told, rfc3339
from ecluse.services.remembered import Remembered
from ecluse.store.draws import DrawStore, Plan
from ecluse.store.rooms import SYSTEM, RoomStore

log = structlog.get_logger()
BUDGET_SECONDS = 0.5
"""How long the draw may take of one turn, so that boards stay fresh meanwhile."""
READ_PIECE = 2_000
ROOT_PIECE = 4_000
PLACE_PIECE = 300
"""Tickets at once: Redis serves nobody else during a piece, and each stays below 5 ms there."""


class Openings:
    """The openings of one room, as one worker sees to them."""

    def __init__(self, store: DrawStore, room: Room, *, budget_seconds: float = BUDGET_SECONDS) -> None:
        self._store = store
        self._room = room
        self._journal = RoomStore(store.store, room)
        self._budget_seconds = budget_seconds
        self._moment: Moment | None = None
        self._moment_from_ms = 0.0
        self._deciding = Deciding(room)
        self._work: AsyncIterator[None] | None = None
        self._known = Remembered()

    async def keep(self, picture: Any) -> OpeningNow | None:
        """Put in force what the hours ask, and take the draw further; `picture` follows. Raises StoreAway.

        None: the turn is given back, for a worker that may remember a draw that Redis lost.
        """
        if self._room.timetable is None:
            return OpeningNow()
        now_ms = float(picture["now_ms"])
        moment = self._at(now_ms)
        plan = await self._store.plan()
        draws = self._room.draw is not DrawKind.NONE
        if draws and self._known.waits(moment, plan, picture["age_ms"]):
            await self._store.give_back()
            return None
        plan = await self._settle(moment, plan)
        if draws:
            returning = healing_told(picture.get("healing"), now_ms, self._room.return_seconds) is not None
            plan = await self._draw(moment, plan, now_ms, returning=returning)
        schedule = Schedule(plan.schedule)
        picture["mode"] = mode_in_force(picture["asked"], schedule)
        waiting, picture["called"] = await self._store.counts()
        for name, lane in picture["lanes"].items():
            lane["waiting"] = waiting[name]
        if schedule is Schedule.CLOSED and not self._room.keep_places:
            picture["pressing"] = 0
            for counts in ("silent", "past", "long_past"):
                picture[counts] = [0] * len(picture["silent"])
        return self._told(plan)

    async def look(self) -> None:
        """Keep in mind how far the draw is, in a turn that another worker takes, or put it back. Raises StoreAway."""
        if self._room.draw is not DrawKind.NONE:
            await self._put_back(await self._store.plan())

    def _at(self, now_ms: float) -> Moment:
        assert self._room.timetable is not None
        held, until = self._moment, None if self._moment is None else self._moment.until_ms
        if held is None or now_ms < self._moment_from_ms or (until is not None and now_ms >= until):
            self._moment, self._moment_from_ms = self._room.timetable.at(now_ms), now_ms
        assert self._moment is not None
        return self._moment

    async def _settle(self, moment: Moment, plan: Plan) -> Plan:
        wanted = self._wanted(moment, plan)
        times = tuple("" if at is None else str(at) for at in (moment.opens_at_ms, moment.closes_at_ms))
        if (plan.schedule, plan.opens_at, plan.closes_at) == (wanted.value, *times):
            return plan
        secret = ""
        if self._room.draw is not DrawKind.NONE:
            secret = self._known.secret_of(moment) or secrets.token_hex(32)
        settled = await self._store.settle(moment, wanted, secret, kept=self._room.keep_places)
        if settled.value != plan.schedule:
            log.info("schedule", room=self._room.id, phase=settled.value, opens_at_ms=moment.opens_at_ms)
            change = {"field": "schedule", "from": plan.schedule or None, "to": settled.value}
            await self._tell(Action.SCHEDULE, {"changes": [change]})
        return await self._store.plan()

    def _wanted(self, moment: Moment, plan: Plan) -> Schedule:
        """The schedule to put in force: an opening with people to draw begins with the draw."""
        if moment.schedule is not Schedule.OPEN or self._room.draw is DrawKind.NONE:
            return moment.schedule
        if self._known.was_to_draw(moment, plan):
            return Schedule.DRAWING
        gathered = plan.schedule in (Schedule.PREQUEUE, Schedule.DRAWING) and plan.opens_at == str(moment.opens_at_ms)
        # Without a state there is no draw: the room was not set to draw when this campaign began.
        return Schedule.DRAWING if gathered and plan.draw_state not in ("", "placed") else Schedule.OPEN

    async def _draw(self, moment: Moment, plan: Plan, now_ms: float, *, returning: bool) -> Plan:
        """Take the draw further for a while, and open when it is done; not while a lost line is `returning`."""
        if plan.schedule == Schedule.CLOSED:
            self._work = None
            return plan
        if await self._put_back(plan):
            return await self._store.plan()
        if plan.draw_state == "none":
            await self._announce(plan)
            plan = await self._store.plan()
            self._known.note(plan)
        if returning:
            self._work = None
        if returning or plan.schedule != Schedule.DRAWING:
            return plan
        if self._work is None:
            self._work = self._steps(plan, now_ms)
        until = time.monotonic() + self._budget_seconds
        try:
            async for _ in self._work:
                if time.monotonic() >= until:
                    break
            else:
                self._work = None
        except BaseException:
            self._work = None
            raise
        plan = await self._store.plan()
        self._known.note(plan)
        return await self._settle(moment, plan)

    async def _put_back(self, plan: Plan) -> bool:
        """What was public of the draw, and Redis lost in the midst of the campaign, is so again; whether any was."""
        state, known = self._known.lost(plan), self._known
        if not state:
            known.note(plan)
            return False
        self._work = None
        states = (plan.draw_state, state)
        if await self._store.advance(plan.campaign_at, states, known.record, upto=known.upto, secret=known.secret):
            log.warning("draw_put_back", room=self._room.id, state=state)
            await self._tell(Action.DRAW, {"draw": json.loads(known.record)})
        return True

    async def _announce(self, plan: Plan) -> None:
        record = self._deciding.announced(plan)
        await self._advance(plan, ("none", "announced"), record)

    async def _advance(self, plan: Plan, states: tuple[str, str], record: Record, *, listed: bool = False) -> bool:
        """Publish a state of the draw, and write in the journal that it is public; whether this worker did."""
        text = json.dumps(record.to_document(), ensure_ascii=False, separators=(",", ":"))
        done = await self._store.advance(plan.campaign_at, states, text, listed=listed)
        if done:
            await self._tell(Action.DRAW, {"draw": record.to_document()})
        return done

    async def _steps(self, plan: Plan, now_ms: float) -> AsyncIterator[None]:
        """The whole draw, piece by piece; ends early where it is another worker's turn, or an operator's."""
        if plan.draw_state == "announced":
            async for _ in self._close(plan, now_ms):
                yield
            plan = await self._store.plan()
        if plan.draw_state == "closed":
            await self._reveal(plan, now_ms)
            plan = await self._store.plan()
        if plan.draw_state == "drawn":
            async for _ in self._place(plan):
                yield

    async def _close(self, plan: Plan, now_ms: float) -> AsyncIterator[None]:
        """Fix the list of those drawn, and publish its root."""
        if not await self._store.lease():
            return
        ids: list[str] = []
        for lane in self._room.lanes:
            above, piece = 0.0, [""]
            while piece:
                piece, above = await self._store.tickets(lane.id, above, float(plan.draw_upto), READ_PIECE)
                ids += piece
                await self._store.lease()
                yield
        ids.sort()
        tree = Frontier()
        for at in range(0, len(ids), ROOT_PIECE):
            piece = ids[at : at + ROOT_PIECE]
            tree.add(piece)
            await self._store.prepare(piece, first=at == 0)
            await self._store.lease()
            yield
        record = self._deciding.at_closing(_record(plan), now_ms)
        record = record.close(closed_at=rfc3339(now_ms), n=tree.count, root=tree.root())
        if await self._advance(plan, ("announced", "closed"), record, listed=True):
            log.info("draw_closed", room=self._room.id, n=tree.count, root=record.root)

    async def _reveal(self, plan: Plan, now_ms: float) -> None:
        """The deciding value becomes public, and with it the seed, as soon as it is known."""
        revealed = await self._deciding.revealed(_record(plan), plan, now_ms)
        if revealed is not None and await self._advance(plan, ("closed", "drawn"), revealed):
            log.info("draw_decided", room=self._room.id, seed=revealed.seed)

    async def _place(self, plan: Plan) -> AsyncIterator[None]:
        """Everybody drawn goes to their place."""
        record, done = _record(plan), int(plan.draw_done or 0)
        assert record.seed is not None
        assert record.n is not None
        seed, n = bytes.fromhex(record.seed), record.n
        if n and not await self._store.listed(0, 1):
            async for _ in self._place_returned(plan, seed):
                yield
            return
        while True:
            ids = await self._store.listed(done, PLACE_PIECE) if n else []
            end = done + len(ids)
            found = await self._store.place(
                plan.campaign_at, done, list(zip(ids, places(seed, ids), strict=True)), last=end >= n
            )
            if found >= n or found == done:
                break
            done = found
            yield

    async def _place_returned(self, plan: Plan, seed: bytes) -> AsyncIterator[None]:
        """Redis lost the list: whoever came back stands at their number, and goes to their drawn place from there."""
        done = int(plan.draw_done or 0)
        while True:
            ids: list[str] = []
            for lane in self._room.lanes:
                # Drawn places are below 1: what is still to do stands above.
                ids = ids or (await self._store.tickets(lane.id, 1.0, float(plan.draw_upto), PLACE_PIECE))[0]
            end = done + len(ids)
            pairs = list(zip(ids, places(seed, ids), strict=True))
            done = await self._store.place(plan.campaign_at, done, pairs, last=not ids)
            if not ids or done != end:
                break
            yield

    async def _tell(self, action: Action, details: Mapping[str, object]) -> None:
        """Write in the journal what time did to the room."""
        await self._journal.note(action, details, who=SYSTEM, reason="")

    def _told(self, plan: Plan) -> OpeningNow:
        draws = self._room.draw is not DrawKind.NONE
        return OpeningNow(
            opens_at=rfc3339(float(plan.opens_at)) if plan.opens_at else None,
            closes_at=rfc3339(float(plan.closes_at)) if plan.closes_at else None,
            campaign={"started_at_ms": int(float(plan.campaign_at or 0)), "first_number": int(float(plan.first or 0))},
            draw=self._draw_told(plan) if draws else None,
            to_draw=draws and plan.schedule in (Schedule.PREQUEUE, Schedule.DRAWING),
        )

    def _draw_told(self, plan: Plan) -> dict[str, object]:
        """What the board says of the draw; of a round of drand, when it is made and when it is overdue."""
        told = draw_told(plan)
        beacon = self._deciding.told(_record(plan)) if plan.draw else None
        return told if beacon is None else told | {"beacon": beacon}


def _record(plan: Plan) -> Record:
    return Record.from_document(json.loads(plan.draw))
