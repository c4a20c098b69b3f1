"""deploy/redis: a server that really runs with it, and a gateway and worker that need nothing it does not allow."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis

import ecluse.store
from ecluse.embedded import find_server
from ecluse.ports import accepts, free_ports
from tests.deploy.rig import DEPLOY, OPERATOR_KEY, replaced, running, running_stack
from tests.deploy.test_fronts import HTML, at

CONFIGURATION = DEPLOY / "redis" / "ecluse.conf"
PASSWORD = "not-a-secret-outside-this-test"
MARKS = ("#SHA256-OF-THE-PASSWORD-OF-ECLUSE", "#SHA256-OF-THE-PASSWORD-OF-ADMIN")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A server with our settings and two passwords."""
    (port,) = free_ports(1)
    digest = f"#{hashlib.sha256(PASSWORD.encode()).hexdigest()}"
    config = tmp_path / "redis.conf"
    text = replaced(CONFIGURATION.read_text(), *((mark, digest) for mark in MARKS))
    config.write_text(f"{text}\nport {port}\ndir {tmp_path}\n")
    with running((str(find_server()), str(config)), tmp_path / "redis.log") as server:
        server.wait_for(lambda: accepts(port))
        yield port


@pytest.fixture
def admin(port: int) -> Iterator["redis.Redis"]:
    with redis.Redis(port=port, username="admin", password=PASSWORD, decode_responses=True) as client:
        yield client


def test_as_it_comes_it_does_not_start_for_there_is_no_default_password(tmp_path: Path) -> None:
    tried = subprocess.run(
        [find_server(), CONFIGURATION, "--port", "0", "--dir", tmp_path], capture_output=True, text=True, timeout=20,
        check=False,
    )  # fmt: skip
    assert tried.returncode == 1
    assert "SHA256-OF-THE-PASSWORD" in tried.stdout + tried.stderr


def test_nothing_is_evicted_and_every_change_is_on_disk_within_a_second(admin: "redis.Redis") -> None:
    assert admin.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert admin.config_get("append*") | {"appendonly": "yes", "appendfsync": "everysec"} == admin.config_get("append*")
    assert admin.config_get("maxmemory")["maxmemory"] == str(2**30)


def test_without_a_password_nothing_is_told(port: int) -> None:
    with redis.Redis(port=port) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
        ("KEYS", "*"),
        ("EVAL", "return 1", "0"),
        ("MODULE", "LIST"),
        ("DEBUG", "SLEEP", "1"),
        ("GET", "somebody:else"),
        ("ACL", "LIST"),
    ],
)
def test_the_user_of_the_gateways_may_not(admin: "redis.Redis", command: tuple[str, ...]) -> None:
    verdict = str(admin.acl_dryrun("ecluse", *command))
    assert re.search("no permissions|has no perm", verdict), verdict


def _used() -> set[str]:
    """Every command that a script or the store's own code names."""
    store = Path(ecluse.store.__file__).parent
    by_scripts = [re.findall(r"redis\.p?call\(\s*'(\w+)'", each.read_text()) for each in store.rglob("*.lua")]
    by_code = [re.findall(r"command\(\s*\"([A-Z]+)\"", each.read_text()) for each in store.rglob("*.py")]
    return {name for names in (*by_scripts, *by_code) for name in names}


def test_the_user_of_the_gateways_may_run_every_command_that_is_used(admin: "redis.Redis") -> None:
    used = _used()
    assert {"ZADD", "BITFIELD", "UNLINK", "XREVRANGE", "PEXPIRE"} <= used, "the commands are no longer found"
    refused = {}
    for name in used:
        described: Any
        [described] = admin.execute_command("COMMAND INFO", name)  # type: ignore[no-untyped-call]
        needs = abs(described[1])  # its arity, the name included
        verdict = admin.acl_dryrun("ecluse", name, *["ecluse:{x}:1"] * (needs - 1))
        if verdict != "OK":
            refused[name] = verdict
    assert refused == {}


async def test_gateway_and_worker_need_nothing_more(port: int, admin: "redis.Redis", tmp_path: Path) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    url = f"redis://ecluse:{PASSWORD}@127.0.0.1:{port}/0"
    with running_stack(tmp_path, url) as stack:
        here, room = stack.gateway, "/_ecluse/rooms/attente"
        api = "/_ecluse/api/v1/rooms/attente"
        async with aiohttp.ClientSession(headers={"Host": "rdv.example.fr"}) as visitor:
            statuses = {}
            for name, method, path, options in (
                ("admitted", "GET", "/page", {"headers": HTML}),
                ("joined", "POST", f"{room}/tickets", {"json": {}}),
                ("early", "POST", f"{room}/claim", {}),
                ("left", "DELETE", f"{room}/ticket", {}),
                ("changed", "PATCH", api, {"json": {"pace_per_minute": 5}, "headers": operator}),
                ("journal", "GET", f"{api}/journal", {"headers": operator}),
                ("slots", "PUT", f"{api}/slots-left", {"json": {"slots_left": 3}, "headers": operator}),
                ("rooms", "GET", "/_ecluse/api/v1/rooms", {"headers": operator}),
                ("ready", "GET", "/_ecluse/readyz", {}),
            ):
                async with visitor.request(method, at(here, path), **options) as answer:
                    statuses[name] = answer.status
                    if name == "joined":
                        token = (await answer.json())["ticket"]
                        visitor.headers["Authorization"] = f"Bearer {token}"
        assert statuses == {
            "admitted": 200, "joined": 201, "early": 425, "left": 204, "changed": 200, "journal": 200, "slots": 204,
            "rooms": 200, "ready": 200,
        }  # fmt: skip
        assert admin.acl_log() == []
        assert {key.partition(":")[0] for key in admin.scan_iter()} == {"ecluse"}


def test_the_example_address_names_the_user_of_the_file() -> None:
    assert re.search(r"^user ecluse on ", CONFIGURATION.read_text(), re.MULTILINE)
    assert "redis://ecluse:" in (DEPLOY / "README.md").read_text()
