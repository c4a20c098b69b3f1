"""What those in line may expect: promises are judged, ranges widen when they fail, and a rise has a reason."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ecluse.domain.estimate import FIRST_SLOWNESS
from ecluse.domain.promises import PENDING_KEPT, RATIOS_KEPT, Promises
from ecluse.domain.prospect import LaneTurn, Prospects, RoomTurn, Slower

START = 1_800_000_000.0
LINE = 2000


class Steady:
    """A lane without end in which exactly so many are called per second, and the worker told once a second."""

    def __init__(self) -> None:
        self.prospects, self.second, self.served = Prospects(), 0, 0.0
        self.rules: dict[str, float] = {"pace": 60.0, "share": 1.0, "show": 1.0, "full": 0.0, "waiting": LINE}
        self.mode = "open"

    def pass_by(self, seconds: int, *, met: float = 1.0, mode: str = "open", **rules: float) -> None:
        self.rules |= rules
        for _ in range(seconds):
            self.second += 1
            pace, share, show = (self.rules[name] for name in ("pace", "share", "show"))
            before, self.served = self.served, self.served + (pace * share / show / 60 * met if mode == "open" else 0)
            marks = [(float(int(self.served) + 1 + ahead), ahead) for ahead in range(0, int(self.rules["waiting"]), 50)]
            lane = LaneTurn(
                waiting=int(self.rules["waiting"]), serving=float(int(self.served)),
                calls=int(self.served) - int(before), share=share, marks=marks,
            )  # fmt: skip
            self.prospects = self.prospects.after(
                RoomTurn(
                    now_ms=(START + self.second) * 1000, turn_ms=1000, pace_per_minute=pace, show_rate=show,
                    full=bool(self.rules["full"]), mode=mode, lanes={"main": lane},
                )
            )  # fmt: skip

    @property
    def rates(self) -> tuple[float, float]:
        told = self.prospects.rates["main"]
        return told.p50, told.slow

    @property
    def why(self) -> Mapping[str, Slower]:
        return self.prospects.slower()


def test_before_any_wait_was_seen_to_its_end_the_range_is_wide() -> None:
    lane = Steady()
    lane.pass_by(20)
    p50, slow = lane.rates
    assert p50 == pytest.approx(60, rel=0.05)
    assert slow == pytest.approx(p50 / FIRST_SLOWNESS)


def test_a_line_that_keeps_its_promises_gets_a_narrow_range() -> None:
    lane = Steady()
    lane.pass_by(3600)
    p50, slow = lane.rates
    assert p50 == pytest.approx(60, rel=0.03)
    assert p50 / 1.35 < slow < p50


def test_a_line_that_breaks_them_gets_a_wide_one() -> None:
    calm, wild = Steady(), Steady()
    calm.pass_by(7200)
    for _ in range(8):
        wild.pass_by(600, met=1.0)
        wild.pass_by(300, met=0.25)
    assert wild.rates[0] / wild.rates[1] > 1.3 * calm.rates[0] / calm.rates[1]


def test_a_new_pace_is_in_the_estimate_at_once() -> None:
    lane = Steady()
    lane.pass_by(1800)
    before, _ = lane.rates
    lane.pass_by(1, pace=30.0)
    assert lane.rates[0] == pytest.approx(before / 2, rel=0.05)


def test_a_pause_teaches_nothing_about_the_rate_and_a_closing_forgets_what_was_promised() -> None:
    lane = Steady()
    lane.pass_by(1800)
    before = lane.rates
    lane.pass_by(600, mode="paused")
    assert lane.rates == before
    assert any(horizon.pending for horizon in lane.prospects.promises["main"].horizons)
    lane.pass_by(1, mode="closed")
    assert not any(horizon.pending for horizon in lane.prospects.promises["main"].horizons)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"pace": 30.0}, Slower.PACE),
        ({"share": 0.5}, Slower.LANES),
        ({"full": 1.0}, Slower.FULL),
        ({}, Slower.UNKNOWN),
    ],
)
def test_a_wait_that_rises_by_much_has_a_reason_for_some_minutes(changed: dict[str, Any], reason: Slower) -> None:
    lane = Steady()
    lane.pass_by(1800)
    assert lane.why == {}
    met = 0.4 if reason in (Slower.FULL, Slower.UNKNOWN) else 1.0
    lane.pass_by(240, met=met, **changed)
    assert lane.why == {"main": reason}
    lane.pass_by(2400, met=met)
    assert lane.why == {}, "after a while it is no news"


def test_more_people_who_come_when_called_are_a_reason() -> None:
    lane = Steady()
    lane.pass_by(1800, show=0.5)
    lane.pass_by(60, show=0.95)
    assert lane.why == {"main": Slower.SHOWS}


def test_a_line_slower_than_hoped_in_its_first_minute_did_not_become_slower() -> None:
    lane = Steady()
    lane.second = 48  # a dozen seconds are left of the minute in which the line begins
    lane.pass_by(12, show=0.4)
    hoped = lane.rates[1]
    lane.pass_by(30, show=0.95)
    assert lane.rates[1] < 0.7 * hoped
    for _ in range(600):
        assert lane.why == {}
        lane.pass_by(1)
    lane.pass_by(240, pace=20.0)
    assert lane.why == {"main": Slower.PACE}


def test_a_lane_that_got_faster_or_empty_needs_no_reason() -> None:
    lane = Steady()
    lane.pass_by(900)
    lane.pass_by(120, pace=120.0)
    assert lane.why == {}
    lane.pass_by(60, pace=30.0)
    assert lane.why != {}
    lane.pass_by(1, waiting=0)
    assert lane.why == {}


def test_memory_is_bounded_and_survives_the_way_through_the_store() -> None:
    lane = Steady()
    lane.pass_by(7200)
    for horizon in lane.prospects.promises["main"].horizons:
        assert len(horizon.pending) <= PENDING_KEPT
        assert len(horizon.ratios) <= RATIOS_KEPT
    text = json.dumps(lane.prospects.plain(), separators=(",", ":"))
    assert len(text) < 10_000
    assert Prospects.of(json.loads(text)) == lane.prospects


@pytest.mark.parametrize("found", [{"promises": {"main": []}}, {"rates": {"main": [1]}}, {"made": 7}])
def test_what_another_version_left_is_refused(found: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Prospects.of(found)


def test_a_promise_still_running_late_widens_the_range_before_it_is_broken() -> None:
    lane = Steady()
    lane.pass_by(3600)
    known: Promises = lane.prospects.promises["main"]
    now = START + lane.second
    assert known.factors(2000, now + 6000)[1] > 1.2 * known.factors(2000, now)[1]
