"""What an operator may set: the pure check of it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecluse.domain.room import Live, Mode
from ecluse.services.operations import LIMITS, NOTICE_MAX_CHARS, checked
from ecluse.settings import ConfigurationError, parse

patient = settings(deadline=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from([*LIMITS, "mode", "notice", "pace", "version"]) | st.text(max_size=12)


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("pace_per_minute", 120, 120.0), ("pace_per_minute", 0.1, 0.1), ("pace_per_minute", 100_000, 100_000.0),
        ("burst", 1, 1), ("burst", 2.0, 2), ("burst", 10_000, 10_000), ("capacity", 0, 0), ("capacity", 300, 300),
        ("mode", "open", Mode.OPEN), ("mode", "queueing", Mode.QUEUEING), ("mode", "paused", Mode.PAUSED),
        ("mode", "closed", Mode.CLOSED), ("notice", {}, {}), ("notice", {"fr": "Été", "en": ""}, {"fr": "Été", "en": ""}),
        ("notice", {"fr-x-facile": "Salut", "ar": "ا" * 1900}, {"fr-x-facile": "Salut", "ar": "ا" * 1900}),
        ("notice", "Bonjour", {"fr": "Bonjour"}), ("notice", "", {}),
    ],
)  # fmt: skip
def test_a_setting_within_its_limits_is_taken_in_its_own_type(name: str, value: object, taken: object) -> None:
    values, mistakes = checked({name: value})
    assert mistakes == []
    assert values == {name: taken}
    assert type(values[name]) is type(taken)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pace_per_minute", 0), ("pace_per_minute", 0.09), ("pace_per_minute", 100_001), ("pace_per_minute", -1),
        ("pace_per_minute", math.nan), ("pace_per_minute", math.inf), ("pace_per_minute", "120"),
        ("pace_per_minute", None), ("pace_per_minute", True), ("pace_per_minute", [120]),
        ("burst", 0), ("burst", 1.5), ("burst", 10_001), ("burst", True), ("capacity", -1), ("capacity", 0.5),
        ("capacity", 10**30), ("mode", "Open"), ("mode", ""), ("mode", None), ("mode", 1), ("mode", ["open"]),
        ("notice", None), ("notice", 5), ("notice", ["x"]), ("notice", {"fr": 5}), ("notice", {"f" * 21: "x"}),
        ("notice", {"fr": "x" * NOTICE_MAX_CHARS}), ("notice", "x" * NOTICE_MAX_CHARS),
        ("pace", "fast"), ("pace", True), ("id", "x"), ("version", 3), ("", 1),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_limits_is_refused_by_name(name: str, value: object) -> None:
    values, mistakes = checked({name: value})
    assert values == {}
    (told,) = mistakes
    assert told.startswith(f"{name}: ")


def test_every_mistake_is_told_and_what_is_right_is_kept() -> None:
    values, mistakes = checked({"pace_per_minute": 0, "burst": 3, "mode": "shut", "colour": "red"})
    assert values == {"burst": 3}
    assert [told.partition(":")[0] for told in mistakes] == ["pace_per_minute", "mode", "colour"]
    assert "known are pace_per_minute, burst, capacity, mode, pace, notice, reason" in mistakes[-1]


def test_nothing_is_no_change() -> None:
    assert checked({}) == ({}, [])


@patient
@given(st.dictionaries(names, json_values, max_size=5))
def test_whatever_is_sent_each_field_is_either_taken_or_complained_about(fields: dict[str, Any]) -> None:
    values, mistakes = checked(fields)
    assert len(values) + len(mistakes) == len(fields)
    assert set(values) <= set(Live.__slots__) - {"version"}
    assert json.dumps(values, allow_nan=False)


@pytest.mark.parametrize("name", LIMITS)
def test_an_operator_may_set_exactly_what_a_configuration_may_start_with(name: str) -> None:
    low, high = LIMITS[name]
    for value, fits in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
        table = {"signing_keys": ["env:K"], "room": [
            {"id": "a", "origin": "http://h", "origin_key": "env:K", name: int(value) if value == int(value) else value}
        ]}  # fmt: skip
        assert (checked({name: value})[1] == []) is fits
        if fits:
            assert getattr(parse(table).room[0], name) == value
        else:
            with pytest.raises(ConfigurationError):
                parse(table)
