"""The locust side of a load run: one user class whose personas are those of `personas.py`, driven on gevent.

    locust -f loadtests/locustfile.py --headless --host URL --scenario-file FILE --record FILE

`python -m loadtests` starts it so; it may be run by hand as well. Nothing of this is imported elsewhere: gevent
patches what it is imported into.
"""

import time
from pathlib import Path
from random import Random
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser

from loadtests.answers import WrongAnswer
from loadtests.moves import Answer, Ask, Moves
from loadtests.personas import PERSONAS, deck, live
from loadtests.record import Record
from loadtests.scenarios import SCENARIOS, Scenario
from loadtests.shapes import arrived_by, opening_spike
from loadtests.tally import Tally
from loadtests.visitor import Site, Visitor

_SPAWN_PER_SECOND = 100


class Run:
    """What all users of a run share."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.site = Site(room=scenario.room, home=scenario.home)
        self.tally = Tally()
        self.visitors: list[Visitor] = []
        self._random = Random(scenario.seed)
        self._personas = deck(scenario.personas, scenario.users, self._random)
        self.arrivals = opening_spike(
            scenario.users, spike_share=scenario.spike_share, spike_seconds=scenario.spike_seconds,
            stragglers_seconds=scenario.seconds * scenario.stragglers_until, random=self._random,
        )  # fmt: skip

    def somebody(self) -> Visitor:
        """The next visitor."""
        persona = self._personas[len(self.visitors) % len(self._personas)]
        random = Random(self._random.getrandbits(64))
        visitor = Visitor(self.site, self.tally, random, persona, bearer=PERSONAS[persona].bearer)
        self.visitors.append(visitor)
        return visitor


def _run_of(environment: Environment) -> Run:
    run: Run = environment.ecluse_run  # type: ignore[attr-defined]
    return run


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--scenario-file", type=Path, help="a scenario as JSON; without it the opening spike")
    parser.add_argument("--record", type=Path, help="write what was seen there, as JSON")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    file = None if options is None else options.scenario_file
    scenario = SCENARIOS["opening-spike"] if file is None else Scenario.from_json(file.read_text(encoding="utf-8"))
    environment.ecluse_run = Run(scenario)  # type: ignore[attr-defined]


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _write(environment: Environment, **_: Any) -> None:
    options, run = environment.parsed_options, _run_of(environment)
    if options is not None and options.record is not None:
        Record.of(run.tally, [each.trace for each in run.visitors]).write(options.record)
    # Locust counts any failed request; our verdict is stricter and is somebody else's to give.
    environment.process_exit_code = 0


class Arrivals(LoadTestShape):
    """Users come when the scenario says; the run ends with its time."""

    def tick(self) -> tuple[int, float] | None:
        """How many have arrived by now."""
        assert self.runner is not None
        run = _run_of(self.runner.environment)
        elapsed = time.perf_counter() - self.start_time
        if elapsed > run.scenario.seconds:
            return None
        return arrived_by(run.arrivals, elapsed), _SPAWN_PER_SECOND


class Someone(FastHttpUser):
    """One visitor, from arriving to being done."""

    network_timeout = 30.0
    connection_timeout = 30.0

    def on_start(self) -> None:
        """Cookies are the visitor's own affair."""
        self.client.client.cookiejar = None

    @task
    def come(self) -> None:
        """Go the whole way, once."""
        run = _run_of(self.environment)
        if len(run.visitors) >= run.scenario.users:
            # Locust fills up with somebody new when a visitor is done before all have come.
            raise StopUser
        try:
            self._drive(live(run.somebody()))
        except Exception as error:
            # A visitor of ours that crashes proves nothing; locust alone would log it and go on.
            run.tally.note_wrong(WrongAnswer("a simulated visitor crashed", repr(error)))
            raise StopUser from error
        raise StopUser

    def _drive(self, moves: Moves[str]) -> None:
        answer: Answer | None = None
        while True:
            try:
                move = moves.send(answer)
            except StopIteration:
                return
            if isinstance(move, Ask):
                answer = self._ask(move)
            else:
                answer = None
                gevent.sleep(move.seconds)

    def _ask(self, request: Ask) -> Answer:
        body = None if request.body is None else request.body.decode()
        sent_at = time.monotonic()
        with self.client.request(
            request.method, request.path, name=request.step.value, data=body, headers=dict(request.headers),
            allow_redirects=False, catch_response=True,
        ) as response:  # fmt: skip
            if response.status_code in request.expected:
                response.success()
            else:
                response.failure(f"status {response.status_code}")
            headers = [] if response.headers is None else list(response.headers.items())
            return Answer(
                status=response.status_code or 0,
                headers={name.lower(): value for name, value in headers},
                set_cookies=tuple(value for name, value in headers if name.lower() == "set-cookie"),
                body=response.content or b"",
                error=str(getattr(response, "error", None) or ""),
                sent_at=sent_at,
                received_at=time.monotonic(),
            )
