"""The line in Redis against the model: the same states, order and counts after any sequence of steps."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from ecluse.domain.room import Room
from ecluse.domain.ticket import State
from ecluse.store.client import Store
from ecluse.store.line import Admitted, Called, Early, Line, Missed, Waiting
from ecluse.tokens import new_id
from tests.ecluse.store.model import Model

START_MS = 1_800_000_000_000.0
SEEN = {Waiting: State.WAITING, Called: State.CALLED, Admitted: State.ADMITTED, Missed: State.MISSED}
FINISHED = {State.GONE, State.LEFT, State.ENDED}


def machine(url: str) -> type[RuleBasedStateMachine]:
    """The state machine over the server at `url`."""

    class TheLine(RuleBasedStateMachine):
        tickets: Bundle[str] = Bundle("tickets")

        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.store = Store.at(url)
            self.model = Model(pace=60, burst=2, capacity=4, claim_ms=20_000, session_ms=30_000, now=START_MS)
            room = Room(
                id=f"r-{new_id().lower().replace('_', '-')}", notice={}, pace_per_minute=60, burst=2, capacity=4,
                claim_ms=20_000, session_ms=30_000, session_max_ms=30_000,
            )  # fmt: skip
            self.line = Line(self.store, room)
            self.line.now_ms = START_MS
            self.places: dict[str, int] = {}
            self.calls = 0

        def run(self, coroutine: Any) -> Any:
            return self.runner.run(coroutine)

        def teardown(self) -> None:
            self.run(self.store.close())
            self.runner.close()

        @rule(target=tickets, at_once=st.booleans())
        def enter(self, at_once: bool) -> Any:
            ticket = new_id()
            entry = self.run(self.line.enter(ticket, "main", "epoch-01", at_once=at_once))
            if not self.model.enter(ticket, at_once):
                assert type(entry).__name__ == "Closed"
                return multiple()
            self.places[ticket] = entry.number
            return ticket

        @rule(ticket=tickets)
        def enter_again(self, ticket: str) -> None:
            """Sent twice (a lost reply): nothing changes while the ticket is in line, called or inside."""
            if self.model.state[ticket] in (State.WAITING, State.CALLED, State.ADMITTED):
                self.run(self.line.enter(ticket, "main", "epoch-01", at_once=True))

        @rule(how_many=st.integers(1, 5), stale=st.booleans())
        def call(self, how_many: int, stale: bool) -> None:
            called = self.run(self.line.call(how_many, self.calls + (7 if stale else 0)))
            if stale or called is None:
                assert called is None or not stale
                assert stale or self.model.mode in ("paused", "closed")
                return
            self.calls += sum(n for n, _ in called.values())
            self.model.call(how_many)

        @rule(ticket=tickets, twice=st.booleans())
        def claim(self, ticket: str, twice: bool) -> None:
            before = self.model.state[ticket]
            found = self.run(self.line.claim(ticket))
            if twice and not isinstance(found, Early):
                assert self.run(self.line.claim(ticket)) == found
            self.model.claim(ticket)
            if isinstance(found, Early):
                assert before is State.CALLED
                deadline = self.run(self.line.look(ticket))
                assert deadline.deadline_ms >= int(self.model.deadline[ticket]), "an early claim shortened its call"
                self.model.deadline[ticket] = deadline.deadline_ms

        @rule(ticket=tickets)
        def extend(self, ticket: str) -> None:
            found = self.run(self.line.extend(ticket))
            if self.model.state[ticket] is State.CALLED:
                assert isinstance(found, Called)
                assert found.deadline_ms >= int(self.model.deadline[ticket])
                self.model.deadline[ticket] = found.deadline_ms

        @rule(ticket=tickets)
        def leave(self, ticket: str) -> None:
            self.run(self.line.leave(ticket))
            self.model.leave(ticket)

        @rule(ticket=tickets)
        def finish(self, ticket: str) -> None:
            if self.model.state[ticket] in (State.ADMITTED, State.ENDED):
                self.run(self.line.finish(ticket))
                self.model.finish(ticket)

        @rule(ticket=tickets, back=st.booleans())
        def present(self, ticket: str, back: bool) -> None:
            number = self.places[ticket]
            found = self.run(
                self.line.restore(ticket, "main", number, number, epochs=("epoch-01", "epoch-02"), back=back)
            )
            assert found.put_back == (back and self.model.state[ticket] is State.MISSED and self.model.mode != "closed")
            if back:
                self.model.rejoin(ticket)

        @rule(seconds=st.sampled_from([0.2, 1.0, 7.0, 21.0, 40.0]))
        def time_passes(self, seconds: float) -> None:
            self.model.now += seconds * 1000
            self.line.now_ms = self.model.now
            self.run(self.line.expire())
            self.model.expire()

        @rule(pace=st.sampled_from([6.0, 60.0, 600.0]), burst=st.integers(1, 3), capacity=st.sampled_from([0, 2, 4]))
        def operator_sets(self, pace: float, burst: int, capacity: int) -> None:
            self.run(self._set("pace_per_minute", pace, "burst", burst, "capacity", capacity))
            self.model.pace, self.model.burst, self.model.capacity = pace, burst, capacity

        @rule(mode=st.sampled_from(["open", "open", "queueing", "paused", "closed"]))
        def operator_switches(self, mode: str) -> None:
            self.run(self._set("mode", mode))
            self.model.mode = mode

        async def _set(self, *pairs: str | float) -> None:
            await self.store.command("HSET", self.line.keys.settings, *pairs)

        @invariant()
        def same_states(self) -> None:
            async def look() -> list[Any]:
                return list(await asyncio.gather(*(self.line.look(ticket) for ticket in self.model.state)))

            for (ticket, state), found in zip(self.model.state.items(), self.run(look()), strict=True):
                expected = state if state not in FINISHED else None
                assert SEEN.get(type(found)) == expected, f"{ticket} should be {state}, is {found}"

        @invariant()
        def same_order_and_counts(self) -> None:
            async def read() -> Any:
                return await self.store.command("ZRANGE", self.line.keys.step[-1], 0, -1)

            line = [ticket.decode() for ticket in self.run(read())]
            assert line == self.model.who(State.WAITING)

        @invariant()
        def one_place_each(self) -> None:
            """No ticket is in two sets at once."""

            async def read() -> list[Any]:
                keys = [self.line.keys.step[-1], *self.line.keys.step[2:4]]
                return list(await asyncio.gather(*(self.store.command("ZRANGE", key, 0, -1) for key in keys)))

            everywhere = [ticket for tickets in self.run(read()) for ticket in tickets]
            assert len(everywhere) == len(set(everywhere))

    return TheLine


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_line_follows_the_model_through_any_sequence_of_steps(redis_url: str) -> None:
    run_state_machine_as_test(
        machine(redis_url),
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
