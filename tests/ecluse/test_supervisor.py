"""The supervisor with small real children: order, restarts, signals, and nothing left behind."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from ecluse.output import Output
from ecluse.probes import FileProbe
from ecluse.supervisor import Child, ChildFailed, Patience, Restart, Supervisor
from tests.ecluse.small_programs import DEAF, DIE, STAY, alive, descendants, noting, python, until, wait_until

QUICK = Patience(
    first_delay_seconds=0.02, longest_delay_seconds=0.1, proof_of_life_seconds=0.3, stop_seconds=1, stop_last_seconds=1
)


class Run:
    """A supervisor running in the background of a test."""

    def __init__(self, stages: Sequence[Sequence[Child]], *, hangup_stops: bool = False, patience: Patience) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.output = Output(self.out, self.err)
        self.pids: dict[str, int] = {}
        self.reports = 0
        self.supervisor = Supervisor(
            stages, output=self.output, on_ready=self._note, hangup_stops=hangup_stops, patience=patience
        )
        self.task = asyncio.create_task(self.supervisor.run())

    def _note(self, pids: object) -> None:
        assert isinstance(pids, dict)
        self.pids = pids
        self.reports += 1

    async def up(self) -> None:
        await until(lambda: self.reports or self.task.done())
        if self.task.done():
            self.task.result()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        os.kill(os.getpid(), number)
        await self.task

    def told(self) -> str:
        self.output.close()
        return self.out.getvalue() + self.err.getvalue()


Start = Callable[..., AbstractAsyncContextManager[Run]]


@pytest.fixture
def start() -> Start:
    @asynccontextmanager
    async def started(*stages: Sequence[Child], **options: object) -> AsyncIterator[Run]:
        run = Run(stages, patience=options.pop("patience", QUICK), **options)  # type: ignore[arg-type]
        try:
            yield run
        finally:
            if not run.task.done():
                await run.stop()
            run.output.close()

    return started


def stay(name: str, **options: object) -> Child:
    return Child(name=name, argv=python(STAY), **options)  # type: ignore[arg-type]


async def test_a_child_that_was_killed_is_started_again_and_reported(start: Start) -> None:
    async with start([stay("a"), stay("b")]) as run:
        await run.up()
        before = run.pids
        os.kill(before["a"], signal.SIGKILL)
        await until(lambda: run.pids.get("a", before["a"]) != before["a"])
        assert run.pids["b"] == before["b"]
        assert alive(run.pids["a"])
    assert "a was killed by SIGKILL; starting it again" in run.told()


async def test_a_stage_starts_only_once_the_one_before_is_ready(start: Start, tmp_path: Path) -> None:
    ready, first = tmp_path / "ready", tmp_path / "first"
    slow = f"import time, pathlib\ntime.sleep(.3)\npathlib.Path({str(ready)!r}).touch()\n{STAY}"
    second = (
        f"import pathlib\npathlib.Path({str(first)!r}).write_text(str(pathlib.Path({str(ready)!r}).exists()))\n{STAY}"
    )
    async with start(
        [Child(name="slow", argv=python(slow), ready=FileProbe(path=ready))], [Child(name="next", argv=python(second))]
    ) as run:
        await run.up()
    assert first.read_text() == "True"


async def test_stopping_tells_every_child_and_leaves_none(start: Start, tmp_path: Path) -> None:
    notes = [tmp_path / "a", tmp_path / "b"]
    children = [
        Child(name=path.name, argv=python(noting(path, "SIGTERM SIGINT")), ready=FileProbe(path=path)) for path in notes
    ]
    async with start(children) as run:
        await run.up()
        await run.stop(signal.SIGINT)
        assert [path.read_text() for path in notes] == ["SIGTERM\n", "SIGTERM\n"]
        assert not any(alive(pid) for pid in run.pids.values())


async def test_the_last_to_stop_hears_of_it_after_the_others_ended(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"""
import signal, sys, time
def end(number, frame):
    time.sleep(float(sys.argv[2]))
    open({str(log)!r}, "a").write(sys.argv[1] + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("listening", flush=True)
while True: time.sleep(60)
"""
    store = Child(name="store", argv=python(script, "store", "0"), stops_last=True)
    async with start([store], [Child(name="user", argv=python(script, "user", "0.4"))]) as run:
        await run.up()
        await run.stop()
    assert log.read_text() == "user store "


async def test_a_deaf_child_is_killed_when_its_time_is_up(start: Start) -> None:
    async with start([Child(name="deaf", argv=python(DEAF))]) as run:
        await run.up()
        began = time.monotonic()
        await run.stop()
        assert time.monotonic() - began < 4
        assert not alive(run.pids["deaf"])


async def test_a_second_signal_stops_at_once(start: Start) -> None:
    patient = Patience(proof_of_life_seconds=0.3, stop_seconds=60, stop_last_seconds=60)
    async with start([Child(name="deaf", argv=python(DEAF))], patience=patient) as run:
        await run.up()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert alive(run.pids["deaf"])
        await asyncio.wait_for(run.stop(), 10)
        assert not alive(run.pids["deaf"])


async def test_a_hang_up_reaches_those_that_reload_and_no_other(start: Start, tmp_path: Path) -> None:
    note = tmp_path / "note"
    reloader = Child(name="r", argv=python(noting(note, "SIGHUP SIGTERM")), ready=FileProbe(path=note), reloads=True)
    async with start([reloader, stay("other")]) as run:
        await run.up()
        other = run.pids["other"]
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: note.read_text() == "SIGHUP\n")
        assert alive(other)
        assert run.pids["other"] == other


async def test_a_hang_up_stops_what_belongs_to_a_terminal(start: Start) -> None:
    async with start([stay("a")], hangup_stops=True) as run:
        await run.up()
        await run.stop(signal.SIGHUP)
        assert not alive(run.pids["a"])


async def test_a_child_that_never_starts_stops_everything_with_its_last_words(start: Start) -> None:
    async with start([stay("good")], [Child(name="booking", argv=python(DIE))]) as run:
        with pytest.raises(ChildFailed) as failure:
            await run.task
        assert str(failure.value).startswith("booking does not start: it ended with status 3, 5 times in a row")
        assert "no such database" in str(failure.value)
        assert run.reports == 0


async def test_a_program_that_does_not_exist_is_named(start: Start) -> None:
    async with start([Child(name="valkey", argv=("/no/such/server",))]) as run:
        with pytest.raises(ChildFailed, match="cannot run /no/such/server: No such file"):
            await run.task


async def test_a_child_that_lives_but_never_gets_ready_is_given_up(start: Start, tmp_path: Path) -> None:
    impatient = Patience(ready_seconds=0.3, stop_seconds=1)
    child = Child(name="mute", argv=python(STAY), ready=FileProbe(path=tmp_path / "never"))
    async with start([child], patience=impatient) as run:
        with pytest.raises(ChildFailed, match="mute is running but was not ready within"):
            await run.task


async def test_an_unessential_child_fails_alone(start: Start) -> None:
    crowd = Child(name="crowd", argv=python(DIE), essential=False, restart=Restart.ON_FAILURE)
    async with start([stay("a")], [crowd]) as run:
        await run.up()
        await until(lambda: "Going on without crowd" in run.err.getvalue())
        assert alive(run.pids["a"])


async def test_a_child_that_finished_its_work_is_left_in_peace(start: Start, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    crowd = Child(
        name="crowd", argv=python(f"open({str(runs)!r}, 'a').write('x')"), essential=False, restart=Restart.ON_FAILURE
    )
    async with start([crowd], [stay("a")]) as run:
        await run.up()
        await asyncio.sleep(0.3)
    assert runs.read_text() == "x"
    assert "again" not in run.told()


async def test_children_inherit_the_descriptors_and_variables_they_are_given(start: Start) -> None:
    reading, writing = os.pipe()
    try:
        script = f"import os\nos.write({writing}, os.environ['ECLUSE_NOTE'].encode())\n{STAY}"
        child = Child(name="a", argv=python(script), fds=(writing,), env={"ECLUSE_NOTE": "hello"})
        async with start([child]) as run:
            await run.up()
            assert os.read(reading, 100) == b"hello"
    finally:
        os.close(reading)
        os.close(writing)


async def test_what_children_print_comes_through_in_whole_lines(start: Start) -> None:
    script = (
        f"import sys\nprint('é' * 100_000)\nprint('oops', file=sys.stderr)\nprint('no end', end='', flush=True)\n{STAY}"
    )
    async with start([Child(name="a", argv=python(script))]) as run:
        await run.up()
        await until(lambda: "oops" in run.err.getvalue() and "é" in run.out.getvalue())
    run.told()
    assert run.out.getvalue().count("é") >= 99_990  # a very long line is passed on in pieces
    assert "oops\n" in run.err.getvalue()
    assert "no end\n" in run.out.getvalue()


async def test_a_grandchild_goes_with_its_parent(start: Start, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {STAY!r}])\nopen({str(note)!r}, 'w').write(str(child.pid))\n{STAY}"
    async with start([Child(name="a", argv=python(script), ready=FileProbe(path=note))]) as run:
        await run.up()
        await until(note.read_text)
        await run.stop()
    await until(lambda: not alive(int(note.read_text())))


SUPERVISED = """
import asyncio, sys
from ecluse.output import Output
from ecluse.supervisor import Child, Supervisor
stay = (sys.executable, "-c", "import time\\nwhile True: time.sleep(60)")
children = [Child(name="a", argv=stay), Child(name="b", argv=stay)]
asyncio.run(Supervisor([children], output=Output(), on_ready=lambda pids: print("up", flush=True)).run())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ends orphans on Linux only")
def test_a_killed_supervisor_leaves_no_process() -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISED], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "up\n"
        children = descendants(supervisor.pid)
        assert len(children) == 2
        supervisor.kill()
    wait_until(lambda: not any(alive(pid) for pid in children))


def test_a_terminal_s_ctrl_c_reaches_only_the_supervisor() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "up\n"
        children = descendants(supervisor.pid)
        assert supervisor.pid not in {os.getpgid(child) for child in children}
        os.killpg(supervisor.pid, signal.SIGINT)
        assert supervisor.wait(10) == 0
    assert not any(alive(pid) for pid in children)
