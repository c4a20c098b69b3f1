"""A visit through the gate: what the origin is told, what it may say, when a visit goes on and when it is over."""

import jwt

from tests.gateway.test_operators import SALLE, Desk
from tests.gateway.visitor import ROOM
from tests.gateway.whole import ORIGIN_KEY, OpenWhole, eventually

FORGED = {
    "ecluse-pass": "mine", "ecluse-room": "mine", "ecluse-command": "mine", "x-forwarded-for": "6.6.6.6",
    "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
    "true-client-ip": "6.6.6.6", "cf-connecting-ip": "6.6.6.6",
}  # fmt: skip


async def test_the_origin_gets_our_headers_and_never_the_visitors(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.occupied()
    visitor.jar["theirs"] = "1"
    connection = "close, ecluse-pass, ecluse-room, x-forwarded-for, cookie, host"
    assert (await visitor.ask("GET", "/a", FORGED | {"connection": connection})).body == b"ok"
    told = whole.origin
    (proof,) = told.values(b"ecluse-pass")
    claims = jwt.decode(proof, ORIGIN_KEY.encode(), algorithms=["HS256"], audience="salle", issuer="ecluse",
                        options={"verify_exp": False, "verify_iat": False})  # fmt: skip
    assert claims["exp"] - claims["iat"] <= 60
    assert claims["lane"] == "main"
    assert claims["sub"] == jwt.decode(visitor.granted, options={"verify_signature": False})["sub"]
    assert told.values(b"ecluse-room") == [b"salle"]
    assert told.values(b"x-forwarded-for") == [b"127.0.0.1"]
    assert told.values(b"x-forwarded-proto") == [b"http"]
    assert told.values(b"x-forwarded-host") == [b"rdv.example.fr"]
    assert told.values(b"host") == [b"rdv.example.fr"]
    assert told.values(b"cookie") == [b"theirs=1"], "our cookies stay ours"
    for name in ("forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "ecluse-command"):
        assert not told.values(name.encode())


async def test_the_origins_words_to_the_gate_do_not_reach_the_visitor(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = whole.visitor()
    assert (await visitor.get("/slots/12")).get("ecluse-slots-left") is None
    await whole.turn(1.5)
    assert (await visitor.get(f"{ROOM}/board.json")).json()["slots_left"] == 12
    await visitor.get("/slots/-4")
    await visitor.get("/slots/99999999999999")
    whole.advance(2)
    assert (await visitor.get("/slots/3")).body == b"ok"
    await whole.turn(1.5)
    assert (await visitor.get(f"{ROOM}/board.json")).json()["slots_left"] == 3


async def test_a_visit_that_the_origin_ends_frees_its_capacity_and_its_pass_is_dead_everywhere(
    open_whole: OpenWhole,
) -> None:
    whole = await open_whole(gateways=2, capacity=1, pace_per_minute=6000, burst=100)
    visitor = await whole.occupied()
    elsewhere = visitor.twin(whole.ports[1])
    assert (await elsewhere.get("/")).body == b"ok"
    waiting = await whole.waiting()
    await whole.turns(3)
    assert await waiting.state() == "waiting", "capacity is one"
    pass_before, answer = visitor.twin(), await visitor.get("/done")
    assert answer.body == b"ok"
    assert answer.get("ecluse-command") is None
    assert set(answer.cookies) == {"ecluse_pass_salle", "ecluse_ticket_salle"}
    assert not visitor.jar
    assert (await pass_before.get("/again")).text.startswith("<!"), "the pass opened the door once more"
    seen = len(whole.origin.heads)

    async def refused_elsewhere() -> bool:
        return (await elsewhere.ask("GET", "/", {"accept": "application/json"})).status == 429

    await eventually(refused_elsewhere, 1.0)
    assert len(whole.origin.heads) <= seen + 60
    await whole.turns(2)
    assert await waiting.state() == "called"
    assert (await waiting.claim()).status == 200
    assert len((await whole.everything())["admitted"]) == 1


async def test_an_active_visit_goes_on_and_an_idle_one_ends(open_whole: OpenWhole) -> None:
    whole = await open_whole(mode="queueing")
    active = await whole.admitted()
    first_pass = active.granted
    whole.advance(10)
    assert not (await active.get("/")).cookies, "too early to renew"
    idle = await whole.admitted()
    whole.advance(20)
    renewed = await active.get("/")
    assert renewed.body == b"ok"
    assert set(renewed.cookies) == {"ecluse_pass_salle"}
    assert active.granted != first_pass
    whole.advance(81)
    assert (await active.get("/")).body == b"ok"
    assert (await idle.get("/")).text.startswith("<!")
    await whole.turn()
    assert len((await whole.everything())["admitted"]) == 1


async def test_no_visit_outlives_its_longest_time_however_often_it_is_renewed_or_claimed_again(
    open_whole: OpenWhole,
) -> None:
    whole = await open_whole(mode="queueing")
    visitor = await whole.admitted()
    ticket, started = visitor.twin(), whole.clock()
    while (await visitor.get("/")).body == b"ok":
        assert whole.clock() - started <= 150
        whole.advance(7)
        await visitor.claim()
    assert whole.clock() - started >= 140, "renewals kept it going"
    for _ in range(2):
        claimed = await ticket.claim()
        assert (claimed.status, claimed.problem) == (410, "gone")
        assert await ticket.state() == "gone"
        await whole.turn()
    assert await whole.count("admissions") == 1


async def test_a_ticket_whose_visit_ended_says_so_and_one_missed_twice_does_not(open_whole: OpenWhole) -> None:
    whole = await open_whole(mode="queueing")
    inside = await whole.admitted()
    ticket = inside.twin()
    session = inside.ticket.split("~")[3]
    assert (await Desk(whole.visitor()).ask("DELETE", f"{SALLE}/sessions/{session}")).status == 204
    await whole.turn()
    assert {"state": "gone", "ended": True}.items() <= (await ticket.get(f"{ROOM}/ticket")).json().items()
    missed = await whole.waiting()
    for _ in range(2):
        await missed.join()
        await whole.called(missed)
        await whole.turn(120)
    told = (await missed.get(f"{ROOM}/ticket")).json()
    assert told["state"] == "gone"
    assert "ended" not in told


async def test_a_visitor_whose_visit_ended_gets_a_new_place_at_the_end(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.admitted()
    old = visitor.ticket
    whole.advance(200)
    await whole.turn()
    await whole.visitor().get("/")
    others = [await whole.waiting() for _ in range(2)]
    again = await visitor.get("/")
    assert again.text.startswith("<!")
    assert visitor.ticket != old
    assert len(others) == (await visitor.get(f"{ROOM}/ticket")).json()["ahead"]


async def test_an_admitted_visitor_who_joins_again_keeps_the_admission_and_gets_no_place(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    at_once, called = await whole.occupied(), await whole.admitted()
    for visitor in (at_once, called):
        for _ in range(3):
            answer = await visitor.join()
            assert (answer.status, answer.json()["state"]) == (200, "admitted")
        assert (await visitor.get(ROOM)).status == 303, "back in, not in line"
    found = await whole.everything()
    assert not found["line"]
    assert len(found["admitted"]) == 2
    lost_pass = called.twin()
    del lost_pass.jar["ecluse_pass_salle"]
    assert (await lost_pass.get("/")).body == b"ok", "the ticket stands for the same visit"
    assert await whole.count("admissions") == 2


async def test_open_paths_are_never_queued_and_carry_no_pass(open_whole: OpenWhole) -> None:
    whole = await open_whole(open_paths=["/static/", "/robots.txt"])
    await whole.occupied()
    for path in ("/static/a.css", "/static/", "/robots.txt", "/static/x/y"):
        assert (await whole.program().get(path)).body == b"ok", path
        assert not whole.origin.values(b"ecluse-pass")
        assert whole.origin.values(b"ecluse-room") == [b"salle"]
    for path in ("/staticx", "/robots.txt2", "/x/static/a"):
        assert (await whole.program().get(path)).status == 429, path


async def test_rooms_are_found_by_host_and_by_the_longest_prefix(open_whole: OpenWhole) -> None:
    rooms: list[dict[str, object]] = [
        {"paths": ["/a/"], "hosts": ["rdv.example.fr"]},
        {"id": "dedans", "paths": ["/a/in/"], "hosts": ["rdv.example.fr"]},
        {"id": "ailleurs", "paths": ["/a/"], "hosts": ["other.example.fr"]},
    ]
    whole = await open_whole(rooms=rooms)
    for host, path, room in (
        ("rdv.example.fr", "/a/x", "salle"), ("rdv.example.fr", "/a", "salle"), ("RDV.example.fr", "/a/inx", "salle"),
        ("rdv.example.fr", "/a/in/x", "dedans"), ("other.example.fr", "/a/in/x", "ailleurs"),
        ("rdv.example.fr:8000", "/a/in/", "dedans"),
    ):  # fmt: skip
        found = await whole.program().ask("GET", path, {"host": host})
        # Burst is one: a room asked before makes the next visitor wait, in that room.
        told = whole.origin.values(b"ecluse-room")[0].decode() if found.status == 200 else found.json()["room"]
        assert told == room, (host, path)
    nowhere = await whole.program().get("/elsewhere")
    assert (nowhere.status, nowhere.problem) == (404, "not-found")
    stranger = await whole.program().ask("GET", "/a/x", {"host": "evil.example"})
    assert (stranger.status, stranger.problem) == (421, "ambiguous-request")
    assert "evil.example" not in stranger.text


async def test_a_pass_of_one_room_opens_no_other(open_whole: OpenWhole) -> None:
    whole = await open_whole(rooms=[{"paths": ["/a/"]}, {"id": "autre", "paths": ["/b/"]}])
    visitor = whole.visitor()
    assert (await visitor.get("/a/")).body == b"ok"
    assert (await whole.visitor().get("/b/")).body == b"ok"
    visitor.jar = {"ecluse_pass_autre": visitor.granted}
    assert (await visitor.get("/b/")).text.startswith("<!")
    assert whole.origin.targets == [b"/a/", b"/b/"]


async def test_the_last_word_on_the_slots_left_is_never_lost_however_fast_they_go(open_whole: OpenWhole) -> None:
    whole = await open_whole()
    visitor = await whole.occupied()
    for left in (5, 4, 3, 0):
        assert (await visitor.get(f"/slots/{left}")).body == b"ok"

    async def told() -> bool:
        await whole.turn()
        return bool((await visitor.get(f"{ROOM}/board.json")).json()["slots_left"] == 0)

    await eventually(told, 10)


async def test_a_room_without_slots_lets_nobody_in_at_once(open_whole: OpenWhole) -> None:
    whole = await open_whole(pace_per_minute=600, burst=10, stop_when_empty=True)
    inside, newcomer, program = whole.visitor(), whole.visitor(), whole.program()
    assert (await inside.get("/slots/0")).body == b"ok", "an empty line with slots lets people in"
    await whole.turn(1.5)
    assert (await inside.get(f"{ROOM}/board.json")).json()["phase"] == "paused"
    assert 'data-phase="paused"' in (await newcomer.get("/a")).text
    assert (await program.get("/a")).problem == "waiting"
    await whole.turns(5)
    assert await newcomer.state() == "waiting"
    assert (await inside.get("/slots/8")).body == b"ok"
    await whole.called(newcomer)
    assert (await newcomer.claim()).status == 200
