from pathlib import Path
from random import Random

import pytest

from ecluse.domain.errors import TokenError
from ecluse.tokens import PassSigner, SigningKey, Ticket, TicketSigner
from loadtests.forging import forged_passes, forged_tickets
from loadtests.generator import GeneratorSeen
from loadtests.moves import Answer, Ask, Jar, Moves, Pause, Step
from loadtests.personas import PERSONAS, deck, live
from loadtests.record import Record
from loadtests.shapes import arrived_by, opening_spike
from loadtests.signing import origin_pass
from loadtests.site import Site
from loadtests.tally import Tally, Trace
from loadtests.visitor import PATIENCE, Visitor

KEYS = [SigningKey.from_secret("a key of the gateway alone")]
TICKET = Ticket(room="prefecture", lane="main", id="A" * 11, number=7, epoch="e" * 8, issued_at=1_000)


def at_1000() -> float:
    return 1_000.0


def carried_out(moves: Moves[str], always: Answer) -> tuple[str, list[float]]:
    """The outcome of a way on which every question gets the same answer, and the pauses made."""
    answer: Answer | None = None
    pauses: list[float] = []
    while True:
        try:
            move = moves.send(answer)
        except StopIteration as done:
            return done.value, pauses
        answer = None if isinstance(move, Pause) else always
        if isinstance(move, Pause):
            pauses.append(move.seconds)


def test_no_pass_of_the_forger_is_genuine() -> None:
    ticket = TicketSigner(KEYS, clock=at_1000).sign(TICKET)
    desk = PassSigner(KEYS)
    for forged in forged_passes("prefecture", ticket, Random(1)):
        with pytest.raises(TokenError):
            desk.read(forged, "prefecture")


def test_a_visitor_without_a_gate_shows_the_origin_a_pass_that_it_takes() -> None:
    secret = "a key of the origin alone"
    token = origin_pass("prefecture", "AAAAAAAAAAA", secret.encode())
    assert PassSigner([SigningKey.from_secret(secret)]).read(token, "prefecture").session == "AAAAAAAAAAA"


def test_no_ticket_of_the_forger_is_genuine_and_each_differs_from_the_real_one() -> None:
    signer = TicketSigner(KEYS, clock=at_1000)
    ticket = signer.sign(TICKET)
    tried = forged_tickets(ticket, Random(1))
    assert len({ticket, *tried}) == len(tried) + 1
    for forged in tried:
        with pytest.raises(TokenError):
            signer.read(forged, "prefecture")


def test_a_jar_keeps_changes_and_forgets_cookies() -> None:
    jar = Jar()
    jar.take(["a=1; Max-Age=5; Path=/", "__Host-b=2; Secure"])
    jar.take(["a=3"])
    assert (jar.find("a"), jar.find("b")) == ("3", "2")
    assert jar.header() == "a=3; __Host-b=2"
    assert jar.header(without="b") == "a=3"
    jar.take(["a=; Max-Age=0; Path=/"])
    jar.drop("b")
    assert jar.header() == ""


def test_a_deck_has_everybody_in_their_share_and_the_rare_at_least_once() -> None:
    cards = deck({"applicant": 0.7, "no-show": 0.29, "forger": 0.001}, 100, Random(1))
    assert (len(cards), cards.count("no-show"), cards.count("forger")) == (100, 29, 1)


def test_most_people_come_in_the_first_seconds_and_all_come_in_the_end() -> None:
    times = opening_spike(1000, spike_share=0.8, spike_seconds=5, stragglers_seconds=60, random=Random(1))
    assert times == sorted(times)
    assert arrived_by(times, 5) == 800
    assert arrived_by(times, 60) == 1000
    assert arrived_by(times, 2.5) > 500


def test_a_record_survives_its_way_from_locust(tmp_path: Path) -> None:
    tally = Tally()
    request = Ask(step=Step.BOARD, method="GET", path="/", headers={}, expected=frozenset({200}))
    tally.count(request, Answer(status=200, sent_at=0.0, received_at=1.0))
    tally.traces = [Trace(persona="app", place=3.0)]
    record = Record.of(tally, started_at=5.0, generators=[GeneratorSeen(cpu_shares=[0.5])])
    record.write(tmp_path / "record.json")
    assert Record.load(tmp_path / "record.json") == record
    assert record.statuses == {"board 200": 1}


@pytest.mark.parametrize("persona", sorted(set(PERSONAS) - {"helper", "session-farm", "stampede"}))
def test_whoever_gets_only_wrong_answers_backs_off_and_gives_up(persona: str) -> None:
    tally = Tally()
    moves = live(Visitor(Site(room="prefecture"), tally, Random(1), persona))
    outcome, pauses = carried_out(
        moves, Answer(status=500, headers={"retry-after": "40"}, sent_at=0.0, received_at=0.0)
    )
    assert outcome == "gave up"
    assert tally.errors == PATIENCE
    assert min(pauses) >= 40
