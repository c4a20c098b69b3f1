"""The systemd units: what systemd says of them, and what their ExecStart lines really start."""

import re
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from socket import create_connection, socket

import pytest

from ecluse.embedded import running_server
from ecluse.ports import accepts, free_ports, listening_socket
from tests.deploy.rig import HOST, needed, status_of
from tests.deploy.units import SYSTEMD, Machine, read, substituted

SERVICES = sorted(path.name for path in SYSTEMD.glob("*.service"))
# As in the units, and what stands in for them here.
PORTS = (8000, 9000, 9100, 9101, 9102)


@pytest.fixture
def ports() -> dict[int, int]:
    return dict(zip(PORTS, free_ports(len(PORTS)), strict=True))


@pytest.fixture
def machine(tmp_path: Path, ports: dict[int, int]) -> Iterator[Machine]:
    with running_server(tmp_path) as server:
        yield Machine(tmp_path, server.url, ports)


@pytest.fixture
def listening(ports: dict[int, int]) -> Iterator[socket]:
    """What systemd would hold for ecluse-gateway.socket."""
    with listening_socket("127.0.0.1", ports[8000]) as held:
        yield held


def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", in_ci=False)
    units = [str(path) for path in substituted(tmp_path)]
    # Instances are what systemd would load; a bare template is not a unit.
    units = [unit.replace("@.service", "@1.service") for unit in units]
    (tmp_path / "ecluse-gateway@1.service").symlink_to("ecluse-gateway@.service")
    checked = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    ours = [line for line in checked.stderr.splitlines() if "ecluse" in line]
    assert checked.returncode == 0, checked.stderr
    assert ours == []


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_exposed(name: str, tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", in_ci=False)
    substituted(tmp_path)
    checked = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", "--threshold=20", tmp_path / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    verdict = re.search(r"Overall exposure level.*: ([0-9.]+)", checked.stdout)
    assert verdict is not None, checked.stderr
    assert float(verdict.group(1)) <= 2.0, checked.stdout
    assert checked.returncode == 0


@pytest.mark.parametrize("name", SERVICES)
def test_a_wrong_configuration_is_not_started_again(name: str) -> None:
    service = read(name)["Service"]
    assert service["Restart"] == ["always"]
    assert service["RestartPreventExitStatus"] == ["2"]


def test_every_secret_of_the_configuration_is_loaded_by_the_units_that_need_it() -> None:
    wanted = set(re.findall(r'"file:([^"]+)"', (SYSTEMD / "ecluse.toml").read_text()))
    assert wanted
    for name in ("ecluse.service", "ecluse-gateway@.service"):
        loaded = {credential.partition(":")[0] for credential in read(name)["Service"]["LoadCredential"]}
        assert loaded == wanted, name
    assert read("ecluse-worker.service")["Service"]["LoadCredential"] == []


def test_gateways_take_the_socket_that_systemd_holds() -> None:
    held = read("ecluse-gateway.socket")["Socket"]
    assert held["ListenStream"] == ["127.0.0.1:8000"]
    service = read("ecluse-gateway@.service")
    assert service["Service"]["Sockets"] == ["ecluse-gateway.socket"]
    assert "--fd 3" in service["Service"]["ExecStart"][0]


@pytest.mark.slow
def test_the_parts_start_and_stop_as_the_units_say(machine: Machine, ports: dict[int, int], listening: socket) -> None:
    with (
        machine.service("ecluse-booking.service") as booking,
        machine.service("ecluse-worker.service") as worker,
        machine.service("ecluse-gateway@.service", instance="1", listening=listening) as gateway,
    ):
        booking.wait_for(lambda: accepts(ports[9000]))
        worker.wait_for(lambda: accepts(ports[9100]))
        gateway.wait_for(lambda: accepts(ports[9101]) and status_of(ports[8000]) == 200)
        assert status_of(ports[8000], "/") == 200
        assert gateway.stop() in (0, -15), gateway.said()
        assert worker.stop() == 0, worker.said()
        assert booking.stop() == 0, booking.said()


def test_a_visitor_who_comes_between_two_gateways_waits_and_is_served(
    machine: Machine, ports: dict[int, int], listening: socket
) -> None:
    visitor = HTTPConnection("127.0.0.1", ports[8000], timeout=30)
    try:
        visitor.request("GET", "/_ecluse/healthz", headers={"Host": HOST})
        with machine.service("ecluse-gateway@.service", instance="1", listening=listening):
            assert visitor.getresponse().status == 200
    finally:
        visitor.close()


def test_gateways_that_restart_one_by_one_refuse_nobody(
    machine: Machine, ports: dict[int, int], listening: socket
) -> None:
    with (
        machine.service("ecluse-gateway@.service", instance="1", listening=listening) as first,
        machine.service("ecluse-gateway@.service", instance="2", listening=listening) as second,
    ):
        first.wait_for(lambda: accepts(ports[9101]))
        second.wait_for(lambda: accepts(ports[9102]) and status_of(ports[8000]) == 200)
        first.stop()
        assert [status_of(ports[8000], "/_ecluse/healthz") for _ in range(30)] == [200] * 30


@pytest.mark.slow
def test_everything_on_one_machine_starts_and_stops_as_the_unit_says(machine: Machine, ports: dict[int, int]) -> None:
    with machine.service("ecluse-booking.service") as booking, machine.service("ecluse.service") as everything:
        booking.wait_for(lambda: accepts(ports[9000]))
        everything.wait_for(lambda: status_of(ports[8000]) == 200)
        assert status_of(ports[8000], "/") == 200
        assert everything.stop() == 0, everything.said()
        with pytest.raises(ConnectionRefusedError):
            create_connection(("127.0.0.1", ports[8000]))


def test_a_missing_secret_ends_a_gateway_with_status_2(
    tmp_path: Path, machine: Machine, ports: dict[int, int], listening: socket
) -> None:
    (tmp_path / "etc" / "secrets" / "signing-1").write_text("short\n")
    with machine.service("ecluse-gateway@.service", instance="1", listening=listening) as gateway:
        assert gateway.ended() == 2
        assert "signing_keys[0]" in gateway.said()
        assert not accepts(ports[9101])
