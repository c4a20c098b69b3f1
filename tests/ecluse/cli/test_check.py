"""`ecluse check`, and how every command refuses a wrong configuration."""

from pathlib import Path

import pytest

from tests.ecluse.cli.commands import CONFIGURATION, KEYS, ecluse


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ecluse.toml"
    path.write_text(CONFIGURATION)
    return path


def test_a_right_configuration_is_summed_up(config: Path) -> None:
    ended = ecluse("check", "--config", str(config), env=KEYS)
    assert ended.returncode == 0, ended.stderr
    assert "room sarcelles: any host, /sarcelles/ -> http://127.0.0.1:9; 60 a minute" in ended.stdout
    assert "OK (1 signing key, 1 operator)" in ended.stdout


def test_the_configuration_may_be_named_by_a_variable(config: Path) -> None:
    assert ecluse("check", env={**KEYS, "ECLUSE_CONFIG": str(config)}).returncode == 0


def test_no_configuration_at_all_is_told() -> None:
    ended = ecluse("check")
    assert ended.returncode == 2, "nothing was named to check: bad usage"
    assert ended.stderr == "name the configuration: --config FILE or ECLUSE_CONFIG\n"


def test_every_missing_secret_is_a_line_of_its_own(config: Path) -> None:
    ended = ecluse("check", "--config", str(config))
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["signing_keys[0]", "room[0].origin_key", "operator[0].key"]


def test_every_mistake_of_the_file_is_a_line_of_its_own(config: Path) -> None:
    config.write_text(CONFIGURATION.replace('paths = ["/sarcelles/"]', 'paths = ["sarcelles"]\npaec = 3'))
    ended = ecluse("check", "--config", str(config), env=KEYS)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 2
    assert "room[0].paec: unknown key" in ended.stderr


def test_secrets_that_cannot_be_read_are_told_together_with_the_mistakes_of_the_file(config: Path) -> None:
    wrong = CONFIGURATION.replace("env:ECLUSE_TEST_OPERATOR", "written here by mistake")
    assert wrong != CONFIGURATION
    config.write_text(wrong.replace('paths = ["/sarcelles/"]', 'paths = ["sarcelles"]\npaec = 3'))
    ended = ecluse("check", "--config", str(config))
    assert ended.returncode == 1
    told = {line.split(":")[0] for line in ended.stderr.splitlines()}
    assert told == {
        "room[0].paths", "room[0].paec", "signing_keys[0]", "room[0].origin_key", "operator[0].key",
    }  # fmt: skip
    assert "written here" not in ended.stderr


@pytest.mark.parametrize("command", ["up", "gateway", "worker"])
def test_nothing_is_started_with_a_wrong_configuration(command: str, config: Path) -> None:
    ended = ecluse(command, "--config", str(config))
    assert ended.returncode == 2
    assert "signing_keys[0]: set the variable ECLUSE_TEST_KEY" in ended.stderr


@pytest.mark.parametrize("command", ["gateway", "worker"])
def test_an_embedded_server_cannot_be_shared_between_machines(command: str, config: Path) -> None:
    ended = ecluse(command, "--config", str(config), env=KEYS)
    assert ended.returncode == 2
    assert "embedded:// works with `ecluse up` only" in ended.stderr


def test_help_names_every_command() -> None:
    ended = ecluse("--help")
    assert ended.returncode == 0
    for command in ("demo", "up", "gateway", "worker", "booking", "check", "room", "pass"):
        assert f" {command} " in ended.stdout


def test_an_unknown_command_is_bad_usage() -> None:
    assert ecluse("dmeo").returncode == 2


def test_the_secrets_of_messages_are_checked_too_and_never_shown(config: Path) -> None:
    notify = '[room.notify]\nsmtp = "env:ECLUSE_TEST_SMTP"\nsender = "a@example.org"\n\n[[operator]]'
    config.write_text(CONFIGURATION.replace("[[operator]]", notify))
    for url, told in ((None, "set the variable ECLUSE_TEST_SMTP"), ("http://u:hunter2@mx", "write it as smtp://")):
        ended = ecluse("check", "--config", str(config), env=KEYS | ({} if url is None else {"ECLUSE_TEST_SMTP": url}))
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"room[0].notify.smtp: {told}")
        assert "hunter2" not in ended.stderr
    right = ecluse("check", "--config", str(config), env=KEYS | {"ECLUSE_TEST_SMTP": "smtps://u:p@mx.example.org"})
    assert right.returncode == 0, right.stderr
