"""Runs a load scenario and gives its verdict: `python -m loadtests opening-day --url URL --room ROOM`.

Without --url it starts a whole system of its own first. Exit status: 0 if every objective was met, 1 if one was missed,
the generator was the bottleneck or the run failed, 2 for bad usage.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.record import Record, merged
from loadtests.report import report_page
from loadtests.running import RunFailed, ceiling_per_second, run_scenario
from loadtests.scenarios import BadScenario, Scenario, read_scenario, scenario_names
from loadtests.system import SystemFailed, running_system
from loadtests.verdict import Finding, judge, passed, table

DEFAULT = "opening-day"


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
    known = ", ".join(scenario_names())
    parser.add_argument("name", nargs="?", metavar="SCENARIO", help=f"one of: {known}; or a .toml file")
    parser.add_argument("--scenario", help="the same, as an option")
    parser.add_argument("--url", type=_address, help="the gateway; without it a system of its own is started")
    parser.add_argument("--room", help="the room to queue for")
    parser.add_argument("--users", type=int, help="how many visitors come")
    parser.add_argument("--minutes", type=_positive, help="how long the run lasts")
    parser.add_argument("--burst", type=int, help="the room's burst, which no visitor is told")
    parser.add_argument("--seed", type=int, help="which visitors they are")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there: .html for people, .json")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep what the visitors saw, as JSON")
    parser.add_argument("--judge", type=Path, nargs="+", metavar="FILE", help="judge kept records, run nothing")
    options = parser.parse_args(argv)
    if options.name and options.scenario and options.name != options.scenario:
        parser.error("two scenarios are named")
    if options.url is None and options.room is not None and not options.judge:
        parser.error("--room needs --url: a system of our own has a room of its own")
    try:
        scenario = read_scenario(options.name or options.scenario or DEFAULT).with_changes(
            users=options.users, minutes=options.minutes, room=options.room, burst=options.burst, seed=options.seed
        )
    except BadScenario as error:
        parser.error(f"\n{error}" if "\n" in str(error) else str(error))
    return options, scenario


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _report(path: Path, scenario: Scenario, findings: Sequence[Finding], record: Record) -> None:
    if path.suffix == ".html":
        path.write_text(report_page(scenario, findings, record), encoding="utf-8")
        return
    told = {
        "scenario": scenario.model_dump(mode="json", exclude={"direct_key"}),
        "passed": passed(findings),
        "findings": [asdict(finding) for finding in findings],
        "statuses": dict(record.statuses),
        "wrong": dict(record.wrong),
        "examples": dict(record.examples),
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _record(options: argparse.Namespace, scenario: Scenario) -> tuple[Record, Scenario]:
    """What happened, and the scenario as it was run."""
    if options.judge:
        return merged([Record.load(path) for path in options.judge]), scenario
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecluse-load-")))
        ceiling = ceiling_per_second()
        url = options.url
        if url is None:
            system = stack.enter_context(running_system(directory))
            url, scenario = system.url, scenario.with_changes(room=system.room)
        _say(f"{scenario.name}: {scenario.users} visitors in {scenario.minutes:g} min at {url}, room {scenario.room}")
        return run_scenario(scenario, url, directory, ceiling=ceiling), scenario


def main(argv: Sequence[str] | None = None) -> int:
    """Run, judge, tell. Returns the exit status."""
    options, scenario = _arguments(sys.argv[1:] if argv is None else argv)
    try:
        record, scenario = _record(options, scenario)
    except (RunFailed, SystemFailed) as error:
        sys.stderr.write(f"loadtests: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 1
    findings = judge(record, scenario)
    _say(table(findings))
    for kind, count in sorted(record.wrong.items(), key=lambda item: -item[1]):
        _say(f"      wrong: {kind} × {count}  {record.examples.get(kind, '')[:120]}")
    if options.record is not None:
        record.write(options.record)
    if options.report is not None:
        _report(options.report, scenario, findings, record)
    _say("every objective was met" if passed(findings) else "an objective was missed")
    return 0 if passed(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
