"""How a wait is told: rounded so that it never promises too much."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.page_views import wait_span


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (None, None, ("unknown", 0, "minute", 0, "minute")),
        (30, None, ("unknown", 0, "minute", 0, "minute")),
        (300, None, ("over", 5, "minute", 0, "minute")),
        (8000, None, ("over", 2, "hour", 0, "minute")),
        (0, 0, ("under", 0, "minute", 1, "minute")),
        (59, 61, ("under", 0, "minute", 2, "minute")),
        (300, 300, ("about", 5, "minute", 5, "minute")),
        (370, 700, ("between", 6, "minute", 12, "minute")),
        (1000, 1300, ("between", 15, "minute", 25, "minute")),
        (3000, 7300, ("between", 50, "minute", 3, "hour")),
        (7300, 18_000, ("between", 2, "hour", 5, "hour")),
        (math.nan, math.inf, ("unknown", 0, "minute", 0, "minute")),
        (900, 60, ("about", 1, "minute", 1, "minute")),
    ],
)
def test_a_wait_is_told_as_an_honest_range(low: float | None, high: float | None, said: tuple[object, ...]) -> None:
    assert wait_span(low, high) == said


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_range_is_only_ever_rounded_outwards(one: float, other: float) -> None:
    low, high = sorted((one, other))
    span = wait_span(low, high)
    seconds = {"minute": 60, "hour": 3600}
    assert span.low * seconds[span.low_unit] <= low
    assert span.high * seconds[span.high_unit] >= high
