import json
from pathlib import Path

import pytest

from benchmarks.capacity import Crowd, Figures, figures_in, main, needs

FIGURES = Figures(polls_per_core=20_000, joins_per_core=2_000, claims_per_core=4_000, busy=0.5)
CROWD = Crowd(waiting=1_000_000, poll_seconds=20, join_seconds=500, pace_per_minute=6000)


def kept(tmp_path: Path) -> Path:
    rows = [{"name": name, "value": 1.0, "rate": 1000.0} for name in ("board", "join, page", "claim")]
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    return path


def test_the_needs_of_a_crowd_are_its_looks_and_joins_divided_by_what_a_core_does() -> None:
    found = needs(CROWD, FIGURES)
    assert found.polls_per_second == 50_000
    assert found.poll_cores == pytest.approx(5.0)
    assert found.join_cores == pytest.approx(2.0)
    assert found.redis_mb == pytest.approx(100.0)
    assert found.gigabytes_per_hour == pytest.approx(252.0)
    assert found.hours_to_serve == pytest.approx(1_000_000 / 360_000)


def test_a_cache_takes_looks_off_the_gateway_and_nothing_off_the_wire() -> None:
    cached = needs(
        Crowd(waiting=1_000_000, poll_seconds=20, join_seconds=500, pace_per_minute=6000, cached=0.9), FIGURES
    )
    assert cached.poll_cores == pytest.approx(0.5)
    assert cached.gigabytes_per_hour == needs(CROWD, FIGURES).gigabytes_per_hour


def test_the_figures_come_from_a_saved_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures_in(kept(tmp_path)).polls_per_core == 1000
    assert main([str(kept(tmp_path)), "--waiting", "20000", "--euros-per-gb", "0.01"]) == 0
    assert "1,000 looks a second" in capsys.readouterr().out


def test_a_benchmark_without_the_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text('{"rows": []}', encoding="utf-8")
    with pytest.raises(ValueError, match="lacks what is needed"):
        figures_in(path)
    with pytest.raises(SystemExit):
        main([str(path)])
