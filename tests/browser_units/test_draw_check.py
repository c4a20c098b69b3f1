"""draw-check.js in the browser that will run it: the same answers as Python, to the bit, on the same vectors."""

import copy
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from ecluse.domain import draw, merkle
from gateway.pages import TEMPLATES
from tests.browser_units.test_line import CHROMIUM, FLAGS
from tests.vectors.make_draw import FILE

pytestmark = pytest.mark.browser
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
DRAWS: dict[str, Any] = {each["record"]["beacon"]["kind"]: each for each in VECTORS["draws"] if each["tickets"]}
HERE = "http://localhost/"  # a secure context without a certificate
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"
WORDS = {
    "announced": "announced", "closed": "closed, %(n)s in the list",
    "included_holds": "line %(index)s of %(n)s", "included_fails": "not in the list",
    "root_holds": "the root is right", "root_fails": "the root is wrong",
    "value_holds": "the value is right", "value_fails": "the value is wrong",
    "seed_holds": "the seed is right", "seed_fails": "the seed is wrong",
    "rank": {"one": "rank %(rank)s alone", "other": "rank %(rank)s of %(n)s"},
    "unproven_none": "a secret", "unproven_operator": "by the operator", "unproven_drand": "signature not checked here",
    "progress": "%(percent)s done", "unreadable": "unreadable <b>", "failed": "try again",
}  # fmt: skip


def text(vector: dict[str, Any]) -> str:
    return "".join(f"{each}\n" for each in vector["tickets"])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if shutil.which(CHROMIUM) is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {CHROMIUM}: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One page with an element that checks, in front of what the server publishes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.served: dict[str, str] = {}
        self.troubles: list[str] = []
        page.on("pageerror", self.note)
        page.on("console", lambda message: self.note(message.text) if "Security Policy" in message.text else None)
        page.route("**/*", self.serve)

    def note(self, trouble: object) -> None:
        self.troubles.append(str(trouble))

    def serve(self, route: Route) -> None:
        path = route.request.url.rpartition("/")[2]
        if path.endswith(".js"):
            route.fulfill(path=TEMPLATES / "static/js" / path, content_type="text/javascript")
        elif path in self.served:
            kind = "text/html" if path == "" else "application/octet-stream"
            route.fulfill(body=self.served[path], content_type=kind, headers={"Content-Security-Policy": POLICY})
        else:
            route.fulfill(status=404, body="")

    def open(self, ticket: str = "", record: object = None, tickets: str | None = None, origin: str = HERE) -> None:
        words = json.dumps(WORDS).replace("&", "&amp;").replace("'", "&#39;")
        self.served[""] = f"""<!doctype html><html lang="en"><title>draw</title>
            <section data-draw-check data-record="draw.json" data-tickets="tickets.txt" data-ticket="{ticket}"
            data-words='{words}'><button hidden>check</button><p data-slot="progress" role="status"></p>
            <ul data-slot="findings"></ul></section><script type="module" src="draw-check.js"></script>"""
        if record is not None:
            self.served["draw.json"] = json.dumps(record)
        if tickets is not None:
            self.served["tickets.txt"] = tickets
        self.page.goto(origin)

    def check(self) -> list[str]:
        """The findings after a press of the button."""
        self.page.get_by_role("button").click()
        expect(self.page.get_by_role("button")).to_be_enabled()
        return [item.text_content() or "" for item in self.page.locator("li").all()]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """A page of a strict policy, which it must not have met."""
    page = chromium.new_page()
    visit = Visit(page)
    yield visit
    page.close()
    assert visit.troubles == []


def called(visit: Visit, code: str, argument: object = None) -> Any:
    """A function of the module, in a page that has imported it."""
    visit.open()
    return visit.page.evaluate(f"async (given) => {{ const draw = await import('/draw-check.js'); {code} }}", argument)


def test_the_roots_are_those_of_the_vectors(visit: Visit) -> None:
    listed = {n: VECTORS["draws"][2]["tickets"][: int(n)] for n in ("0", "1", "2", "3")}
    listed["100"] = DRAWS["drand"]["tickets"]
    code = "return Promise.all(given.map(async (ids) => draw.toHex(await draw.merkleRoot(ids))))"
    lists = [sorted(each) for each in listed.values()]
    assert called(visit, code, lists) == [merkle.root(each).hex() for each in lists]
    assert called(visit, code, [DRAWS["drand"]["tickets"]]) == [VECTORS["roots"]["100"]]


@pytest.mark.parametrize("kind", DRAWS)
def test_seed_and_places_are_those_of_the_vectors_to_the_bit(kind: str, visit: Visit) -> None:
    record, vector = DRAWS[kind]["record"], DRAWS[kind]
    code = "return Array.from(await draw.drawPlaces(draw.fromHex(given.seed), given.ids))"
    assert called(visit, code, {"seed": record["seed"], "ids": vector["tickets"]}) == vector["places"]


@pytest.mark.parametrize("kind", DRAWS)
def test_every_ticket_of_a_sound_draw_finds_its_rank(kind: str, visit: Visit) -> None:
    vector = DRAWS[kind]
    code = "return Promise.all(given.ids.map((id) => draw.checkDraw(given.record, given.text, id)))"
    given = {"record": vector["record"], "text": text(vector), "ids": vector["tickets"][:20]}
    for index, result in enumerate(called(visit, code, given)):
        ticket = vector["tickets"][index]
        assert result == {
            "state": "drawn", "kind": kind, "n": len(vector["tickets"]), "included": True, "index": index,
            "rootHolds": True, "valueHolds": None if kind == "operator" else True, "seedHolds": True,
            "place": vector["places"][index], "rank": vector["line"].index(ticket) + 1,
        }  # fmt: skip


def test_lists_longer_than_a_batch_agree_with_python(visit: Visit) -> None:
    ids = sorted(f"{i * 7919 % 100_003:08d}" for i in range(1500))
    seed = draw.seed("evry", len(ids), merkle.root(ids), bytes(32))
    code = """const root = await draw.merkleRoot(given.ids), seed = await draw.drawSeed("evry", given.ids.length, root,
      new Uint8Array(32)); return [draw.toHex(seed), Array.from(await draw.drawPlaces(seed, given.ids))]"""
    assert called(visit, code, {"ids": ids}) == [seed.hex(), draw.places(seed, ids)]


@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        ("drand", "root", "0" * 64, "✗ the root is wrong"),
        ("drand", "n", 99, "✗ the root is wrong"),
        ("drand", "seed", "0" * 64, "✗ the seed is wrong"),
        ("drand", "room", "evry", "✗ the seed is wrong"),
        ("drand", "beacon.value", "0" * 64, "✗ the value is wrong"),
        ("drand", "beacon.signature", "00" * 48, "✗ the value is wrong"),
        ("none", "commitment", "0" * 64, "✗ the value is wrong"),
        ("none", "beacon.value", "0" * 64, "✗ the value is wrong"),
        ("operator", "beacon.value", "another", "✗ the seed is wrong"),
    ],
)
def test_what_was_tampered_with_is_told_and_no_rank_is(
    kind: str, field: str, value: object, said: str, visit: Visit
) -> None:
    vector = copy.deepcopy(DRAWS[kind])
    within, _, name = field.rpartition(".")
    (vector["record"][within] if within else vector["record"])[name] = value
    visit.open(vector["tickets"][0], vector["record"], text(vector))
    found = visit.check()
    assert said in found
    assert not [each for each in found if "rank" in each]


def test_a_person_reads_what_holds_and_what_is_not_proven(visit: Visit) -> None:
    vector = DRAWS["drand"]
    visit.open(vector["tickets"][42], vector["record"], text(vector))
    rank = vector["line"].index(vector["tickets"][42]) + 1
    assert visit.check() == [
        "✓ line 43 of 100", "✓ the root is right", "✓ the value is right", "✓ the seed is right",
        f"✓ rank {rank} of 100", "? signature not checked here",
    ]  # fmt: skip
    assert visit.page.locator("[data-verdict=holds]").count() == 5
    assert visit.page.get_by_role("status").text_content() == ""


def test_a_ticket_left_out_is_told_so_and_gets_no_rank(visit: Visit) -> None:
    vector = DRAWS["none"]
    visit.open("left-out", vector["record"], text(vector))
    found = visit.check()
    assert found[:2] == ["✗ not in the list", "✓ the root is right"]
    assert not [each for each in found if "rank" in each]


def test_before_the_draw_it_says_what_is_known(visit: Visit) -> None:
    vector = copy.deepcopy(DRAWS["none"])
    vector["record"] |= {"state": "closed", "seed": None}
    vector["record"]["beacon"]["value"] = None
    visit.open(vector["tickets"][0], vector["record"], text(vector))
    assert visit.check() == ["✓ line 1 of 9", "✓ the root is right", "? closed, 9 in the list"]
    vector["record"] |= {"state": "announced", "n": None, "root": None, "closed_at": None}
    visit.open(vector["tickets"][0], vector["record"])
    assert visit.check() == ["? announced"]


@pytest.mark.parametrize(
    ("changed", "tickets"),
    [
        ({"version": "ecluse-draw-v2"}, None), ({"beacon": None}, None), ({"state": "open"}, None), ({"root": 7}, None),
        ({"n": "9"}, None), ({}, "cut off"), ({}, "not an id\n"), ({}, "<html>\n"),
    ],
)  # fmt: skip
def test_what_is_no_draw_is_told_as_text(changed: dict[str, object], tickets: str | None, visit: Visit) -> None:
    vector = DRAWS["none"]
    visit.open(vector["tickets"][0], {**vector["record"], **changed}, text(vector) if tickets is None else tickets)
    assert visit.check() == []
    assert visit.page.get_by_role("status").text_content() == "unreadable <b>"


def test_a_server_that_does_not_answer_can_be_asked_again(visit: Visit) -> None:
    vector = DRAWS["none"]
    visit.open(vector["tickets"][0])
    assert visit.check() == []
    assert visit.page.get_by_role("status").text_content() == "try again"
    visit.served |= {"draw.json": json.dumps(vector["record"]), "tickets.txt": text(vector)}
    assert "✓ the seed is right" in visit.check()


def test_without_web_crypto_the_button_is_not_offered(visit: Visit) -> None:
    visit.open("a", origin="http://plain.test/")
    assert visit.page.evaluate("isSecureContext") is False
    assert visit.page.locator("button").is_hidden()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 700])
def test_a_proof_of_one_ticket_is_checked_as_python_checks_it(n: int, visit: Visit) -> None:
    ids = [f"{each:011d}" for each in range(n)]
    index = n * 2 // 3
    proof = [each.hex() for each in merkle.inclusion_proof(ids, index)]
    given = {"id": ids[index], "index": index, "n": n, "proof": proof, "root": merkle.root(ids).hex()}
    code = """return Promise.all([given.id, "another"].map((id) =>
      draw.verifyInclusion(id, given.index, given.n, given.proof, given.root)))"""
    assert called(visit, code, given) == [True, False]


def test_of_a_long_list_only_the_proof_of_the_own_ticket_is_used(visit: Visit) -> None:
    vector = DRAWS["drand"]
    index = 42
    ticket = vector["tickets"][index]
    proof = [each.hex() for each in merkle.inclusion_proof(vector["tickets"], index)]
    given = {"record": vector["record"], "proof": {"index": index, "proof": proof}, "id": ticket}
    code = """return [await draw.checkByProof(given.record, given.proof, given.id),
      await draw.checkByProof(given.record, null, given.id)]"""
    found, absent = called(visit, code, given)
    assert (found["included"], found["rootHolds"], found["seedHolds"], found["rank"]) == (True, True, True, None)
    assert found["place"] == vector["places"][index]
    assert (absent["included"], absent["rootHolds"], absent["place"]) == (False, None, None)
