"""Numbers cannot be tried out: limits by network and by number, and nothing kept that says who asked."""

from tests.gateway.test_people import NUMBER, TICKETS, asking, places
from tests.gateway.visitor import Answer
from tests.gateway.whole import PERSON_KEY, OpenWhole


async def test_numbers_cannot_be_tried_out_from_one_network(open_whole: OpenWhole) -> None:
    whole = await asking(
        open_whole, person={"tries_per_network": 4}, gateways=2, settings={"trusted_proxies": ["127.0.0.0/8"]}
    )

    async def attempt(number: int, address: str) -> Answer:
        return await whole.program(number % 2).post(TICKETS, {"person": f"{number:010}"}, x_forwarded_for=address)

    assert [(await attempt(n, f"198.51.100.{n}")).status for n in range(4)] == [201] * 4
    refused = await attempt(5, "198.51.100.77")
    assert (refused.status, refused.problem) == (429, "too-many-tries")
    assert 1 <= int(str(refused.get("retry-after"))) <= 600
    assert (await attempt(6, "198.51.101.1")).status == 201, "another network"
    assert [(await attempt(10 + n, f"2001:db8:0:{n:x}::1")).status for n in range(5)] == [201] * 4 + [429]
    assert (await attempt(30, "2001:db8:0:100::1")).status == 201, "another /56"
    page = await whole.visitor().form(
        TICKETS, {"person": f"{40:010}"}, x_forwarded_for="198.51.100.5", accept_language="en"
    )
    assert page.status == 429
    assert "Too many tries" in page.text
    whole.advance(int(str(refused.get("retry-after"))))
    assert (await attempt(50, "198.51.100.77")).status == 201


async def test_one_number_cannot_be_tried_without_end_from_everywhere(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole, person={"tries_per_number": 3}, settings={"trusted_proxies": ["127.0.0.0/8"]})
    slugs = []
    for n in range(5):
        answer = await whole.program().post(TICKETS, {"person": NUMBER}, x_forwarded_for=f"203.0.{n}.1")
        slugs.append("placed" if answer.status == 201 else answer.problem)
    assert slugs == ["placed", "person-known", "person-known", "too-many-tries", "too-many-tries"]


async def test_an_office_behind_one_address_serves_forty_people_with_the_limits_as_they_come(
    open_whole: OpenWhole,
) -> None:
    whole = await asking(open_whole)
    for n in range(40):
        number = f"{n:010}"
        assert (await whole.program().join(person=number)).status == 201
        assert (await whole.program().join(person=number)).problem == "person-known"
        assert (await whole.program().post(TICKETS, {"person": number, "confirm": True})).status == 200
    assert await places(whole) == 40


async def test_neither_number_nor_address_is_kept_anywhere(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole, settings={"trusted_proxies": ["127.0.0.0/8"]})
    await whole.program().post(TICKETS, {"person": NUMBER}, x_forwarded_for="198.51.100.77")
    await whole.turn()
    kept = b""
    for key in await whole.store.command("KEYS", "*"):
        kept += key + (await whole.store.command("DUMP", key))
    for secret in (NUMBER, "198.51.100", PERSON_KEY):
        assert secret.encode() not in kept
    assert bytes([198, 51, 100, 0]) not in kept


async def test_another_site_cannot_make_a_browser_try_numbers(open_whole: OpenWhole) -> None:
    whole = await asking(open_whole)
    sent = await whole.program().post(TICKETS, {"person": NUMBER}, sec_fetch_site="cross-site")
    assert sent.problem == "cross-site"
    assert await places(whole) == 0
