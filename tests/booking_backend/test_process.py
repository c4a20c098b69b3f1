"""The backend as a process of its own: `python -m booking_backend`."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from booking_backend.agents_door import read_agents
from booking_backend.pages import TEMPLATES
from ecluse.clock import system_clock
from ecluse.tokens import SigningKey
from tests.booking_backend.visitor import ROOM, pass_for

SECRET = "an origin key for one test process"
Process = subprocess.Popen[str]


def command(database: Path, *extra: str) -> list[str]:
    options = ["--port", "0", "--database", str(database), "--room", ROOM, *extra]
    return [sys.executable, "-m", "booking_backend", *options]


def environ(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECLUSE_")}
    return {**kept, "ECLUSE_LOG": "json", **variables}


@contextmanager
def backend(database: Path, *extra: str) -> Iterator[tuple[Process, int]]:
    """The process and its port, once it listens."""
    process = subprocess.Popen(
        command(database, *extra),
        cwd=TEMPLATES.parent,
        env=environ(ECLUSE_ORIGIN_KEY=SECRET),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        events = (json.loads(line) for line in process.stderr)
        yield process, next(event["port"] for event in events if event["event"] == "booking_listening")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def status_of(port: int, path: str, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_passes_refuses_others_and_ends_cleanly_with_a_connection_open(
    database: Path, number: signal.Signals
) -> None:
    granted = pass_for("s-1", system_clock, key=SigningKey.from_secret(SECRET))
    with backend(database) as (process, port):
        assert status_of(port, "/healthz", {}) == 200
        assert status_of(port, "/", {"Ecluse-Pass": granted}) == 200
        assert status_of(port, "/", {}) == 403
        idle = HTTPConnection("127.0.0.1", port, timeout=30)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        process.send_signal(number)
        _, log = process.communicate(timeout=30)
        idle.close()
    assert process.returncode == 0
    assert granted not in log
    assert SECRET not in log


def refused(database: Path, *extra: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        command(database, *extra), cwd=TEMPLATES.parent, env=environ(**variables), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_without_a_key_it_does_not_start_and_says_what_to_set(database: Path) -> None:
    status, said = refused(database)
    assert status == 2
    assert "ECLUSE_ORIGIN_KEY" in said
    assert "Traceback" not in said


def test_a_short_key_and_an_unknown_time_zone_are_refused(database: Path) -> None:
    assert refused(database, ECLUSE_ORIGIN_KEY="short")[0] == 2
    status, said = refused(database, "--time-zone", "Mars/Olympus", ECLUSE_ORIGIN_KEY=SECRET)
    assert status == 2
    assert "Mars/Olympus" in said


def test_a_port_in_use_and_a_foreign_database_are_failures(database: Path, tmp_path: Path) -> None:
    with backend(database) as (_, port):
        status, said = refused(tmp_path / "other.sqlite3", "--port", str(port), ECLUSE_ORIGIN_KEY=SECRET)
    assert status == 1
    assert f"port {port}" in said
    foreign = tmp_path / "foreign.sqlite3"
    assert run("migrate", "--database", str(foreign))[0] == 0
    raw = sqlite3.connect(foreign)
    raw.execute("UPDATE alembic_version SET version_num = 'r9999'")
    raw.commit()
    raw.close()
    status, said = refused(foreign, ECLUSE_ORIGIN_KEY=SECRET)
    assert status == 1
    assert "schema r9999" in said
    assert "database_unusable" in said


def run(*argv: str, typed: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "booking_backend", *argv], cwd=TEMPLATES.parent, env=environ(), capture_output=True,
        text=True, timeout=60, check=False, input=typed,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_password_is_hashed_for_an_agent_and_a_short_one_refused() -> None:
    status, line = run("hash-password", "guichet-1", typed="correct horse battery\n")
    assert status == 0
    assert set(read_agents([line])) == {"guichet-1"}
    assert "correct" not in line
    assert run("hash-password", "guichet-1", typed="short\n")[0] == 2


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--smtp", "http://x", "--smtp"), ("--agents", "env:NO_SUCH", "NO_SUCH"), ("--cost-ms", "-1", "--cost-ms"),
        ("--partner-token", "plain", "partner"), ("--person-key", "env:NO_SUCH", "NO_SUCH"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_bad_usage(database: Path, option: str, value: str, named: str) -> None:
    status, said = refused(database, option, value, ECLUSE_ORIGIN_KEY=SECRET)
    assert status == 2
    assert named in said or "env:" in said
    assert "Traceback" not in said


def test_fill_makes_a_prefecture_once_and_says_how_much(database: Path) -> None:
    status, said = run("fill", "--database", str(database), "--seed", "7", "--weeks", "2")
    assert status == 0
    assert int(said.split()[0]) > 500
    assert run("fill", "--database", str(database), "--seed", "7", "--weeks", "2")[1].startswith("0 slots added")
    assert run("migrate", "--database", str(database)) == (0, "")


def test_a_database_that_cannot_be_is_bad_usage_or_a_failure(tmp_path: Path) -> None:
    status, said = run("fill", "--database", "mysql://root@127.0.0.1/x")
    assert (status, "postgresql://" in said) == (2, True)
    status, said = run("fill", "--database", "env:NO_SUCH_VARIABLE")
    assert (status, "NO_SUCH_VARIABLE" in said) == (2, True)
    status, said = run("migrate", "--database", str(tmp_path))
    assert status == 1
    assert "Traceback" not in said
