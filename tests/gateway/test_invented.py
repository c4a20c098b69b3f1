"""What a client makes up (ids, tickets, lanes, invitations, codes, addresses) leaves nothing in Redis."""

import json

from ecluse.tokens import new_id
from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole


async def test_whatever_a_client_invents_creates_no_key(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    await whole.occupied()
    await whole.waiting()
    await whole.turn()
    before, line = await whole.store.command("DBSIZE"), await whole.everything()
    for at in range(8):
        invented = new_id()
        claimed = {"x-forwarded-for": f"203.0.113.{at}", "x-real-ip": f"198.51.100.{at}", "x-forwarded-host": invented}
        for bearer in (invented, f"1~salle~main~{invented}~n~5~epoch-00~1.signature", "a.b.c"):
            headers = {**claimed, "accept": "application/json", "authorization": f"Bearer {bearer}"}
            for method, tail in (("GET", "/ticket"), ("POST", "/claim"), ("POST", "/claim/extend"), ("POST", "/tickets"),
                                 ("POST", "/ticket/code"), ("DELETE", "/ticket")):  # fmt: skip
                assert (await whole.program().ask(method, ROOM + tail, headers)).status in (204, 401, 404)
        kind = {**claimed, "content-type": "application/json"}
        for tail, members, status in (
            ("/tickets", {"lane": invented}, 422), ("/tickets", {"invitation": invented}, 403),
            ("/code", {"code": invented}, 422), ("/code/move", {"code": "7K2M-9PQR-4TVX"}, 422),
        ):  # fmt: skip
            answer = await whole.program().ask("POST", ROOM + tail, kind, json.dumps(members).encode())
            assert answer.status in (status, 404, 429), (tail, answer)
        head = await whole.program().ask("HEAD", f"/{invented}", claimed)
        assert head.status == 429
    assert (await whole.store.command("DBSIZE"), await whole.everything()) == (before, line)
