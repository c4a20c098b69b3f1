"""Workers and gateways die: what they did not do is done by another, and nothing they knew was needed."""

import signal

from tests.ecluse.small_programs import until
from tests.faults.conftest import OpenBroken
from tests.gateway.visitor import ROOM


async def test_without_a_worker_joins_and_claims_go_on_and_calls_resume_with_the_next(open_broken: OpenBroken) -> None:
    broken = await open_broken(capacity=2)
    called, inside = await broken.waiting(), await broken.waiting()
    await broken.reaches(called, "called")
    await broken.reaches(inside, "called")
    assert (await inside.claim()).status == 200
    broken.kill("worker")
    assert (await called.claim()).status == 200
    late = await broken.waiting()
    assert (await late.get(f"{ROOM}/ticket")).json()["ahead"] == 0
    assert (await late.claim()).problem == "not-called"
    assert (await inside.get("/done")).body == b"ok"
    assert (await broken.program().get("/_ecluse/readyz")).status == 200, "visitors are still served"
    assert await late.state() == "waiting"
    await broken.start_worker()
    await broken.reaches(late, "called")
    assert (await late.claim()).status == 200


async def test_of_two_workers_one_may_die_unnoticed(open_broken: OpenBroken) -> None:
    broken = await open_broken()
    await broken.start_worker("second")
    inside = await broken.admitted()
    waiting = await broken.waiting()
    broken.kill("worker")
    assert (await inside.get("/done")).body == b"ok"
    await broken.reaches(waiting, "called", 5)


async def test_a_worker_told_to_end_does_so_in_order(open_broken: OpenBroken) -> None:
    broken = await open_broken()
    await broken.board_says(lambda board: board["at_ms"] > 0)
    assert broken.kill("worker", signal.SIGTERM) == 0
    # uvicorn closes everything in order, then ends by the signal it was sent.
    assert broken.kill("gateway0", signal.SIGTERM) in (0, -signal.SIGTERM)
    for name in ("worker", "gateway0"):
        assert "Traceback" not in broken.log_of(name)


async def test_a_new_configuration_ends_a_worker_and_a_wrong_one_does_not(open_broken: OpenBroken) -> None:
    broken = await open_broken()
    await broken.board_says(lambda board: board["at_ms"] > 0)
    right = broken.config.read_text(encoding="utf-8")
    broken.config.write_text(right.replace("pace_per_minute", "pace_per_minuet"), encoding="utf-8")
    broken.running["worker"].send_signal(signal.SIGHUP)
    await until(lambda: "configuration_refused" in broken.log_of("worker"))
    assert broken.running["worker"].poll() is None
    broken.config.write_text(right, encoding="utf-8")
    assert broken.kill("worker", signal.SIGHUP) == 0
    assert "configuration_changed" in broken.log_of("worker")


async def test_a_gateway_that_dies_takes_nothing_with_it(open_broken: OpenBroken) -> None:
    broken = await open_broken()
    await broken.start_gateway(1)
    inside, waiting = await broken.admitted(), await broken.waiting()
    broken.kill("gateway0")
    inside, waiting = inside.twin(broken.ports[1]), waiting.twin(broken.ports[1])
    assert (await inside.get("/rdv")).body == b"ok"
    assert (await waiting.join()).status == 200
    assert (await inside.get("/done")).body == b"ok"
    await broken.reaches(waiting, "called")
    assert (await waiting.claim()).status == 200
