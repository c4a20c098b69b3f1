"""docs/integrate.md, done: each example refuses strangers, lets visitors in through the line, and ends their visit."""

import json
import re
import time
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest

from ecluse.tokens import Pass, PassSigner, SigningKey
from tests.deploy.asking_fronts import ASKING, Asked
from tests.deploy.rig import HOST, ROOT, wait_until
from tests.examples.conftest import COMMANDS, ENV, EXAMPLES, Site

PAGE = (ROOT / "docs" / "integrate.md").read_text("utf-8")
HTML = {"Accept": "text/html"}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class Browser:
    """Somebody with cookies who looks at one address."""

    def __init__(self, port: int, host: str = "localhost") -> None:
        self._base = f"http://localhost:{port}"
        self._host = host
        self._open = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar())).open

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, Any, str]:
        """Status, headers and text of what comes in the end."""
        body = None if form is None else urlencode(form).encode()
        sent = HTML | {name.replace("_", "-"): value for name, value in headers.items()} | {"Host": self._host}
        try:
            with self._open(Request(self._base + path, body, sent), timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()


def pass_for(session: str, **change: Any) -> str:
    now = int(time.time())
    granted = {
        "room": "guichet",
        "session": session,
        "lane": "main",
        "issued_at": now,
        "expires_at": now + 60,
        **change,
    }
    return PassSigner([SigningKey.from_secret(ENV["ECLUSE_ORIGIN_KEY"])]).sign(Pass(**granted))


def test_an_example_refuses_whoever_comes_without_a_pass(service: int) -> None:
    stranger = Browser(service)
    status, headers, page = stranger.ask("/", Accept_Language="en")
    assert status == 403
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'href="http://localhost:8000/"' in page
    status, headers, text = stranger.ask("/book", {}, Accept="application/json")
    assert (status, headers["Content-Type"]) == (403, "application/problem+json")
    assert json.loads(text)["type"] == "http://localhost:8000/_ecluse/problems/pass-needed"
    assert stranger.ask("/", Ecluse_Pass=pass_for("s", room="evry"))[0] == 403
    assert stranger.ask("/", Ecluse_Pass=pass_for("s", expires_at=int(time.time()) - 60))[0] == 403


def test_an_example_knows_whose_visit_it_is_and_says_when_it_is_over(service: int) -> None:
    visitor = Browser(service)
    granted = pass_for("AbCdEfGhI_-", person="5f4dcc3b5aa765d6", lane="renewal")
    status, headers, page = visitor.ask("/", Ecluse_Pass=granted, Ecluse_Person="somebody-else")
    assert status == 200
    assert "Visit AbCdEfGhI_-, lane renewal, person 5f4dcc3b5aa765d6." in page
    assert headers["Ecluse-Slots-Left"] == "3"
    assert headers["Ecluse-Command"] is None
    status, headers, page = visitor.ask("/book", dict(_HIDDEN.findall(page)), Ecluse_Pass=granted)
    assert (status, "Booked" in page) == (200, True)
    assert (headers["Ecluse-Command"], headers["Ecluse-Slots-Left"]) == ("end-session", "2")


def test_an_example_opens_what_it_was_told_to_open_and_nothing_beside_it(service: int) -> None:
    stranger = Browser(service)
    assert stranger.ask("/healthz")[2] == "ok\n"
    assert json.loads(stranger.ask("/api/partners/slots")[2]) == {"left": 3}
    for path in ("/healthz/", "/api/partners", "/api/", "/api/partners/../../book", "/api/partners//x"):
        assert stranger.ask(path)[0] == 403, path


@pytest.mark.slow
def test_a_visitor_books_through_the_line_and_their_visit_ends_with_it(site: Site) -> None:
    visitor = Browser(site.gateway)
    status, headers, page = visitor.ask("/", Ecluse_Pass="forged", Ecluse_Session="forged")
    assert status == 200
    (session,) = re.findall(r"Visit ([A-Za-z0-9_-]{11}), lane main, person None", page)
    assert headers["Ecluse-Slots-Left"] is None, "the visitor sees nothing of it"
    assert visitor.ask("/book", dict(_HIDDEN.findall(page)))[2] == "<p>Booked. Your visit is over.</p>"
    again = visitor.ask("/")[2]
    assert f"Visit {session}," not in again, "the pass of a visit that is over opens nothing"

    def told() -> Any:
        visitor.ask("/")
        return json.loads(visitor.ask("/_ecluse/rooms/guichet/board.json")[2])["slots_left"]

    wait_until(lambda: told() == 2, lambda: "the board never told the slots left")


@pytest.mark.slow
@pytest.mark.parametrize("example", [COMMANDS["flask"]])
def test_nginx_stays_in_front_and_asks(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    asked = Asked(gateway=site.gateway, service=site.service)
    with ASKING["nginx"](tmp_path_factory.mktemp("nginx"), asked) as port:
        assert "Visit " in Browser(port, HOST).ask("/")[2]


def test_the_page_prints_the_commands_that_were_run_here() -> None:
    for command in COMMANDS.values():
        assert f"\n{command}\n" in PAGE


def test_the_page_names_every_file_of_the_examples() -> None:
    names = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.*") if "__" not in str(path)}
    assert len(names) >= 7
    assert {name for name in names if f"(examples/{name})" not in PAGE} == set()


def test_the_gate_printed_in_the_page_is_the_one_of_the_examples() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    sources = [
        path.read_text("utf-8").replace("  # type: ignore[method-assign]", "") for path in EXAMPLES.rglob("*.py")
    ]
    assert len(blocks) == 4
    for block in blocks:
        for part in block.strip().split("\n\n"):
            assert any(part in source for source in sources), part
