"""The crowd and the scenarios as programs, against real processes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ecluse.ports import free_ports
from loadtests.__main__ import main
from loadtests.system import running_system


def crowd(url: str, *options: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "loadtests.crowd", "--url", url, "--people", "30", *options]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(program: "subprocess.Popen[str]", seconds: float) -> list[dict[str, Any]]:
    """What a program said by its end, which must come within `seconds`; afterwards it is gone in any case."""
    try:
        said, _ = program.communicate(timeout=seconds)
    finally:
        program.kill()
        program.wait()
    return [json.loads(line) for line in said.splitlines()]


def test_a_crowd_waits_for_a_gateway_that_is_not_up_and_stops_when_told() -> None:
    (port,) = free_ports(1)
    program = crowd(f"http://127.0.0.1:{port}", "--room", "prefecture")
    assert program.stdout is not None
    first = json.loads(program.stdout.readline())
    program.send_signal(signal.SIGTERM)
    ended(program, 10)
    assert (first["event"], program.returncode) == ("waiting_for_gateway", 0)


@pytest.mark.slow
def test_a_crowd_goes_through_the_whole_system_without_a_wrong_answer(tmp_path: Path) -> None:
    with running_system(tmp_path) as system:
        lost = crowd(system.url, "--room", "elsewhere")
        assert ended(lost, 30)[-1]["event"] == "unknown_room"
        assert lost.returncode == 1
        program = crowd(system.url, "--room", system.room, "--forever")
        time.sleep(30)
        program.send_signal(signal.SIGTERM)
        told = ended(program, 10)[-1]
    assert program.returncode == 0
    assert told["errors"] == 0
    assert told["arrived"] >= 20
    assert 0 < told["booked"] <= told["admitted"] <= told["arrived"]


@pytest.mark.slow
def test_a_small_opening_day_meets_its_objectives(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    status = main(["opening-day", "--users", "60", "--minutes", "0.5", "--report", str(report)])
    told = json.loads(report.read_text(encoding="utf-8"))
    assert status == 0, told
    assert told["passed"] is True


@pytest.mark.parametrize(
    "options",
    [["no-such-scenario"], ["--users", "0"], ["--minutes", "-1"], ["--url", "ftp://x"], ["--room", "prefecture"]],
)
def test_bad_usage_is_refused_with_status_2(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(options)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err
