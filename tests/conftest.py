"""Shared by every test: one private Valkey per test process, emptied before each test that asks for it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecluse.embedded import EmbeddedServer, running_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A private server without persistence, gone with the test process. xdist: one per worker."""
    with running_server(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedServer) -> str:
    """The address of the private server, with nothing in it: no key, function or script."""
    with socket.create_connection(("127.0.0.1", redis_server.port), 5) as connection:
        connection.sendall(b"FLUSHALL\r\nFUNCTION FLUSH\r\nSCRIPT FLUSH\r\n")
        answer = b""
        while answer.count(b"\r\n") < 3:
            answer += connection.recv(4096) or pytest.fail("the private server hung up")
    assert answer == b"+OK\r\n" * 3, answer
    return redis_server.url
