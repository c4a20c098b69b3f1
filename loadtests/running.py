"""Runs a scenario in locust processes, which bring gevent and so must be programs of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from ecluse.process import bound_command
from loadtests.record import Record
from loadtests.scenarios import Scenario

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
_QUIET = ("--headless", "--only-summary", "--skip-log-setup", "--stop-timeout", "0")
_OVERTIME_SECONDS = 60.0


class RunFailed(Exception):
    """The load run itself did not work; the message says why."""


def ceiling_per_second() -> float:
    """How many requests a second this machine's generator can send and read, measured now. Raises RunFailed."""
    try:
        said = subprocess.run(
            (sys.executable, "-m", "loadtests.ceiling"),
            capture_output=True, text=True, timeout=_OVERTIME_SECONDS, check=True, env=_environment(),
        )  # fmt: skip
        return float(json.loads(said.stdout)["requests_per_second"])
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        raise RunFailed(f"the generator's own limit could not be measured: {error}") from None


class LoadRun:
    """One run of a scenario against `url`, going on in a process of its own. Use as a context."""

    def __init__(self, scenario: Scenario, url: str, directory: Path, *, ceiling: float = 0.0) -> None:
        self._scenario = scenario
        directory.mkdir(exist_ok=True)
        self._record = directory / "record.json"
        self._log = directory / "locust.log"
        file = directory / "scenario.json"
        file.touch(mode=0o600)
        file.write_text(scenario.to_json(), encoding="utf-8")
        argv = (
            sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), *_QUIET, "--host", url,
            "--scenario-file", str(file), "--record", str(self._record), "--ceiling", str(ceiling),
        )  # fmt: skip
        # Run from its own directory: a locust.conf lying about must not change the scenario.
        with self._log.open("wb") as log:
            self._locust = subprocess.Popen(  # noqa: S603
                bound_command(argv), stdout=log, stderr=log, cwd=directory, env=_environment()
            )

    def __enter__(self) -> "LoadRun":
        return self

    def __exit__(self, *_: object) -> None:
        if self._locust.poll() is None:
            self._locust.kill()
            self._locust.wait()

    def record(self) -> Record:
        """What its visitors saw, once it is over. Raises RunFailed."""
        try:
            status = self._locust.wait(self._scenario.seconds + _OVERTIME_SECONDS)
        except subprocess.TimeoutExpired:
            raise RunFailed("locust did not end in time") from None
        if status != 0 or not self._record.exists():
            words = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
            raise RunFailed(f"locust ended with status {status}:\n" + "\n".join(words))
        return Record.load(self._record)


def run_scenario(scenario: Scenario, url: str, directory: Path, *, ceiling: float = 0.0) -> Record:
    """Run the scenario to its end; what its visitors saw. Raises RunFailed."""
    with LoadRun(scenario, url, directory, ceiling=ceiling) as run:
        return run.record()


def _environment() -> dict[str, str]:
    """Ours, without settings of locust's own, and with this very package on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[1])}
