"""Invitations through the whole edge: issued, used once, counted, revoked, within a quota, and in the journal."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway.test_lanes import LANES, waiting_in
from tests.gateway.test_people import NUMBER, PERSON, TICKETS, the_form
from tests.gateway.visitor import ROOM, Answer
from tests.gateway.whole import OPERATOR_KEY, VIEWER_KEY, OpenWhole, Whole

API = "/_ecluse/api/v1/rooms/salle/invitations"


async def ask(whole: Whole, method: str = "GET", path: str = "", body: Any = None, key: str = OPERATOR_KEY) -> Answer:
    import json  # noqa: PLC0415

    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return await whole.program().ask(method, API + path, headers, b"" if body is None else json.dumps(body).encode())


def wish(whole: Whole, **changes: Any) -> dict[str, Any]:
    until = (datetime.fromtimestamp(whole.clock(), UTC) + timedelta(hours=2)).isoformat()
    return {
        "lane": "urgent",
        "count": 2,
        "issuer": "La Cimade",
        "expires_at": until,
        "reason": "urgent cases",
    } | changes


async def issued(whole: Whole, **changes: Any) -> dict[str, Any]:
    answer = await ask(whole, "POST", body=wish(whole, **changes))
    assert answer.status == 201, answer
    found: dict[str, Any] = answer.json()
    return found


async def laned(open_whole: OpenWhole, **options: Any) -> Whole:
    return await open_whole(lane=LANES, **options)


async def test_an_invitation_gives_one_place_in_its_lane(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, gateways=2)
    batch = await issued(whole)
    assert batch["links"] == [f"http://rdv.example.fr{ROOM}?invitation={token}" for token in batch["tokens"]]
    visitor = whole.program()
    joined = await visitor.join(invitation=batch["tokens"][0])
    assert (joined.status, joined.json()["lane"]) == (201, "urgent")
    assert (await visitor.join(invitation=batch["tokens"][0])).json()["id"] == joined.json()["id"], (
        "asked again with the ticket"
    )
    replayed = await whole.program(1).join(invitation=batch["tokens"][0])
    assert (replayed.status, replayed.problem) == (409, "invitation-used")
    assert await waiting_in(whole) == {"renewal": 0, "first": 0, "urgent": 1}
    (told,) = (await ask(whole, key=VIEWER_KEY)).json()["invitations"]
    assert (told["count"], told["used"], told["revoked"], told["issuer"]) == (2, 1, False, "La Cimade")
    assert "tokens" not in told


async def test_of_many_who_use_one_invitation_at_once_one_gets_a_place(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, gateways=2)
    (token,) = (await issued(whole, count=1))["tokens"]
    answers = await asyncio.gather(*(whole.program(n % 2).join(invitation=token) for n in range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49
    assert (await waiting_in(whole))["urgent"] == 1


async def test_a_link_leads_to_a_form_and_opening_it_uses_nothing_up(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    batch = await issued(whole)
    link = batch["links"][0].removeprefix("http://rdv.example.fr")
    for _ in range(3):
        page = await whole.visitor().get(link, accept_language="en")
        assert page.status == 200
        assert "You have an invitation." in page.text
        assert page.get("referrer-policy") == "no-referrer"
        assert "What do you come for?" not in page.text
    assert sum((await waiting_in(whole)).values()) == 0
    visitor = whole.visitor()
    sent = await visitor.form(TICKETS, the_form(page))
    assert sent.status == 303
    assert batch["tokens"][0] not in str(sent.get("location"))
    assert (await waiting_in(whole))["urgent"] == 1
    again = await whole.visitor().form(TICKETS, the_form(page), accept_language="en")
    assert again.status == 409
    assert "used already" in again.text


async def test_a_revoked_an_expired_and_a_foreign_invitation_are_refused(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    batch = await issued(whole)
    inside = whole.program()
    assert (await inside.join(invitation=batch["tokens"][0])).status == 201
    assert (await ask(whole, "DELETE", f"/{batch['id']}?reason=lost")).status == 204
    refused = await whole.program().join(invitation=batch["tokens"][1])
    assert (refused.status, refused.problem) == (403, "invitation-refused")
    assert await inside.state() == "waiting", "a place that was taken stays"
    assert (await ask(whole)).json()["invitations"][0]["revoked"] is True
    assert (await ask(whole, "DELETE", "/nonesuch")).problem == "unknown-invitation"
    other = await issued(whole)
    for wrong in (other["tokens"][0][:-1], "x.y", inside.ticket):
        assert (await whole.program().join(invitation=wrong)).problem == "invitation-refused"
    whole.advance(7201)
    assert (await whole.program().join(invitation=other["tokens"][0])).problem == "invitation-refused"
    assert (await waiting_in(whole))["urgent"] == 1


async def test_an_issuer_has_a_quota_for_each_day(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, invitations_per_issuer=5)
    await issued(whole, count=3)
    over = await ask(whole, "POST", body=wish(whole, count=3))
    assert (over.status, over.problem) == (409, "invitation-quota")
    assert "2 are left today" in over.json()["detail"]
    await issued(whole, count=2)
    await issued(whole, count=5, issuer="Mairie")
    assert len((await ask(whole)).json()["invitations"]) == 3


async def test_issuing_and_revoking_are_in_the_journal_without_any_token(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    batch = await issued(whole)
    await ask(whole, "DELETE", f"/{batch['id']}?reason=lost")
    answer = await whole.program().ask(
        "GET", "/_ecluse/api/v1/rooms/salle/journal", {"authorization": f"Bearer {OPERATOR_KEY}"}
    )
    revoked, given = answer.json()["entries"][:2]
    assert (revoked["action"], revoked["reason"], revoked["invitations"]["id"]) == (
        "revoke_invitations",
        "lost",
        batch["id"],
    )
    assert (given["action"], given["who"], given["invitations"]["issuer"]) == ("invite", "astreinte", "La Cimade")
    assert not any(token in answer.text for token in batch["tokens"])


@pytest.mark.parametrize(
    "changes",
    [
        {"lane": "nowhere"}, {"count": 0}, {"count": 501}, {"count": True}, {"issuer": ""}, {"reason": ""}, {"issuer": "x" * 201},
        {"expires_at": "tomorrow"}, {"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "2999-01-01T00:00:00Z"}, {"more": 1},
        {"expires_at": "2027-01-01T00:00:00"},
    ],
)  # fmt: skip
async def test_mistakes_are_told_and_nothing_is_issued(open_whole: OpenWhole, changes: dict[str, Any]) -> None:
    whole = await laned(open_whole)
    answer = await ask(whole, "POST", body=wish(whole) | changes)
    assert (answer.status, answer.problem) == (400, "bad-input")
    assert next(iter(changes)) in answer.json()["detail"]
    assert (await ask(whole)).json() == {"invitations": []}


async def test_only_operators_issue_and_revoke(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole)
    assert (await ask(whole, "POST", body=wish(whole), key=VIEWER_KEY)).problem == "role-too-low"
    assert (await ask(whole, "DELETE", "/x", key=VIEWER_KEY)).problem == "role-too-low"
    assert (await ask(whole, key="nobody")).problem == "key-needed"


async def test_in_a_nominative_room_an_invitation_is_used_by_a_person_with_no_place_yet(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, person=PERSON)
    (token,) = (await issued(whole, count=1))["tokens"]
    assert (await whole.program().join(invitation=token)).problem == "person-needed"
    first = whole.program()
    assert (await first.join(person=NUMBER, lane="first")).status == 201
    assert (await whole.program().join(person=NUMBER, invitation=token)).problem == "person-known"
    assert (await ask(whole)).json()["invitations"][0]["used"] == 0
    joined = await whole.program().join(person="9903123457", invitation=token)
    assert (joined.status, joined.json()["lane"]) == (201, "urgent")


async def test_a_refused_place_uses_no_invitation(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, line_max=1)
    (token,) = (await issued(whole, count=1))["tokens"]
    holder = whole.program()
    await holder.join()
    assert (await whole.program().join(invitation=token)).problem == "full"
    await holder.ask("DELETE", f"{ROOM}/ticket")
    assert (await whole.program().join(invitation=token)).status == 201


async def test_the_record_of_invitations_stays_bounded(open_whole: OpenWhole) -> None:
    whole = await laned(open_whole, invitations_per_issuer=1_000_000)
    store = whole.edges[0].directory.by_id["salle"].invitations.store
    record = {"count": 3, "issuer": "x", "expires_at_ms": 0}
    store.now_ms = 10 * 86_400_000.0
    for n in range(520):
        assert (await store.issue(f"batch-{n:05}", record, most=10**9))[0] == "issued"
    fields = await whole.store.command("HLEN", whole.lines["salle"].keys.invitations)
    assert fields <= 3, "each forgets one that expired"
    late = record | {"expires_at_ms": int(store.now_ms) + 10**9}
    outcomes = [(await store.issue(f"later-{n:05}", late, most=10**9))[0] for n in range(502)]
    assert outcomes.count("issued") == 500
    assert outcomes[-1] == "full"
