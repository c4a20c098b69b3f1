"""What a configuration says of helpers: each fits the rooms there are, and no two are called the same."""

from typing import Any

import pytest

from ecluse.settings import ConfigurationError, parse, secrets
from tests.ecluse.test_settings import LONG, mistakes, table


def test_an_aide_that_fits_no_room_or_lane_or_shares_a_name_is_refused() -> None:
    def helped(*helpers: dict[str, Any]) -> dict[str, Any]:
        return table(helper=[{"name": "mairie", "key": "env:MAIRIE", "rooms": ["sarcelles"], **one} for one in helpers])

    fine = parse(helped({}, {"name": "asso", "lane": "main"}))
    assert [(who.name, who.quota, who.lane) for who in fine.helper] == [("mairie", 20, ""), ("asso", 20, "main")]
    read = secrets(fine, {"SIGNING_KEY": LONG, "ORIGIN_KEY": LONG, "MAIRIE": LONG})
    assert [(who.name, key) for who, key in read.aide_keys] == [("mairie", LONG), ("asso", LONG)]
    for wrong, why in (
        (helped({"rooms": ["nowhere"]}), "helper mairie: there is no room 'nowhere'"),
        (helped({"lane": "vip"}), "helper mairie: room 'sarcelles' has no lane 'vip'"),
        (helped({}, {}), "two helpers have the same name"),
        (helped({"quota": 0}), "helper[0].quota"),
        (helped({"rooms": []}), "helper[0].rooms"),
    ):
        assert any(why in mistake for mistake in mistakes(wrong)), (why, mistakes(wrong))
    with pytest.raises(ConfigurationError) as refusal:
        secrets(fine, {"SIGNING_KEY": LONG, "ORIGIN_KEY": LONG})
    assert any("helper[0].key" in mistake for mistake in refusal.value.mistakes)
