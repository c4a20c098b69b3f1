"""Opening hours in a configuration: what is understood, and what is refused with which words."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from ecluse.domain.opening import DrawKind, Hours
from ecluse.opening_settings import DrandSettings
from ecluse.services import room_of
from ecluse.settings import ConfigurationError, parse


def _parsed(**opening: Any) -> Any:
    room = {"id": "salle", "origin": "http://127.0.0.1:1", "origin_key": "env:ORIGIN", "opening": opening}
    return parse({"signing_keys": ["env:SIGNING"], "room": [room]}, {})


def test_a_room_gets_its_timetable_and_without_one_is_always_open() -> None:
    settings = _parsed(
        weekly={"mon": ["09:00-12:00", "14:00-16:30"], "fri": ["22:00-02:00"], "sun": ["00:00-24:00"]},
        exceptions={"2026-12-25": [], "2026-12-28": ["10:00-11:00"]}, prequeue_minutes=30, draw="seed",
    )  # fmt: skip
    room = room_of(settings.room[0])
    assert room.timetable is not None
    assert room.timetable.weekly == {
        0: (Hours(540, 720), Hours(840, 990)), 4: (Hours(1320, 120),), 6: (Hours(0, 1440),),
    }  # fmt: skip
    assert room.timetable.exceptions == {date(2026, 12, 25): (), date(2026, 12, 28): (Hours(600, 660),)}
    assert (room.timetable.zone.key, room.timetable.prequeue_minutes) == ("Europe/Paris", 30)
    assert (room.draw, room.keep_places) == (DrawKind.SEED, False)
    plain = room_of(settings.room[0].model_copy(update={"opening": None}))
    assert (plain.timetable, plain.draw) == (None, DrawKind.NONE)


@pytest.mark.parametrize(
    ("opening", "words"),
    [
        ({}, "never open"),
        ({"weekly": {"mon": []}}, "never open"),
        ({"weekly": {"mon": ["9-12"]}}, 'not written as "09:00-12:00"'),
        ({"weekly": {"mon": ["09:00-12:61"]}}, "no clock shows"),
        ({"weekly": {"mon": ["24:00-12:00"]}}, "no clock shows"),
        ({"weekly": {"mon": ["09:00-24:01"]}}, "no clock shows"),
        ({"weekly": {"mon": ["09:00-09:00"]}}, "no length"),
        ({"weekly": {"mon": ["09:00-12:00", "11:00-13:00"]}}, "overlap"),
        ({"weekly": {"mon": ["22:00-02:00", "23:00-23:30"]}}, "overlap"),
        ({"weekly": {"lundi": ["09:00-12:00"]}}, "weekly"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "exceptions": {"25.12.2026": []}}, "not a date"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "exceptions": {"2026-02-30": []}}, "not a date"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "time_zone": "Europe/Sarcelles"}, "no time zone"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "time_zone": "../../etc/passwd"}, "no time zone"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "prequeue_minutes": -1}, "prequeue_minutes"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "draw": "seed"}, "set prequeue_minutes"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "draw": "dice"}, "draw"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "prequeue_minutes": 5, "draw": "seed", "keep_places": True}, "exclude"),
        ({"weekly": {"mon": ["09:00-12:00"]}, "opens": "09:00"}, "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_path(opening: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _parsed(**opening)
    assert any(line.startswith("room[0].opening") and words in line for line in caught.value.mistakes), str(
        caught.value
    )


@pytest.mark.parametrize(
    "drand",
    [{"relays": ["ftp://x"]}, {"relays": ["https://"]}, {"chain": "ab" * 32}, {"public_key": "zz"}, {"period_seconds": 3},
     {"more": 1}],
)  # fmt: skip
def test_a_chain_of_drand_is_described_whole_and_asked_over_http(drand: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DrandSettings.model_validate(drand)
    whole = {"chain": "ab" * 32, "public_key": "ab" * 96, "genesis": 7, "period_seconds": 3}
    assert DrandSettings.model_validate(whole).source.period_seconds == 3
    assert DrandSettings().source.chain == ""
