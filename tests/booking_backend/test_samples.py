from collections import Counter
from datetime import date, datetime

import pytest

from booking_backend.samples import OPEN_DAYS, SERVICES, sample_slots
from booking_backend.texts import LANGUAGES
from tests.booking_backend.conftest import PARIS

FRIDAY = date(2027, 3, 26)
"""The night of the next Sunday, clocks go forward."""


def test_the_same_seed_and_day_give_the_same_sample() -> None:
    def made(seed: int) -> list[object]:
        return list(sample_slots(after=FRIDAY, zone=PARIS, seed=seed))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_slots_are_on_weekdays_from_nine_to_half_past_four_on_the_office_clock() -> None:
    starts = [datetime.fromtimestamp(slot.starts_at, PARIS) for slot in sample_slots(after=FRIDAY, zone=PARIS, seed=1)]
    assert {start.weekday() for start in starts} == {0, 1, 2, 3, 4}
    assert min(starts).date() == date(2027, 3, 29)
    assert len({start.date() for start in starts}) == OPEN_DAYS
    times = sorted({f"{start:%H:%M}" for start in starts})
    assert (times[0], times[-1], len(times)) == ("09:00", "16:30", 16)


def test_every_service_has_every_time_with_two_or_three_places() -> None:
    slots = list(sample_slots(after=FRIDAY, zone=PARIS, seed=1))
    assert Counter(slot.service for slot in slots) == dict.fromkeys(range(len(SERVICES)), OPEN_DAYS * 16)
    assert {slot.capacity for slot in slots} == {2, 3}


@pytest.mark.parametrize("names", SERVICES)
def test_every_sample_service_has_a_name_in_each_language(names: dict[str, str]) -> None:
    assert set(names) == set(LANGUAGES)
