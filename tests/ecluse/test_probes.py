"""Probes against a real server that is sometimes ready."""

import asyncio
from pathlib import Path

import pytest

from ecluse.probes import FileProbe, HttpProbe, TcpProbe, within_time


async def test_probes_say_no_while_nobody_listens_and_yes_to_a_200() -> None:
    answers = [b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"garbage"]
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[len(asked) - 1])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    probe = HttpProbe(port=port, path="/readyz", host_header="rdv.example.fr")
    assert [await probe.holds() for _ in answers] == [False, True, False]
    assert b"\r\nHost: rdv.example.fr\r\n" in asked[0]
    server.close()
    await server.wait_closed()
    assert not await probe.holds()
    assert not await TcpProbe(port=port).holds()


async def test_a_file_probe_holds_once_the_file_is_there(tmp_path: Path) -> None:
    probe = FileProbe(path=tmp_path / "ready")
    assert not await probe.holds()
    (tmp_path / "ready").touch()
    assert await probe.holds()


async def test_a_tcp_probe_holds_while_somebody_listens() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    probe = TcpProbe(port=server.sockets[0].getsockname()[1])
    assert await probe.holds()
    server.close()
    await server.wait_closed()
    assert not await probe.holds()


@pytest.mark.parametrize("turns", range(5))
async def test_a_cancelled_probe_ends_even_if_the_answer_comes_at_the_same_moment(turns: int) -> None:
    """A supervisor that stops cancels its probes and waits for them: none may go on asking."""
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def asking() -> bool:
        return await answer

    probing = asyncio.create_task(within_time(asking()))
    await asyncio.sleep(0.01)
    answer.set_result(True)
    for _ in range(turns):
        await asyncio.sleep(0)
    answered_before = probing.done()
    probing.cancel()
    await asyncio.wait([probing])
    assert probing.cancelled() is not answered_before
