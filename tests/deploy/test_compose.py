"""The Compose example: linted and read, since nothing here runs containers."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ecluse.settings import parse
from tests.deploy.rig import DEPLOY, ROOT

COMPOSE = DEPLOY / "compose"


def example() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((COMPOSE / "compose.yaml").read_text())
    return found


def mounts(service: str) -> dict[str, Path]:
    """Path in the container → what is mounted there, for files of ours."""
    pairs = [volume.split(":") for volume in example()["services"][service]["volumes"]]
    return {pair[1]: (COMPOSE / pair[0]).resolve() for pair in pairs if pair[0].startswith(".")}


def test_it_follows_the_schema_of_compose() -> None:
    command = (
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE / "compose.yaml",
    )  # fmt: skip
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_file_it_mounts_is_there() -> None:
    for service in ("worker", "gateway", "nginx"):
        found = mounts(service)
        assert found
        assert [path for path in found.values() if not path.exists()] == []


def test_nginx_finds_every_file_it_includes() -> None:
    there = mounts("nginx")
    for included in ("upstream.conf", "listen.conf", "proxy.conf", "hold"):
        assert f"/etc/nginx/ecluse/{included}" in there
    assert "server gateway:8000 " in there["/etc/nginx/ecluse/upstream.conf"].read_text()


def test_its_configuration_is_right_and_its_secrets_are_those_that_are_mounted() -> None:
    settings = parse(tomllib.loads((COMPOSE / "ecluse.toml").read_text()))
    services = example()["services"]
    wanted = [*settings.signing_keys, settings.room[0].origin_key, settings.operator[0].key]
    assert {f"file:/run/secrets/{name}" for name in services["gateway"]["secrets"]} == set(wanted)
    assert set(example()["secrets"]) == set(services["gateway"]["secrets"])
    assert settings.room[0].origin == "http://booking:9000"
    assert f"--key={settings.room[0].origin_key}" in services["booking"]["command"]
    assert f"--room={settings.room[0].id}" in services["booking"]["command"]


def test_only_nginx_is_believed_about_addresses() -> None:
    settings = parse(tomllib.loads((COMPOSE / "ecluse.toml").read_text()))
    address = example()["services"]["nginx"]["networks"]["inside"]["ipv4_address"]
    assert settings.trusted_proxies == [f"{address}/32"]


def test_only_nginx_can_be_reached_from_outside() -> None:
    services = example()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert example()["networks"]["inside"]["internal"] is True
    assert [name for name, service in services.items() if "outside" in service["networks"]] == ["nginx"]


def test_redis_keeps_the_line() -> None:
    command = example()["services"]["redis"]["command"]
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


def test_what_the_image_copies_exists_and_is_sent_to_the_builder() -> None:
    lines = (COMPOSE / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    sent = (COMPOSE / "Dockerfile.dockerignore").read_text().splitlines()
    assert "templates" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in sent


def test_the_image_does_not_run_as_root() -> None:
    lines = (COMPOSE / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users[-1].isdigit()
    assert users[-1] != "0"
    assert f"chown {users[-1]} deploy/compose/secrets" in (DEPLOY / "README.md").read_text()
