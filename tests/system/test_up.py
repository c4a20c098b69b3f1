"""`ecluse up` and `ecluse demo` as real processes: ready, restarted, stopped, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from ecluse.ports import accepts, free_ports, listening_socket
from tests.ecluse.cli.commands import CONFIGURATION, KEYS, clean_environment, ecluse
from tests.ecluse.small_programs import alive, descendants, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc"),
]
_OPENER = build_opener(ProxyHandler({}))


class Running:
    """An `ecluse` command in the background, with what it wrote to its info file."""

    def __init__(self, directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.info_file = directory / "info.json"
        self.log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ecluse", *arguments, "--info", str(self.info_file)],
            stdout=self.log, stderr=self.log, env=clean_environment({**(env or {}), "TMPDIR": str(directory)}),
            start_new_session=True,
        )  # fmt: skip

    def info(self) -> dict[str, Any]:
        """What the info file says, once it is there."""
        wait_until(lambda: self.info_file.exists() or self.process.poll() is not None, 60)
        assert self.info_file.exists(), self.said()
        told = json.loads(self.info_file.read_text())
        assert isinstance(told, dict)
        return told

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def family(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        with self.process, self.log:
            try:
                if self.process.poll() is None:
                    self.stop()
            finally:
                # Whatever hung: the next test must not find it.
                self.process.kill()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ecluse.toml"
    path.write_text(f'state_dir = "{tmp_path}/state"\n{CONFIGURATION}')
    return path


@pytest.fixture
def up(tmp_path: Path, config: Path) -> Iterator[Running]:
    running = Running(tmp_path, "up", "--config", str(config), "--port", "0", "--workers", "2", env=KEYS)
    yield running
    running.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    (port,) = free_ports(1)
    running = Running(tmp_path, "demo", "--port", str(port), "--crowd", "0", env={"ECLUSE_PORT": "1"})
    yield running
    running.close()


def get(url: str) -> tuple[int, str]:
    try:
        with _OPENER.open(url, timeout=10) as answer:
            return int(answer.status), answer.read().decode()
    except HTTPError as error:
        with error:
            return int(error.code), error.read().decode()


def test_up_is_ready_when_it_says_so_and_tells_no_key(up: Running) -> None:
    info = up.info()
    assert set(info) == {
        "visitor_url", "console_url", "operator_key", "origin_url", "redis_url", "metrics_urls", "room", "pids",
    }  # fmt: skip
    assert info["operator_key"] is None
    assert info["room"] == "sarcelles"
    assert info["visitor_url"].endswith("/sarcelles/")
    assert set(info["pids"]) == {"supervisor", "valkey", "worker", "gateway-0", "gateway-1"}
    assert all(alive(pid) for pid in info["pids"].values())
    base = info["visitor_url"].removesuffix("/sarcelles/")
    assert get(f"{base}/_ecluse/readyz")[0] == 200
    assert len(info["metrics_urls"]) == 3
    for url in info["metrics_urls"]:
        status, text = get(url)
        assert status == 200
        assert "process_cpu_seconds_total" in text
    assert KEYS["ECLUSE_TEST_OPERATOR"] not in up.info_file.read_text() + up.said()


def test_the_room_commands_work_against_a_real_gateway(up: Running) -> None:
    base = up.info()["visitor_url"].removesuffix("/sarcelles/")
    env = {"ECLUSE_URL": base, "ECLUSE_OPERATOR_KEY": KEYS["ECLUSE_TEST_OPERATOR"]}
    changed = ecluse("room", "set", "sarcelles", "pace_per_minute=90", "--reason", "more desks", env=env)
    assert changed.returncode == 0, changed.stderr
    shown = ecluse("room", "show", "sarcelles", env=env)
    assert shown.returncode == 0, shown.stderr
    assert "pace_per_minute      90" in shown.stdout
    assert "more desks" in shown.stdout
    picture = ecluse("room", "top", "--once", env=env)
    assert "sarcelles" in picture.stdout
    refused = ecluse("room", "set", "sarcelles", "mode=paused", env=env)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1


def test_what_dies_is_started_again_and_told(up: Running) -> None:
    killed = ("gateway-0", "worker", "valkey")
    before = up.info()["pids"]
    for name in killed:
        os.kill(before[name], signal.SIGKILL)

    def renewed() -> bool:
        now = up.info()["pids"]
        return set(now) == set(before) and all(now[name] != before[name] for name in killed)

    wait_until(renewed, 60)
    assert up.info()["pids"]["gateway-1"] == before["gateway-1"]
    base = up.info()["visitor_url"].removesuffix("/sarcelles/")
    wait_until(lambda: get(f"{base}/_ecluse/readyz")[0] == 200, 30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_takes_less_than_five_seconds_and_leaves_nothing(up: Running, number: signal.Signals) -> None:
    port = int(up.info()["redis_url"].rpartition(":")[2].removesuffix("/0"))
    family = up.family()
    began = time.monotonic()
    assert up.stop(number) == 0, up.said()
    assert time.monotonic() - began < 5
    assert not any(alive(pid) for pid in family)
    assert not accepts(port)
    assert "Traceback" not in up.said()


def test_a_killed_supervisor_leaves_nothing(up: Running) -> None:
    up.info()
    family = up.family()
    assert len(family) == 5
    up.process.kill()
    up.process.wait()
    wait_until(lambda: not any(alive(pid) for pid in family))


def test_a_second_one_with_the_same_state_directory_is_refused(up: Running, config: Path) -> None:
    up.info()
    ended = ecluse("up", "--config", str(config), "--port", "0", env=KEYS)
    assert ended.returncode == 1
    assert ended.stderr.startswith("ecluse: another ecluse runs with the state directory")


def test_a_taken_port_is_one_clear_line(config: Path) -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        for arguments in (["up", "--config", str(config)], ["demo", "--crowd", "0"]):
            ended = ecluse(*arguments, "--port", port, env=KEYS)
            assert ended.returncode == 1
            assert ended.stderr.splitlines() == [
                f"ecluse: port {port} is already taken: stop the program that uses it, or choose another with --port"
            ]


def test_the_demo_serves_its_sample_service_through_the_line(demo: Running, tmp_path: Path) -> None:
    info = demo.info()
    assert info["room"] == "prefecture"
    assert {"booking", "gateway-0", "worker", "valkey"} <= set(info["pids"])
    status, page = get(info["visitor_url"])
    assert status == 200
    assert "<html" in page
    assert get(info["origin_url"] + "/")[0] == 403
    env = {"ECLUSE_URL": info["visitor_url"], "ECLUSE_OPERATOR_KEY": info["operator_key"]}
    assert ecluse("room", "list", env=env).returncode == 0
    for told in (info["visitor_url"], info["console_url"], info["operator_key"], *info["metrics_urls"]):
        assert told in demo.said()
    family = demo.family()
    assert demo.stop(signal.SIGINT) == 0
    assert not any(alive(pid) for pid in family)
    assert "Traceback" not in demo.said()
    assert not list(tmp_path.glob("ecluse-demo-*"))


def test_a_demo_removes_what_a_killed_one_left(demo: Running, tmp_path: Path) -> None:
    left, strange = tmp_path / "ecluse-demo-killed", tmp_path / "ecluse-demo-not-ours"
    strange.mkdir()
    demo.info()
    demo.process.kill()
    demo.process.wait()
    (old,) = [path for path in tmp_path.glob("ecluse-demo-*") if path != strange]
    old.rename(left)
    demo.info_file.unlink()
    again = Running(tmp_path, "demo", "--port", str(free_ports(1)[0]), "--crowd", "0")
    try:
        again.info()
        assert not left.exists()
        assert strange.exists()
    finally:
        again.close()
