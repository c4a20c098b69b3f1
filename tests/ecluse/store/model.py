"""The line as a plain list: what the scripts must do, in eighty lines without Redis."""

from dataclasses import dataclass, field

from ecluse.domain.pace import Bucket
from ecluse.domain.ticket import State, Step, after


@dataclass
class Model:
    """One room with one lane. Times in ms."""

    pace: float
    burst: int
    capacity: int
    claim_ms: int
    session_ms: int
    mode: str = "open"
    now: float = 0.0
    numbers: int = 0
    state: dict[str, State] = field(default_factory=dict)
    number: dict[str, int] = field(default_factory=dict)
    deadline: dict[str, float] = field(default_factory=dict)
    expiry: dict[str, float] = field(default_factory=dict)
    missed_once: set[str] = field(default_factory=set)
    admissions: list[float] = field(default_factory=list)
    bucket: Bucket | None = None

    def who(self, state: State) -> list[str]:
        return sorted((t for t, s in self.state.items() if s is state), key=lambda t: self.number[t])

    def active(self) -> int:
        return sum(1 for t in self.who(State.ADMITTED) if self.expiry[t] > self.now)

    def _bucket(self) -> Bucket:
        interval = 60_000 / self.pace
        held = self.bucket or Bucket(interval_ms=interval, at_ms=self.now)
        seen = held.at(self.now, interval, self.burst)
        if self.bucket and self.bucket.interval_ms != interval:
            self.bucket = seen
        return seen

    def _fits(self, reserved: int) -> bool:
        wait_ms = self._bucket().wait_ms(self.burst, reserved)
        return (self.capacity == 0 or self.active() + reserved < self.capacity) and wait_ms <= 1e-6

    def _admit(self, ticket: str) -> None:
        self.bucket = self._bucket().debited()
        self.state[ticket], self.expiry[ticket] = State.ADMITTED, self.now + self.session_ms
        self.admissions.append(self.now)

    def enter(self, ticket: str, at_once: bool) -> bool:
        if self.mode == "closed":
            return False
        self.numbers += 1
        self.number[ticket] = self.numbers
        called = len(self.who(State.CALLED))
        if at_once and self.mode == "open" and not self.who(State.WAITING) and self._fits(called):
            self._admit(ticket)
        else:
            self.state[ticket] = State.WAITING
        return True

    def call(self, how_many: int) -> None:
        for ticket in self.who(State.WAITING)[: how_many if self.mode in ("open", "queueing") else 0]:
            self.state[ticket], self.deadline[ticket] = State.CALLED, self.now + self.claim_ms

    def claim(self, ticket: str) -> None:
        if self.state[ticket] is not State.CALLED or self.mode == "closed":
            return
        if self._fits(0) and self.mode != "paused":
            self._admit(ticket)

    def expire(self) -> None:
        for ticket in self.who(State.CALLED):
            if self.deadline[ticket] <= self.now:
                if self.mode in ("paused", "closed"):
                    self.deadline[ticket] = self.now + self.claim_ms
                else:
                    step = Step.MISS_AGAIN if ticket in self.missed_once else Step.MISS
                    self.missed_once.add(ticket)
                    self.state[ticket] = after(State.CALLED, step)
        for ticket in self.who(State.ADMITTED):
            if self.expiry[ticket] <= self.now:
                self.state[ticket] = State.ENDED

    def leave(self, ticket: str) -> None:
        if self.state[ticket] not in (State.ADMITTED, State.ENDED, State.LEFT):
            self.state[ticket] = State.LEFT

    def finish(self, ticket: str) -> None:
        if self.state[ticket] is State.ADMITTED:
            self.state[ticket] = State.ENDED

    def rejoin(self, ticket: str) -> None:
        if self.state[ticket] is State.MISSED and self.mode != "closed":
            self.state[ticket] = State.WAITING
