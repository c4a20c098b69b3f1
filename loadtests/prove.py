"""The headline experiment, `python -m loadtests.prove`: one spike on one fragile module, without a line and with one.

Each round is a calm day, the spike without, the spike with; then once robots, and once a gateway killed in the middle.
Exit status: 0 if everything that must hold between the phases holds, 1 if not or if a phase could not be run, 2 for bad
usage.
"""

import argparse
import json
import shlex
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.proof import (
    CALM_SHARE,
    PACE_OVER_CALM,
    SETTLE_SECONDS,
    SPIKE_SECONDS,
    SPIKE_TIMES,
    Figures,
    Round,
    figures_of,
    findings_of,
    plain,
    recovery_seconds,
)
from loadtests.prove_plot import picture
from loadtests.prove_stage import ROOM, Stage, kill_gateway
from loadtests.record import Record
from loadtests.running import LoadRun, RunFailed, ceiling_per_second
from loadtests.scenarios import Scenario, WaveSettings
from loadtests.shapes import Form
from loadtests.system import SystemFailed
from loadtests.verdict import passed, table

ORIGIN = "-m booking_backend --port {port} --database {database} --room {room} --counters 20 --fragile --cost-ms 100"
PEOPLE = {"applicant": 80.0, "impatient": 10.0, "app": 5.0, "no-show": 5.0}
ROBOTS = {**PEOPLE, "slot-refresher": 12.0, "stampede": 12.0, "forger": 9.0, "replayer": 10.0}
"""Three arrivals in ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large the experiment is, from what the module bears."""

    bears_per_minute: float
    calm_seconds: float
    spike_seconds: float
    """Length of a run with a spike: the spike itself and what follows."""

    @property
    def calm_per_minute(self) -> float:
        """Arrivals of a calm day."""
        return self.bears_per_minute * CALM_SHARE

    @property
    def spike_people(self) -> int:
        """Who comes in the spike."""
        return max(10, round(self.bears_per_minute * SPIKE_TIMES * SPIKE_SECONDS / 60))

    def scenario(self, name: str, personas: dict[str, float], *, spike: bool, key: str = "") -> Scenario:
        """A calm day, or the spike on top of one."""
        seconds = self.spike_seconds if spike else self.calm_seconds
        calm = max(1, round(self.calm_per_minute * seconds / 60))
        waves = [WaveSettings(share=calm, form=Form.PACED, length_seconds=seconds)]
        if spike:
            waves.append(WaveSettings(share=self.spike_people, form=Form.RUSH, length_seconds=SPIKE_SECONDS))
        return Scenario(
            name=name, users=calm + (self.spike_people if spike else 0), minutes=seconds / 60, personas=personas,
            arrivals=waves, room=ROOM, direct_key=key,
        )  # fmt: skip


class Experiment:
    """Runs phases one after the other, each against a fresh origin."""

    def __init__(self, stage: Stage, sizes: Sizes, ceiling: float) -> None:
        self._stage = stage
        self.sizes = sizes
        self._ceiling = ceiling

    def direct(self, name: str, *, spike: bool) -> Record:
        """Everybody straight to the module."""
        folder = self._stage.fresh_folder()
        scenario = self.sizes.scenario(name, {"direct": 1.0}, spike=spike, key=self._stage.key)
        with self._stage.origin(folder) as port:
            return self._run(scenario, f"http://127.0.0.1:{port}", folder)

    def gated(self, name: str, personas: dict[str, float], *, robots: bool = False, kill: bool = False) -> Record:
        """The spike through the line, with limits for `robots`; with `kill` the gateway dies in it, and comes back."""
        folder = self._stage.fresh_folder()
        scenario = self.sizes.scenario(name, personas, spike=True)
        pace = self.sizes.calm_per_minute * PACE_OVER_CALM
        with (
            self._stage.origin(folder) as port,
            self._stage.gate(folder, port, pace, robots=robots) as (url, info),
        ):
            if not kill:
                return self._run(scenario, url, folder)
            death = threading.Timer(SPIKE_SECONDS + 10, kill_gateway, (info,))
            death.start()
            try:
                return self._run(scenario, url, folder)
            finally:
                death.cancel()

    def _run(self, scenario: Scenario, url: str, folder: Path) -> Record:
        _say(f"  {scenario.name}: {scenario.users} visitors in {scenario.seconds:.0f} s …")
        with LoadRun(scenario, url, folder / "load", ceiling=self._ceiling) as run:
            return run.record()

    def round(self) -> tuple[Round, tuple[Record, Record]]:
        """A calm day, the spike without, the spike with; and the records of the two spikes."""
        sizes = self.sizes
        calm = figures_of("calm day", self.direct("calm-day", spike=False), sizes.calm_seconds)
        without = self.direct("spike-without", spike=True)
        with_line = self.gated("spike-with", PEOPLE)
        found = Round(
            calm=calm,
            without=figures_of("spike without a line", without, sizes.spike_seconds),
            with_line=figures_of("spike with a line", with_line, sizes.spike_seconds),
            recovery_without_seconds=recovery_seconds(without, calm.origin_p95_seconds, sizes.spike_seconds),
        )
        return found, (without, with_line)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.prove", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds; ratios are their medians (default %(default)s)")
    parser.add_argument("--calm-seconds", type=float, default=85.0, help="length of a calm day (default %(default)s)")
    parser.add_argument("--spike-seconds", type=float, default=115.0, help="length of a spike (default %(default)s)")
    parser.add_argument("--bears", type=float, help="visits a minute that the module bears, instead of measuring it")
    parser.add_argument(
        "--origin", default=ORIGIN, help="the module: arguments of Python with {port} {database} {room}"
    )
    parser.add_argument("--only-rounds", action="store_true", help="leave out the robots and the killed gateway")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the result there, as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the picture there, as SVG")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    least = SETTLE_SECONDS + 10
    if options.calm_seconds < least or options.spike_seconds < SPIKE_SECONDS + 20:
        parser.error(f"a calm day lasts at least {least:.0f} s, and a spike {SPIKE_SECONDS + 20:.0f} s")
    return options


def _phases(options: argparse.Namespace, folder: Path) -> tuple[list[Round], list[Figures], tuple[Record, Record]]:
    stage = Stage(folder, shlex.split(options.origin))
    ceiling = ceiling_per_second()
    bears = options.bears
    if bears is None:
        warm = stage.fresh_folder()
        with stage.origin(warm) as port:
            bears = stage.visits_per_minute(port, 10.0)
    if bears <= 0:
        raise SystemFailed("the module answered nothing at all")
    sizes = Sizes(
        bears_per_minute=bears, calm_seconds=options.calm_seconds, spike_seconds=options.spike_seconds
    )  # fmt: skip
    _say(f"the module bears {bears:.0f} visits a minute; the spike brings {sizes.spike_people} people in 30 s")
    experiment = Experiment(stage, sizes, ceiling)
    rounds, shown = [], None
    for number in range(options.rounds):
        _say(f"round {number + 1} of {options.rounds}")
        found, records = experiment.round()
        rounds.append(found)
        shown = shown or records
    extra = []
    if not options.only_rounds:
        robots = experiment.gated("robots", ROBOTS, robots=True)
        extra.append(figures_of("three in ten are robots", robots, sizes.spike_seconds))
        killed = experiment.gated("restart", PEOPLE, kill=True)
        extra.append(figures_of("the gateway killed", killed, sizes.spike_seconds))
    assert shown is not None
    return rounds, extra, shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run all phases, tell, write. Returns the exit status."""
    options = _arguments(sys.argv[1:] if argv is None else argv)
    with tempfile.TemporaryDirectory(prefix="ecluse-prove-") as folder:
        try:
            rounds, extra, (without, with_line) = _phases(options, Path(folder))
        except (RunFailed, SystemFailed) as error:
            sys.stderr.write(f"prove: {error}\n")
            return 1
        except KeyboardInterrupt:
            return 1
    findings = findings_of(rounds, extra)
    _say(table(findings))
    if options.save is not None:
        told = json.dumps(plain(rounds, extra, findings), indent=1, ensure_ascii=False)
        options.save.write_text(told + "\n", encoding="utf-8")
    if options.plot is not None:
        options.plot.write_text(picture(without, with_line, rounds[0], options.spike_seconds), encoding="utf-8")
    _say("proved" if passed(findings) else "not proved")
    return 0 if passed(findings) else 1


if __name__ == "__main__":
    sys.exit(main())
