import json
from pathlib import Path

import pytest

from benchmarks.compare import compared, load, main
from benchmarks.exactness import worst_window
from benchmarks.floors import LIMITS, SHORT_MARGIN, judged
from benchmarks.table import Row, lines


def row(name: str = "board", value: float = 0.9, spread: tuple[float, float] | None = (0.85, 0.95)) -> Row:
    return Row(name=name, value=value, unit="× hello", spread=spread)


def saved(path: Path, *rows: Row) -> Path:
    told = [{"name": each.name, "value": each.value, "unit": each.unit, "spread": each.spread} for each in rows]
    path.write_text(json.dumps({"rows": told}), encoding="utf-8")
    return path


def test_a_ratio_far_below_its_floor_fails_and_one_above_it_does_not() -> None:
    floor = LIMITS["board"].floor
    assert floor is not None
    low, high = judged([row(value=floor * 0.9), row(value=floor * 1.1)])
    assert not low.reached
    assert high.reached


def test_a_short_run_has_wider_limits_but_never_for_a_promise() -> None:
    floor = LIMITS["board"].floor
    assert floor is not None
    (noisy,) = judged([row(value=floor * 0.9)], short=True)
    (slow,) = judged([row(value=floor / SHORT_MARGIN * 0.9)], short=True)
    (over,) = judged([row(name="fullest window, 0% absent", value=1.01)], short=True)
    assert (noisy.reached, slow.reached, over.reached) == (True, False, False)


def test_a_figure_without_a_limit_is_told_and_not_judged() -> None:
    (told,) = judged([row(name="nginx micro-cache, board", value=0.001)])
    assert told.reached
    assert "nginx micro-cache, board" in lines([told])[1]


def test_what_became_slower_is_shown_and_what_is_within_the_noise_is_not() -> None:
    old = {"board": row(), "start-up": row("start-up", 2.0, (1.8, 2.2)), "gone": row("gone")}
    new = {"board": row(value=0.8), "start-up": row("start-up", 3.0), "new": row("new")}
    found = {each.name: each.worse for each in compared(old, new)}
    assert found == {"board": False, "start-up": True}
    assert [each.worse for each in compared(old, {"board": row(value=0.5)})] == [True]


def test_faster_is_never_worse_whichever_way_the_row_counts() -> None:
    old = {"board": row(), "start-up": row("start-up", 2.0)}
    assert not any(each.worse for each in compared(old, {"board": row(value=9), "start-up": row("start-up", 0.1)}))


def test_comparing_two_files_ends_with_1_if_anything_became_slower(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = saved(tmp_path / "old.json", row()), saved(tmp_path / "new.json", row(value=0.4))
    assert main([str(old), str(new)]) == 1
    assert "✗ worse" in capsys.readouterr().out
    assert main([str(old), str(old)]) == 0


def test_a_file_that_is_no_benchmark_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.json is no saved benchmark"):
        load(path)
    with pytest.raises(SystemExit) as stopped:
        main([str(path), str(path)])
    assert stopped.value.code == 2


def test_the_fullest_window_of_admissions_at_the_pace_is_just_full() -> None:
    at_pace = [0.0, 0.0, *(100.0 * n for n in range(1, 50))]
    assert worst_window(at_pace, 100.0, 2) <= 1.0
    assert worst_window([*at_pace, 1000.0], 100.0, 2) > 1.0
