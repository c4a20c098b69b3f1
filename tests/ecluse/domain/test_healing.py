"""A lost line comes back: the front at once, everybody long before their turn, and the board says how long it lasts."""

import pytest

from ecluse.domain.healing import return_seconds, told

SINCE = {"since_ms": 1_000_000.0, "calls_from_ms": 1_015_000.0}


@pytest.mark.parametrize(("wait", "longest"), [(0, 2), (4, 2), (40, 10), (240, 60), (9_000, 60)])
def test_the_front_returns_at_once_and_nobody_later_than_a_quarter_of_their_wait(wait: float, longest: float) -> None:
    assert return_seconds(wait, 60) == longest


def test_the_board_tells_it_while_it_lasts() -> None:
    assert told(None, 1_000_000, 60) is None
    assert told(SINCE, 1_000_000, 60) == {
        "since_ms": 1_000_000, "calls_from_ms": 1_015_000, "until_ms": 1_120_000, "spread_seconds": 60,
    }  # fmt: skip
    assert told(SINCE, 1_119_999, 60) is not None
    assert told(SINCE, 1_120_000, 60) is None
    assert told(SINCE, 999_000, 60) is None
