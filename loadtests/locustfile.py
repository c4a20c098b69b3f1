"""The locust side of a load run: visitors come when the scenario says, and each is driven on gevent.

    locust -f loadtests/locustfile.py --host URL --scenario-file FILE [--record FILE]

`python -m loadtests` starts it headless; by hand it has locust's own web page, and workers on other machines. Nothing
of this is imported elsewhere: gevent patches what it is imported into.

Arrivals are an open model. Locust's own ramp-up waits for its users; so one user of each process, the opening, starts
all others at their moments, late or not, and how late they were is noted.
"""

import time
from pathlib import Path
from random import Random
from typing import Any

import gevent
from locust import FastHttpUser, LoadTestShape, User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from loadtests.answers import WrongAnswer
from loadtests.generator import GeneratorSeen
from loadtests.moves import Answer, Ask, Moves
from loadtests.personas import deck, live, somebody
from loadtests.record import Record, merged
from loadtests.scenarios import Scenario, read_scenario
from loadtests.site import Site
from loadtests.tally import Tally
from loadtests.visitor import Visitor

_MESSAGE = "ecluse_record"
_ZERO = time.time() - time.monotonic()


def now() -> float:
    """Unix seconds by a clock that never jumps during a run: traces of several machines fit together."""
    return _ZERO + time.monotonic()


class Run:
    """What all users of one run in this process share: the visitors of its share, and what they saw."""

    def __init__(self, scenario: Scenario, *, worker: int = 0, workers: int = 1, ceiling: float = 0.0) -> None:
        self.scenario = scenario
        self.site = Site(room=scenario.room, home=scenario.home, direct_key=scenario.direct_key.encode())
        self.tally = Tally(traces=[], origin=[])
        self.started_at = now()
        self.generator = GeneratorSeen(ceiling_per_second=ceiling)
        random = Random(scenario.seed)
        personas = deck(scenario.personas, scenario.users, random)
        come = list(zip(scenario.arrival_times(random), personas, strict=True))
        self.arrivals = come[worker::workers]
        self._random = Random(f"{scenario.seed}/{worker}")

    def somebody(self, persona: str) -> Visitor:
        """The next visitor."""
        return somebody(persona, self.site, self.tally, Random(self._random.getrandbits(64)))

    def record(self) -> Record:
        """What was seen so far."""
        return Record.of(self.tally, started_at=self.started_at, generators=[self.generator])

    def watch_itself(self) -> None:
        """Note each second how busy this process was, and how late its timer; until killed."""
        at, spent = time.monotonic(), time.process_time()
        while True:
            gevent.sleep(1.0)
            then, before = at, spent
            at, spent = time.monotonic(), time.process_time()
            self.generator.cpu_shares.append((spent - before) / (at - then))
            self.generator.lags_seconds.append(at - then - 1.0)


def _run_of(environment: Environment) -> Run:
    run: Run = environment.ecluse_run  # type: ignore[attr-defined]
    return run


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--scenario-file", default="opening-day", help="a scenario: TOML, JSON, or its name")
    parser.add_argument("--record", default="", help="write what was seen there, as JSON")
    parser.add_argument("--load-workers", type=int, default=1, help="how many locust workers share the visitors")
    parser.add_argument("--ceiling", type=float, default=0.0, help="requests a second that this generator can send")


def _scenario(name: str) -> Scenario:
    if name.endswith(".json"):
        return Scenario.from_json(Path(name).read_text(encoding="utf-8"))
    return read_scenario(name)


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    environment.ecluse_scenario = _scenario(options.scenario_file)  # type: ignore[attr-defined, union-attr]
    environment.ecluse_records = []  # type: ignore[attr-defined]
    Opening.fixed_count = options.load_workers  # type: ignore[union-attr]
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(_MESSAGE, _collect)


def _collect(environment: Environment, msg: Any, **_: Any) -> None:
    environment.ecluse_records.append(Record.from_plain(msg.data))  # type: ignore[attr-defined]


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _hand_in(environment: Environment, **_: Any) -> None:
    runner = environment.runner
    if isinstance(runner, WorkerRunner) and hasattr(environment, "ecluse_run"):
        runner.send_message(_MESSAGE, _run_of(environment).record().plain())


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _write(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    records: list[Record] = list(environment.ecluse_records)  # type: ignore[attr-defined]
    if hasattr(environment, "ecluse_run"):
        records.append(_run_of(environment).record())
    if options is not None and options.record and not isinstance(environment.runner, WorkerRunner):
        merged(records).write(Path(options.record))
    # Locust counts any failed request; our verdict is stricter and is somebody else's to give.
    environment.process_exit_code = 0


class Length(LoadTestShape):
    """The run ends with its time; everybody but the opening is started by the opening."""

    def tick(self) -> tuple[int, float] | None:
        """One opening in each process, until the time is over."""
        assert self.runner is not None
        environment: Any = self.runner.environment
        if time.perf_counter() - self.start_time > environment.ecluse_scenario.seconds:
            return None
        return environment.parsed_options.load_workers, 100.0


class Opening(User):
    """Starts the visitors of this process at their moments."""

    fixed_count = 1

    @task
    def open(self) -> None:
        """Once through the list of arrivals."""
        environment, runner = self.environment, self.environment.runner
        assert runner is not None
        options = environment.parsed_options
        index = runner.worker_index if isinstance(runner, WorkerRunner) else 0
        run = environment.ecluse_run = Run(
            environment.ecluse_scenario, worker=index, workers=options.load_workers, ceiling=options.ceiling
        )
        watching = gevent.spawn(run.watch_itself)
        try:
            for at, persona in run.arrivals:
                gevent.sleep(max(0.0, run.started_at + at - now()))
                Someone.expected.append(persona)
                Someone(environment).start(runner.user_greenlets)
                run.generator.late_seconds.append(max(0.0, now() - run.started_at - at))
            gevent.sleep(run.scenario.seconds)
        finally:
            watching.kill()
        raise StopUser


class Someone(FastHttpUser):
    """One visitor, from arriving to being done."""

    fixed_count = 0
    weight = 1
    network_timeout = 30.0
    connection_timeout = 30.0
    expected: list[str] = []  # noqa: RUF012 - of the whole process
    """Who was started and has not begun: the opening alone starts anybody."""

    def on_start(self) -> None:
        """Cookies are the visitor's own affair."""
        self.client.client.cookiejar = None

    @task
    def come(self) -> None:
        """Go the whole way, once."""
        if not self.expected:
            raise StopUser
        run = _run_of(self.environment)
        try:
            self._drive(live(run.somebody(self.expected.pop(0))))
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
        sent_at = now()
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
                received_at=now(),
            )
