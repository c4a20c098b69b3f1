"""Runs a load scenario and gives its verdict: `python -m loadtests opening-spike --url URL --room ROOM`.

Without --url it starts a whole system of its own first. Locust runs as a program of its own, because it brings
gevent. Exit status: 0 if every objective was met, 1 if one was missed or the run failed, 2 for bad usage.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from ecluse.process import bound_command
from loadtests.record import Record
from loadtests.scenarios import SCENARIOS, Scenario
from loadtests.system import SystemFailed, running_system
from loadtests.verdict import Finding, judge, passed, table

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
_QUIET = ("--headless", "--only-summary", "--skip-log-setup", "--stop-timeout", "0")
_OVERTIME_SECONDS = 60.0


class RunFailed(Exception):
    """The load run itself did not work; the message says why."""


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _positive(text: str) -> float:
    number = float(text)
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _arguments(argv: Sequence[str]) -> tuple[argparse.Namespace, Scenario]:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description="A load scenario with a verdict.")
    parser.add_argument("name", nargs="?", metavar="SCENARIO", help=f"one of: {', '.join(SCENARIOS)}")
    parser.add_argument("--scenario", help="the same, as an option")
    parser.add_argument("--url", type=_address, help="the gateway; without it a system of its own is started")
    parser.add_argument("--room", help="the room to queue for")
    parser.add_argument("--users", type=int, help="how many visitors come")
    parser.add_argument("--minutes", type=_positive, help="how long the run lasts")
    parser.add_argument("--burst", type=int, help="the room's burst, which no visitor is told")
    parser.add_argument("--seed", type=int, help="which visitors they are")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write scenario and findings there, as JSON")
    options = parser.parse_args(argv)
    name = options.name or options.scenario or "opening-spike"
    if options.name and options.scenario and options.name != options.scenario:
        parser.error("two scenarios are named")
    if name not in SCENARIOS:
        parser.error(f"there is no scenario {name!r}; choose one of: {', '.join(SCENARIOS)}")
    if options.users is not None and options.users < 1:
        parser.error("--users must be at least 1")
    if options.url is None and options.room is not None:
        parser.error("--room needs --url: a system of our own has a room of its own")
    scenario = SCENARIOS[name].with_changes(
        users=options.users, minutes=options.minutes, room=options.room, burst=options.burst, seed=options.seed
    )
    return options, scenario


def run_locust(scenario: Scenario, url: str, directory: Path) -> Record:
    """Run the scenario against `url` in a locust process; what its visitors saw. Raises RunFailed."""
    file, record = directory / "scenario.json", directory / "record.json"
    file.write_text(scenario.to_json(), encoding="utf-8")
    argv = (
        sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), *_QUIET, "--host", url,
        "--scenario-file", str(file), "--record", str(record),
    )  # fmt: skip
    # Run from its own directory: a locust.conf lying about must not change the scenario.
    log_path = directory / "locust.log"
    with log_path.open("wb") as log:
        locust = subprocess.Popen(  # noqa: S603
            bound_command(argv), stdout=log, stderr=log, cwd=directory, env=_environment()
        )
    try:
        status = locust.wait(scenario.seconds + _OVERTIME_SECONDS)
    except subprocess.TimeoutExpired:
        raise RunFailed("locust did not end in time") from None
    finally:
        if locust.poll() is None:
            locust.kill()
            locust.wait()
    if status != 0 or not record.exists():
        words = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
        raise RunFailed(f"locust ended with status {status}:\n" + "\n".join(words))
    return Record.load(record)


def _environment() -> dict[str, str]:
    """Ours, without settings of locust's own, and with this very package on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[1])}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _report(path: Path, scenario: Scenario, findings: Sequence[Finding], record: Record) -> None:
    told = {
        "scenario": json.loads(scenario.to_json()),
        "passed": passed(findings),
        "findings": [asdict(finding) for finding in findings],
        "statuses": dict(record.statuses),
        "wrong": dict(record.wrong),
        "examples": dict(record.examples),
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run, judge, tell. Returns the exit status."""
    options, scenario = _arguments(sys.argv[1:] if argv is None else argv)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecluse-load-")))
        try:
            url = options.url
            if url is None:
                system = stack.enter_context(running_system(directory))
                url, scenario = system.url, scenario.with_changes(room=system.room)
            _say(
                f"{scenario.name}: {scenario.users} visitors in {scenario.minutes:g} min at {url}, room {scenario.room}"
            )
            record = run_locust(scenario, url, directory)
        except (RunFailed, SystemFailed) as error:
            sys.stderr.write(f"loadtests: {error}\n")
            return 1
        except KeyboardInterrupt:
            return 1
    findings = judge(record, scenario)
    _say(table(findings))
    for kind, count in sorted(record.wrong.items(), key=lambda item: -item[1]):
        _say(f"      wrong: {kind} × {count}  {record.examples.get(kind, '')[:120]}")
    if options.report is not None:
        _report(options.report, scenario, findings, record)
    _say("every objective was met" if passed(findings) else "an objective was missed")
    return 0 if passed(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
