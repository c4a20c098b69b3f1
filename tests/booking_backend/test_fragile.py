"""Fragile mode falls over by what it runs out of: workers, connections, time. One process each, no crowd needed."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from booking_backend.fragile import Limits
from tests.booking_backend.test_process import backend, status_of
from tests.ecluse.small_programs import wait_until

CALM = ("--fragile", "--workers", "4", "--connections", "4", "--request-seconds", "60")


@contextmanager
def fragile(database: Path, *options: str) -> Iterator[tuple[int, int]]:
    with backend(database, *CALM, *options) as (process, port):
        yield process.pid, port


def processor_seconds(pid: int) -> float:
    """What a process has used so far (proc(5), stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def many(port: int, count: int) -> list[int]:
    """The statuses of `count` requests sent at once."""
    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(lambda _: status_of(port, "/healthz", {}), range(count)))


def test_a_calm_visitor_is_served_and_each_request_costs_its_processor_time(database: Path) -> None:
    with fragile(database, "--cost-ms", "40") as (process, port):
        before = processor_seconds(process)
        assert [status_of(port, "/healthz", {}) for _ in range(10)] == [200] * 10
        assert processor_seconds(process) - before >= 10 * 0.035
        assert status_of(port, "/", {}) == 403


def test_it_answers_forms_and_closes_each_connection(database: Path) -> None:
    with fragile(database, "--cost-ms", "0") as (_, port):
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(
            "POST", "/holds", body=iter([b"slot=", b"1"]), headers={"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
        answer = connection.getresponse()
        assert answer.status == 403
        assert answer.getheader("connection") == "close"
        assert b"waiting room" in answer.read()
        connection.close()


def test_without_a_database_connection_free_in_time_it_fails(database: Path) -> None:
    options = ("--connections", "1", "--connection-wait-seconds", "0.05", "--cost-ms", "500")
    with fragile(database, *options) as (_, port):
        assert set(many(port, 4)) == {200, 500}
        assert status_of(port, "/healthz", {}) == 200


SCARCE = ("--connections", "1", "--connection-wait-seconds", "0.05", "--cost-ms", "50", "--request-seconds", "0.001")


def test_a_request_too_long_is_a_timeout_whose_connection_stays_lost_for_a_while(database: Path) -> None:
    with fragile(database, *SCARCE, "--connection-idle-seconds", "2") as (_, port):
        assert status_of(port, "/healthz", {}) == 504
        wait_until(lambda: status_of(port, "/healthz", {}) == 500, 30)
        wait_until(lambda: status_of(port, "/healthz", {}) == 504, 30)


def test_a_restart_brings_lost_connections_back_at_once(database: Path) -> None:
    with fragile(database, *SCARCE, "--connection-idle-seconds", "600") as (_, port):
        assert [status_of(port, "/healthz", {}) for _ in range(3)] == [504, 500, 500]
    with fragile(database, "--connections", "1") as (_, port):
        assert status_of(port, "/healthz", {}) == 200


def test_with_every_worker_busy_and_the_queue_full_new_connections_get_no_answer(database: Path) -> None:
    with fragile(database, "--workers", "1", "--backlog", "1", "--cost-ms", "0") as (_, port):
        assert status_of(port, "/healthz", {}) == 200
        opened = [socket.socket() for _ in range(6)]
        try:
            unanswered = 0
            for each in opened:  # each says nothing: the one worker waits for the first, the rest wait for the worker
                each.settimeout(1)
                try:
                    each.connect(("127.0.0.1", port))
                except TimeoutError:
                    unanswered += 1
            assert 1 <= unanswered <= 4
        finally:
            for each in opened:
                each.close()
        wait_until(lambda: status_of(port, "/healthz", {}) == 200, 30)


def test_a_body_too_long_or_a_request_that_is_none_ends_the_connection(database: Path) -> None:
    with fragile(database, "--cost-ms", "0") as (_, port):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
            raw.sendall(b"no request\r\n\r\n")
            assert raw.recv(100) == b""
        assert status_of(port, "/healthz", {}) == 200


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="workers"):
        Limits(workers=0)
    with pytest.raises(ValueError, match="cost-ms"):
        Limits(cost_ms=-1)
