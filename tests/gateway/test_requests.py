"""What a request says about itself, and what it cannot make us believe."""

import json
import shutil
import subprocess
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from ecluse.domain.errors import BadInput, BodyTooLarge
from gateway.requests import (
    bearer,
    is_cross_site,
    is_json,
    own_address,
    query,
    read_body,
    same_site_path,
    takes_place,
    wants_page,
)

HOME = "/sarcelles/"
SITE = "https://rdv.example.fr"
BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def scope(method: str = "GET", path: str = "/", query_string: str = "", **headers: str) -> dict[str, Any]:
    """An http scope; headers by name with _ for -."""
    return {
        "type": "http", "method": method, "raw_path": path.encode(), "query_string": query_string.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()],
    }  # fmt: skip


HOSTILE = [
    "//evil.example", "///evil.example", "////evil.example/", "//evil.example/%2f..", "/\\evil.example",
    "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "//\\evil.example", "/\\\\evil.example", "\\evil.example",
    "http:evil.example", "https:evil.example", "http:/evil.example", "https:/evil.example", "http://evil.example",
    "https://evil.example", "HTTPS://EVIL.EXAMPLE", "https:\\\\evil.example", "https:///evil.example", "ftp://evil.example",
    "ws://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)",
    "javascript://rdv.example.fr/%0aalert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc",
    "blob:https://evil.example/x", "about:blank", "mailto:a@evil.example", "\t//evil.example", "/\t/evil.example",
    "/\n/evil.example", "/\r/evil.example", "/\x00/evil.example", "\x00//evil.example", " //evil.example", "/ /evil.example",
    "/%09/evil.example", "/%5cevil.example", "%2f%2fevil.example", "/%2f/evil.example", "/%2fevil.example", "%2fevil.example",
    "/x\r\nLocation: https://evil.example", "/x\r\nSet-Cookie: a=b", "/x%0d%0aLocation:%20https://evil.example",
    "/x\u2028https://evil.example", "@evil.example", "rdv.example.fr@evil.example", "https://rdv.example.fr@evil.example",
    "https://rdv.example.fr.evil.example", "//rdv.example.fr@evil.example", "/@evil.example", "evil.example", ".evil.example",
    "..//evil.example", "/..//evil.example", "/.//evil.example", "/./\\evil.example", "/a/..//evil.example", "/a/../../x",
    "/%2e%2e//evil.example", "/%2e%2e/%2e%2e//evil.example", "/;//evil.example", "/?//evil.example", "?//evil.example",
    "#//evil.example", "/#//evil.example", "/x?to=//evil.example", "//evil.example?x", "//evil.example#x", "//[::1", "//[",
    "http://[", "///", "//", "//@", "//:80", "https://", "\u3002evil", "/\uff0fevil.example", "\uff0f\uff0fevil.example",
    "/é", "/\ud800", "/" + "a" * 5000, "//evil.example/" + "a" * 5000, "/x\"onmouseover=alert(1)", "/<script>", "/x`y",
    "/_ecluse/rooms/x/leave", "/a/../_ecluse/console/", "", "x", "*", "<>//evil.example", "/\x7f/evil.example",
    "/\x85/evil.example", "/\u00a0/evil.example",
]  # fmt: skip


def test_there_are_at_least_sixty_hostile_return_addresses() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("target", HOSTILE, ids=ascii)
def test_a_return_address_never_leaves_the_site(target: str) -> None:
    told = same_site_path(target, HOME)
    assert told.startswith("/")
    assert not told.startswith(("//", "/\\", "/_ecluse"))
    assert told.isascii()
    assert not any(ord(char) <= 0x20 or char in '\\"<>`\x7f' for char in told)
    parts = urlsplit(urljoin(f"{SITE}/sarcelles/book", told))
    assert (parts.scheme, parts.netloc) == ("https", "rdv.example.fr")
    assert same_site_path(told, HOME) == told


def test_a_browser_takes_every_return_address_for_our_own_site() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: return addresses were not read the way a browser reads them (WHATWG URL)")
    told = [same_site_path(target, HOME) for target in HOSTILE]
    program = (
        "const told = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"console.log(JSON.stringify(told.map(t => new URL(t, '{SITE}/sarcelles/').origin)))"
    )
    ended = subprocess.run([node, "-e", program], input=json.dumps(told), capture_output=True, text=True, check=True)
    assert set(json.loads(ended.stdout)) == {SITE}


@pytest.mark.parametrize(
    "target",
    ["/", "/sarcelles/", "/sarcelles/book?slot=12&day=2027-01-15", "/a/b.c/d~e", "/a?next=/b", "/a%20b?x=%C3%A9",
     "/a:b/c@d", "/a..b/", "/...", "/x?y=//z"],
)  # fmt: skip
def test_a_plain_address_of_the_site_is_kept_as_it_is(target: str) -> None:
    assert same_site_path(target, HOME) == target


@pytest.mark.parametrize("target", [None, "", "//evil.example", "https://evil.example", "/_ecluse/console/"])
def test_what_is_not_ours_becomes_the_way_home(target: str | None) -> None:
    assert same_site_path(target, HOME) == HOME


def test_a_fragment_is_left_out() -> None:
    assert same_site_path("/a?b#c", HOME) == "/a?b"


@pytest.mark.parametrize(
    ("accept", "page"),
    [(BROWSER_ACCEPT, True), ("text/html", True), ("*/*", False), ("application/json", False), ("", False)],
)
def test_a_page_is_wanted_by_whoever_accepts_html(accept: str, page: bool) -> None:
    assert wants_page(scope(accept=accept)) is page
    assert wants_page(scope()) is False


@pytest.mark.parametrize(
    "asked",
    [
        scope(accept=BROWSER_ACCEPT),
        scope(accept=BROWSER_ACCEPT, sec_fetch_dest="document", sec_fetch_mode="navigate"),
        scope(accept=BROWSER_ACCEPT, sec_fetch_dest="iframe"),
        scope(path="/report.css", accept=BROWSER_ACCEPT),
        scope(),
        scope(accept="*/*"),
        scope(path="/api/slots", accept="application/json"),
        scope(path="/api/slots", accept="*/*", sec_fetch_dest="empty"),
        scope(path="/api/tile.png", accept="*/*", sec_fetch_dest="empty"),
        scope("POST", "/book", accept=BROWSER_ACCEPT),
        scope("POST", "/api/book", accept="application/json"),
        scope("DELETE", "/api/book/1"),
        scope(path="/dossier.pdf"),
    ],
    ids=lambda asked: f"{asked['method']} {asked['raw_path'].decode()} {len(asked['headers'])}",
)
def test_navigations_and_calls_of_programs_take_a_place(asked: dict[str, Any]) -> None:
    assert takes_place(asked)


@pytest.mark.parametrize(
    "asked",
    [
        scope("HEAD", accept=BROWSER_ACCEPT), scope("OPTIONS", accept=BROWSER_ACCEPT),
        scope(accept=BROWSER_ACCEPT, sec_purpose="prefetch"), scope(accept=BROWSER_ACCEPT, purpose="prefetch"),
        scope(accept=BROWSER_ACCEPT, sec_purpose="prefetch;prerender", sec_fetch_dest="document"),
        *(scope(path="/x", accept="*/*", sec_fetch_dest=kind) for kind in (
            "image", "style", "script", "font", "audio", "video", "manifest", "worker", "serviceworker", "track", "object",
        )),
        scope(accept="image/avif,image/webp,*/*"), scope(accept="text/css,*/*;q=0.1"), scope(accept="font/woff2"),
        *(scope(path=f"/a/x{ending}", accept="*/*") for ending in (".css", ".js", ".PNG", ".woff2", ".ico", ".svg", ".map")),
        scope(path="/favicon.ico"),
    ],
    ids=lambda asked: f"{asked['method']} {asked['raw_path'].decode()} {asked['headers'][-1:]}",
)  # fmt: skip
def test_what_a_page_loads_along_takes_no_place(asked: dict[str, Any]) -> None:
    assert not takes_place(asked)


@pytest.mark.parametrize(
    ("headers", "cross"),
    [
        ({}, False),
        ({"sec_fetch_site": "same-origin"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "same-site"}, True),
        ({"sec_fetch_site": "Same-Origin "}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://rdv.example.fr"}, True),
        ({"origin": "https://rdv.example.fr"}, False),
        ({"origin": "http://RDV.example.fr"}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://rdv.example.fr.evil.example"}, True),
        ({"origin": "https://rdv.example.fr:8443"}, True),
        ({"origin": "https://x.rdv.example.fr"}, True),
        ({"origin": ""}, True),
        # Our own pages send no referrer, and with it browsers send this from our own forms.
        ({"origin": "null"}, False),
    ],
    ids=str,
)
def test_another_site_is_known_by_what_only_browsers_can_say(headers: dict[str, str], cross: bool) -> None:
    assert is_cross_site(scope("POST", host="rdv.example.fr", **headers)) is cross


@pytest.mark.parametrize("origin", ["http://[", "https://[::1", "//[x]", "http://\xff"])
def test_an_origin_that_is_no_address_is_another_site(origin: str) -> None:
    assert is_cross_site(scope("POST", host="rdv.example.fr", origin=origin))


@pytest.mark.parametrize(
    ("value", "token"),
    [("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  abc ", "abc"), ("Basic abc", None), ("Bearer", None),
     ("abc", None), ("Bearerabc", None)],
)  # fmt: skip
def test_a_token_is_read_from_authorization_bearer_only(value: str, token: str | None) -> None:
    assert bearer(scope(authorization=value)) == token
    assert bearer(scope()) is None


def test_the_last_of_a_name_counts_in_a_query() -> None:
    assert query(scope(query_string="a=1&b=2&a=3&c")) == {"a": "3", "b": "2"}


@pytest.mark.parametrize("asked", ["&".join(f"f{n}=x" for n in range(60)), "&" * 500, "%", "a=%ff&b=%zz"])
def test_no_query_is_too_odd_to_be_read(asked: str) -> None:
    assert query(scope(query_string=asked + "&lang=en")).get("lang") == "en"


def test_the_own_address_is_the_bytes_that_were_asked() -> None:
    assert own_address(scope(path="/a%20b", query_string="c=%C3%A9&&")) == "/a%20b?c=%C3%A9&&"
    assert own_address(scope(path="/a")) == "/a"


@pytest.mark.parametrize(
    ("kind", "json_said"),
    [("application/json", True), ("Application/JSON; charset=utf-8", True), ("application/problem+json", True),
     ("text/json", False), ("application/jsonp", False), ("", False)],
)  # fmt: skip
def test_json_is_what_says_so(kind: str, json_said: bool) -> None:
    assert is_json(scope(content_type=kind)) is json_said


class Sent:
    """Messages in their order."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = list(messages)

    async def __call__(self) -> dict[str, Any]:
        return self._messages.pop(0)


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_read_to_its_end() -> None:
    assert await read_body(Sent(piece(b"ab", more=True), piece(b"", more=True), piece(b"c"))) == b"abc"
    assert await read_body(Sent(piece(b"x" * 4096))) == b"x" * 4096


async def test_a_body_beyond_the_limit_is_refused_as_soon_as_it_is() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(Sent(piece(b"x" * 4097, more=True)))
    with pytest.raises(BodyTooLarge):
        await read_body(Sent(piece(b"abc", more=True), piece(b"d", more=True)), most=3)


async def test_a_body_that_was_cut_short_is_refused() -> None:
    with pytest.raises(BadInput):
        await read_body(Sent(piece(b"ab", more=True), {"type": "http.disconnect"}))
