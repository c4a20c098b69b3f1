from types import SimpleNamespace

import pytest

from ecluse import settings
from ecluse.origin import door, end_session, tell_slots_left


def test_the_words_for_the_gateway_are_set_on_anything_with_headers() -> None:
    answer = SimpleNamespace(headers=dict[str, str]())
    tell_slots_left(answer, 0)
    end_session(answer)
    assert answer.headers == {"Ecluse-Slots-Left": "0", "Ecluse-Command": "end-session"}


def test_fewer_than_no_slots_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="fewer than none"):
        tell_slots_left(SimpleNamespace(headers={}), -1)


def test_the_gate_takes_the_keys_that_a_configuration_takes() -> None:
    assert door.MIN_SECRET_CHARS == settings.MIN_SECRET_CHARS
