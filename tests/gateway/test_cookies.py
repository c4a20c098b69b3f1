"""Cookies of a room: found exactly, never chosen between, set so that no other site or script can use them."""

import pytest

from gateway.cookies import LanguageCookie, RoomCookies, cookie

NAME = b"ecluse_ticket_sarcelles"


def scope(*values: bytes) -> dict[str, object]:
    return {"headers": [(b"host", b"h"), *((b"cookie", value) for value in values)]}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], None),
        ([b"ecluse_ticket_sarcelles=abc"], "abc"),
        ([b"a=1; ecluse_ticket_sarcelles=abc; b=2"], "abc"),
        ([b"a=1;ecluse_ticket_sarcelles=abc"], "abc"),
        ([b"a=1", b"ecluse_ticket_sarcelles=abc"], "abc"),
        ([b"ecluse_ticket_sarcelles=a=b"], "a=b"),
        ([b"ecluse_ticket_sarcelles="], ""),
        ([b"ecluse_ticket_sarcelles"], None),
        ([b"xecluse_ticket_sarcelles=abc"], None),
        ([b"ecluse_ticket_sarcelles2=abc"], None),
        ([b"__Host-ecluse_ticket_sarcelles=abc"], None),
        ([b"ECLUSE_TICKET_SARCELLES=abc"], None),
        ([b"other=ecluse_ticket_sarcelles"], None),
        ([b"ecluse_ticket_sarcelles=\xff"], "\xff"),
    ],
)
def test_a_cookie_is_found_by_its_exact_name(values: list[bytes], found: str | None) -> None:
    assert cookie(scope(*values), NAME) == found


@pytest.mark.parametrize(
    "values",
    [
        [NAME + b"=one; " + NAME + b"=two"],
        [NAME + b"=one", NAME + b"=two"],
        [NAME + b"=one; " + NAME + b"="],
        [NAME + b"=one; " + NAME + b"=one; " + NAME + b"=two"],
    ],
)
def test_two_cookies_of_one_name_that_differ_count_as_none(values: list[bytes]) -> None:
    assert cookie(scope(*values), NAME) is None


def test_the_same_cookie_twice_is_one_cookie() -> None:
    assert cookie(scope(NAME + b"=one", NAME + b"=one"), NAME) == "one"


@pytest.fixture(params=[True, False], ids=["https", "http"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def attributes(header: tuple[bytes, bytes]) -> tuple[bytes, bytes, set[bytes]]:
    name, value = header
    assert name == b"set-cookie"
    pair, *rest = value.split(b"; ")
    left, _, right = pair.partition(b"=")
    assert len(rest) == len(set(rest))
    return left, right, set(rest)


def test_cookies_are_for_this_site_alone_and_out_of_reach_of_scripts(secure: bool) -> None:
    cookies = RoomCookies("sarcelles", secure=secure, ticket_seconds=86_400)
    always = {b"Path=/", b"HttpOnly", b"SameSite=Lax"} | ({b"Secure"} if secure else set())
    prefix = b"__Host-" if secure else b""
    assert attributes(cookies.set_ticket("t.s")) == (prefix + NAME, b"t.s", always | {b"Max-Age=86400"})
    assert attributes(cookies.set_pass("h.c.s", 600)) == (
        prefix + b"ecluse_pass_sarcelles", b"h.c.s", always | {b"Max-Age=600"},
    )  # fmt: skip


def test_what_is_set_is_found_again(secure: bool) -> None:
    cookies = RoomCookies("sarcelles", secure=secure, ticket_seconds=60)
    for name, header in ((cookies.ticket, cookies.set_ticket("t.s")), (cookies.granted, cookies.set_pass("h.c.s", 9))):
        sent = header[1].partition(b";")[0]
        assert cookie(scope(sent), name) == sent.partition(b"=")[2].decode()


def test_a_forgotten_cookie_is_emptied_under_the_same_name_and_scope(secure: bool) -> None:
    cookies = RoomCookies("sarcelles", secure=secure, ticket_seconds=60)
    for forget, given in (
        (cookies.forget_ticket(), cookies.set_ticket("x")), (cookies.forget_pass(), cookies.set_pass("x", 60)),
    ):  # fmt: skip
        name, value, rest = attributes(forget)
        assert value == b""
        assert b"Max-Age=0" in rest
        same, _, before = attributes(given)
        assert (name, rest - {b"Max-Age=0"}) == (same, before - {b"Max-Age=60"})


def test_a_pass_about_to_end_is_not_set_as_a_cookie_already_ended() -> None:
    cookies = RoomCookies("sarcelles", secure=True, ticket_seconds=60)
    for seconds in (0, -5):
        assert b"Max-Age=1" in attributes(cookies.set_pass("x", seconds))[2]


def test_rooms_have_cookies_of_their_own() -> None:
    one, two = (RoomCookies(room, secure=True, ticket_seconds=60) for room in ("a", "b"))
    assert len({one.ticket, one.granted, two.ticket, two.granted}) == 4


def test_the_language_is_remembered_for_the_whole_site() -> None:
    name, value, rest = attributes(LanguageCookie(secure=False).set("fr"))
    assert (name, value) == (b"ecluse_lang", b"fr")
    assert {b"Path=/", b"SameSite=Lax", b"HttpOnly"} <= rest
    assert b"Secure" not in rest


def test_under_https_the_language_too_is_a_secure_cookie_of_this_host() -> None:
    name, value, rest = attributes(LanguageCookie(secure=True).set("fr"))
    assert (name, value) == (b"__Host-ecluse_lang", b"fr")
    assert {b"Path=/", b"SameSite=Lax", b"HttpOnly", b"Secure"} <= rest
