"""Problems: every error has its row, every row its address, and the reference lists them all."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ecluse.domain import errors
from ecluse.domain.errors import BadInput, EcluseError, Forged, InvitationQuota, PersonInvalid, RoomFull, StoreAway
from gateway.problems import BY_SLUG, PREFIX, ROWS, send_problem

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, EcluseError)]
REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


class Wire:
    """What an application sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.messages[0]["headers"] if key == name]

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages[1:])


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert set(ROWS) == set(KINDS)


def test_slugs_and_titles_are_unique_and_fit_in_an_address() -> None:
    slugs = [row.slug for row in ROWS.values()]
    assert len(set(slugs)) == len(slugs) == len(BY_SLUG)
    assert len({row.title for row in ROWS.values()}) == len(slugs)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)


@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_is_an_error_status_and_waiting_is_never_one_of_ours(kind: type[EcluseError]) -> None:
    row = ROWS[kind]
    assert 400 <= row.status < 600
    if kind in (errors.Waiting, errors.PassNeeded, errors.FormNotSent, errors.NotCalled, errors.LimitsFull):
        assert row.status in (425, 429)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_error_is_told_as_a_problem(kind: type[EcluseError]) -> None:
    wire = Wire()
    await send_problem(wire, kind("only for the log"))
    told = json.loads(wire.body)
    row = ROWS[kind]
    assert (told["type"], told["title"], told["status"]) == (PREFIX + row.slug, row.title, row.status)
    assert told["detail"].startswith((kind.__doc__ or "").strip())
    assert ("only for the log" in told["detail"]) == (kind in (BadInput, InvitationQuota, PersonInvalid))
    assert wire.status == row.status
    assert wire.values(b"content-type") == [b"application/problem+json"]
    assert wire.values(b"cache-control") == [b"no-store"]
    assert wire.values(b"content-length") == [str(len(wire.body)).encode()]


@pytest.mark.parametrize("kind", KINDS)
async def test_retry_after_is_told_where_the_error_knows_it(kind: type[EcluseError]) -> None:
    wire = Wire()
    await send_problem(wire, kind())
    seconds = kind.retry_after_seconds
    assert wire.values(b"retry-after") == ([] if seconds is None else [str(seconds).encode()])


async def test_a_retry_after_that_is_known_better_wins() -> None:
    wire = Wire()
    await send_problem(wire, RoomFull(), headers=[(b"retry-after", b"7")])
    assert wire.values(b"retry-after") == [b"7"]


async def test_members_and_another_status_are_told_on_both_sides() -> None:
    wire = Wire()
    await send_problem(wire, Forged(), status=403, members={"room": "été"})
    told = json.loads(wire.body)
    assert wire.status == told["status"] == 403
    assert told["room"] == "été"


async def test_a_text_beyond_ascii_has_its_length_in_bytes() -> None:
    wire = Wire()
    await send_problem(wire, StoreAway(), members={"notice": "Écluse fermée"})
    assert wire.values(b"content-length") == [str(len(wire.body)).encode()]
    assert "Écluse" in wire.body.decode()


def test_the_reference_lists_every_problem_with_its_status_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", REFERENCE, re.MULTILINE)
    assert {(slug, int(status)) for slug, status in listed} == {(row.slug, row.status) for row in ROWS.values()}
    assert len(listed) == len(ROWS)
