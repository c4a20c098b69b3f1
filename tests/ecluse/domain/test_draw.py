"""The draw: what enters it decides everything, every change is found, and nothing malformed is read."""

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.beacon import CHAINS, QUICKNET
from ecluse.domain import draw, merkle
from ecluse.domain.draw import Beacon, Kind, Record, State
from ecluse.domain.draw_check import Verdict, check, check_ticket, holds
from ecluse.domain.errors import BadInput
from tests.vectors.make_draw import FILE

SECRET = sha256(b"a secret of these tests").digest()
DRAWS: dict[str, Any] = {
    each["record"]["beacon"]["kind"]: each
    for each in json.loads(FILE.read_text(encoding="utf-8"))["draws"]
    if each["tickets"]
}
Change = Callable[[dict[str, Any], list[str]], object]


def announced() -> Record:
    return Record(room="evry", beacon=Beacon(kind=Kind.NONE), commitment=draw.commitment(SECRET))


def tickets(n: int, salt: str = "") -> list[str]:
    return sorted(sha256(f"{salt}{i}".encode()).hexdigest()[:11] for i in range(n))


def closed(ids: list[str]) -> Record:
    return announced().close(closed_at="2026-05-04T06:59:00Z", n=len(ids), root=merkle.root(ids))


def failures(record: Record, ids: list[str]) -> set[str]:
    return {each.claim for each in check(record, ids, CHAINS) if each.verdict is Verdict.FAILS}


# From the announcement to the line


def test_a_draw_is_announced_closed_and_revealed() -> None:
    ids = tickets(50)
    record = closed(ids).reveal(SECRET.hex())
    assert record.state is State.DRAWN
    assert failures(record, ids) == set()
    assert record.seed == draw.seed("evry", 50, merkle.root(ids), SECRET).hex()


def test_each_state_says_what_is_still_to_come() -> None:
    ids = tickets(3)
    for record, listed, open_claims in (
        (announced(), [], {"list", "seed"}),
        (closed(ids), ids, {"seed", "published in time", "nobody knew the value", "every ticket is a person"}),
    ):
        findings = check(record, listed, CHAINS)
        assert {each.claim for each in findings if each.verdict is Verdict.UNPROVEN} == open_claims
        assert holds(findings)


def test_another_value_than_the_one_announced_is_not_revealed() -> None:
    record = closed(tickets(3))
    with pytest.raises(BadInput, match="not the secret"):
        record.reveal("0" * 64)
    with pytest.raises(BadInput, match="64 lower-case"):
        record.reveal("a secret")
    with pytest.raises(BadInput, match="not closed"):
        announced().reveal(SECRET.hex())
    drand = Record(room="evry", beacon=Beacon(kind=Kind.DRAND, chain=QUICKNET.hash, round=1000))
    shut = drand.close(closed_at="2023-08-23T15:58:00Z", n=0, root=merkle.root([]))
    beacon = DRAWS["drand"]["record"]["beacon"]
    assert shut.reveal(beacon["value"], beacon["signature"]).state is State.DRAWN
    with pytest.raises(BadInput, match="not the SHA-256"):
        shut.reveal("0" * 64, beacon["signature"])
    with pytest.raises(BadInput, match="come together"):
        shut.reveal(beacon["value"])


def test_an_operator_may_name_the_source_with_the_value_but_not_change_it() -> None:
    shut = Record(room="evry", beacon=Beacon(kind=Kind.OPERATOR)).close(
        closed_at="2026-05-04T06:59:00Z", n=0, root=merkle.root([])
    )
    assert shut.reveal("12-17-23", source="Loto").beacon.source == "Loto"
    named = Record(room="evry", beacon=Beacon(kind=Kind.OPERATOR, source="Loto")).close(
        closed_at="2026-05-04T06:59:00Z", n=0, root=merkle.root([])
    )
    assert named.reveal("12-17-23").beacon.source == "Loto"
    with pytest.raises(BadInput, match="another source"):
        named.reveal("12-17-23", source="Keno")


def test_the_seed_depends_on_everything_that_enters_it() -> None:
    root, other = merkle.root(["a"]), merkle.root(["b"])
    variants = [("evry", 1, root, SECRET), ("sarcelles", 1, root, SECRET), ("evry", 2, root, SECRET)]
    variants += [("evry", 1, other, SECRET), ("evry", 1, root, bytes(32))]
    assert len({draw.seed(*each) for each in variants}) == len(variants)


def test_a_commitment_is_the_hash_of_thirty_two_bytes() -> None:
    assert draw.commitment(SECRET) == sha256(SECRET).hexdigest()
    with pytest.raises(BadInput, match="32 bytes"):
        draw.commitment(b"short")


@given(st.binary(min_size=32, max_size=32), st.text(alphabet="abcXYZ019-_", min_size=1, max_size=64))
def test_a_place_is_a_fraction_of_two_to_the_fifty_two(seed: bytes, ticket: str) -> None:
    found = draw.place(seed, ticket)
    assert 0 <= found < 1
    assert (found * 2**52).is_integer()
    assert found == draw.places(seed, ["other", ticket])[1]


def test_equal_places_stand_in_the_order_of_their_ids() -> None:
    assert draw.order(SECRET, ["b", "a", "a"])[0][1] in {"a", "b"}
    assert [each for _, each in draw.order(SECRET, ["a", "a"])] == ["a", "a"]


# What was tampered with is found

TAMPERINGS: dict[str, tuple[Change, set[str]]] = {
    "another room": (lambda record, _: record.update(room="evry"), {"seed"}),
    "another count": (lambda record, _: record.update(n=record["n"] + 1), {"count", "seed"}),
    "another root": (lambda record, _: record.update(root="0" * 64), {"root", "seed"}),
    "another seed": (lambda record, _: record.update(seed="0" * 64), {"seed"}),
    "a ticket removed": (lambda _, ids: ids.pop(), {"count", "root"}),
    "a ticket added": (lambda _, ids: ids.append("~"), {"count", "root"}),
    "a ticket replaced": (lambda _, ids: ids.__setitem__(-1, "~"), {"root"}),
    "two tickets exchanged": (lambda _, ids: ids.__setitem__(slice(0, 2), ids[1::-1]), {"list"}),
    "a ticket twice": (lambda _, ids: ids.insert(0, ids[0]), {"count", "list"}),
}


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_tampering_is_found_where_it_is(kind: str, name: str) -> None:
    change, found = TAMPERINGS[name]
    vector = copy.deepcopy(DRAWS[kind])
    assert failures(Record.from_document(vector["record"]), vector["tickets"]) == set()
    change(vector["record"], vector["tickets"])
    assert failures(Record.from_document(vector["record"]), vector["tickets"]) == found


@pytest.mark.parametrize(
    ("kind", "field", "value", "found"),
    [
        ("none", "commitment", "0" * 64, {"commitment"}),
        ("none", "beacon.value", "0" * 64, {"commitment", "seed"}),
        ("operator", "beacon.value", "another", {"seed"}),
        ("drand", "beacon.value", "0" * 64, {"beacon value", "seed"}),
        ("drand", "beacon.round", 1001, {"beacon signature"}),
        ("drand", "beacon.signature", "00" * 48, {"beacon value", "beacon signature"}),
        ("drand", "beacon.chain", "0" * 64, {"beacon signature"}),
        ("drand", "closed_at", "2023-08-23T15:59:24Z", {"beacon time"}),
        ("drand", "closed_at", "2024-01-01T00:00:00.5Z", {"beacon time"}),
    ],
)  # fmt: skip
def test_every_field_of_the_beacon_tampered_with_is_found(
    kind: str, field: str, value: object, found: set[str]
) -> None:
    vector = copy.deepcopy(DRAWS[kind])
    within, _, name = field.rpartition(".")
    (vector["record"][within] if within else vector["record"])[name] = value
    assert failures(Record.from_document(vector["record"]), vector["tickets"]) == found


def test_what_no_file_proves_is_said() -> None:
    for kind, unproven in (
        ("none", {"published in time", "nobody knew the value", "every ticket is a person"}),
        ("operator", {"beacon", "published in time", "nobody knew the value", "every ticket is a person"}),
        ("drand", {"published in time", "every ticket is a person"}),
    ):
        findings = check(Record.from_document(DRAWS[kind]["record"]), DRAWS[kind]["tickets"], CHAINS)
        assert {each.claim for each in findings if each.verdict is Verdict.UNPROVEN} == unproven
        assert holds(findings)


def test_a_ticket_finds_its_rank_and_a_stranger_does_not() -> None:
    vector = DRAWS["drand"]
    record = Record.from_document(vector["record"])
    for ticket in vector["tickets"][::9]:
        included, ranked = check_ticket(record, vector["tickets"], ticket)
        assert included.verdict is Verdict.HOLDS
        assert ranked.words.startswith(f"{vector['line'].index(ticket) + 1} of 100,")
    assert not holds(check_ticket(record, vector["tickets"], "stranger"))
    assert not holds(check_ticket(record, vector["tickets"][1:], vector["tickets"][5]))
    assert not holds(check_ticket(record, vector["tickets"][::-1], vector["tickets"][5]))


def test_before_the_list_is_closed_a_ticket_has_no_proof_yet() -> None:
    (finding,) = check_ticket(announced(), ["a"], "a")
    assert finding.verdict is Verdict.UNPROVEN


# Strict reading


def changed(path: str, value: object) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(DRAWS["drand"]["record"])
    within, _, name = path.rpartition(".")
    part = document[within] if within else document
    if value is KeyError:
        del part[name]
    else:
        part[name] = value
    return document


@pytest.mark.parametrize(
    "path", [*DRAWS["drand"]["record"], *(f"beacon.{each}" for each in DRAWS["drand"]["record"]["beacon"])]
)
@pytest.mark.parametrize("value", [KeyError, 7.5, True, [], {}, "\u001b[2J", -1, "", "Z" * 64])
def test_no_field_takes_what_it_is_not(path: str, value: object) -> None:
    with pytest.raises(BadInput) as refused:
        Record.from_document(changed(path, value))
    assert path.partition(".")[0] in str(refused.value)


@pytest.mark.parametrize(
    "document",
    [
        None, [], "draw", {},
        changed("extra", 1), changed("beacon.extra", 1),
        changed("version", "ecluse-draw-v2"),
        changed("state", "closed"), changed("state", "announced"),
        changed("seed", None), changed("root", None), changed("n", None), changed("closed_at", None),
        changed("closed_at", "2026-13-01T00:00:00Z"), changed("closed_at", "2026-05-04T08:59:00+02:00"),
        changed("n", 2**53), changed("commitment", "0" * 64),
        changed("beacon.kind", "none"), changed("beacon.kind", "operator"), changed("beacon.kind", "nist"),
        changed("beacon.source", "somewhere"), changed("beacon.round", 0), changed("beacon.round", None),
        changed("beacon.value", None), changed("beacon.signature", None), changed("beacon.chain", None),
    ],
)  # fmt: skip
def test_a_record_that_contradicts_itself_is_refused(document: object) -> None:
    with pytest.raises(BadInput):
        Record.from_document(document)


@pytest.mark.parametrize("kind", [Kind.NONE, Kind.OPERATOR])
def test_nothing_is_known_of_a_value_before_it_is_there(kind: Kind) -> None:
    with pytest.raises(BadInput, match="not known yet"):
        Beacon(kind=kind).randomness()


def test_a_list_is_one_id_a_line() -> None:
    assert draw.read_ids("") == []
    assert draw.read_ids("a\nb-_\n") == ["a", "b-_"]
    for text, reason in (
        ("a\nb", "cut off"),
        ("a\n\n", "line 2"),
        ("a\r\n", "line 1"),
        ("a b\n", "line 1"),
        ("é\n", "line 1"),
    ):
        with pytest.raises(BadInput, match=reason):
            draw.read_ids(text)
