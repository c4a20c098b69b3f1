"""What an operator configures: every mistake told at once with its path, every secret read or complained about."""

import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ecluse.settings import ConfigurationError, load, parse, read_secret, secrets

ROOT = Path(__file__).resolve().parents[2]
LONG = "a secret that is long enough"
ROOM: dict[str, Any] = {"id": "sarcelles", "origin": "http://127.0.0.1:9000", "origin_key": "env:ORIGIN_KEY"}
LEAST: dict[str, Any] = {"signing_keys": ["env:SIGNING_KEY"], "room": [ROOM]}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ECLUSE_")]:
        monkeypatch.delenv(name)


def table(*rooms: dict[str, Any], **top: Any) -> dict[str, Any]:
    """The least configuration, with these rooms (each the least and more) and top-level settings instead."""
    out = deepcopy(LEAST)
    if rooms:
        out["room"] = [{**ROOM, **room} for room in rooms]
    return {**out, **top}


def _toml(room: dict[str, Any]) -> str:
    return "".join(f"{name} = '{value}'\n" for name, value in room.items())


def mistakes(found: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        parse(found)
    return refusal.value.mistakes


def test_the_least_configuration_takes_every_default() -> None:
    settings = parse(LEAST)
    assert settings.room[0].paths == ["/"]
    assert [lane.id for lane in settings.room[0].lane] == ["main"]
    assert settings.secure is False
    assert parse(table(public_url="https://rdv.example.fr/")).public_url == "https://rdv.example.fr"


def test_all_mistakes_are_told_together_each_with_its_path() -> None:
    told = mistakes(
        table(
            {"pace_per_minute": 0, "burst": "many", "origin": "ftp://x", "paths": ["sarcelles"], "speed": 3},
            {"id": "Two Words", "hosts": ["RDV.example.fr"], "lane": [{"id": "main", "weight": 0}]},
            {"id": "evry", "session_seconds": 600, "session_max_seconds": 60},
            port=70_000,
            redis_url="http://x",
            public_url="rdv.example.fr",
            trusted_proxies=["10.0.0.1/8"],
            prot=1,
            operator=[{"name": "", "role": "king", "key": "env:X"}],
        )
    )
    paths = {line.partition(":")[0] for line in told}
    assert paths == {
        "port", "redis_url", "public_url", "trusted_proxies", "prot", "room[0].pace_per_minute", "room[0].burst",
        "room[0].origin", "room[0].paths", "room[0].speed", "room[1].id", "room[1].hosts", "room[1].lane[0].weight",
        "room[2].session_max_seconds", "operator[0].name", "operator[0].role",
    }  # fmt: skip
    assert all("\n" not in line and "pydantic" not in line for line in told)


def test_rooms_that_overlap_are_told_beside_the_other_mistakes() -> None:
    told = mistakes(table({"id": "a"}, {"id": "b"}, port=0))
    assert len(told) == 2
    assert any(line.startswith("port:") for line in told)
    assert any("'a' and 'b' both claim /" in line for line in told)


@pytest.mark.parametrize(
    "found", [table(colour=1), table({"colour": 1}), table({"lane": [{"id": "main", "colour": 1}]}),
              table(operator=[{"name": "x", "key": "env:X", "colour": 1}])],
)  # fmt: skip
def test_an_unknown_key_is_refused_on_every_level(found: dict[str, Any]) -> None:
    (told,) = mistakes(found)
    assert re.fullmatch(r"(\S+\.)?colour: unknown key \(got 1\)", told)


def test_what_is_missing_is_named() -> None:
    assert mistakes({}) == ["signing_keys: is missing", "room: is missing"]
    assert mistakes({**LEAST, "room": [{}]}) == [
        "room[0].id: is missing", "room[0].origin: is missing", "room[0].origin_key: is missing",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["redis://h", "rediss://h", "unix:///s", "redis+sentinel://h/m", "redis+cluster://h",
                                   "embedded://"])  # fmt: skip
def test_every_documented_way_to_redis_is_taken(value: str) -> None:
    assert parse(table(redis_url=value)).redis_url == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pace_per_minute", 0.09), ("pace_per_minute", 100_001), ("pace_per_minute", float("nan")),
        ("pace_per_minute", float("inf")), ("burst", 0), ("burst", 1.5), ("capacity", -1), ("session_seconds", 29),
        ("visit_requests_per_minute", -1), ("visit_requests_per_minute", 100_001), ("visit_requests_per_minute", 2.5),
        ("claim_seconds", 4), ("claim_seconds", 3601), ("line_max", 0), ("mode", "Open"), ("on_store_failure", "fail"),
        ("origin_timeout_seconds", 0), ("body_max_bytes", -1), ("lane", []), ("paths", []), ("title", "text"),
        ("lane", [{"id": "a"}, {"id": "a"}]), ("id", "a_b"), ("id", ""), ("id", "a" * 41), ("id", "a\n"), ("id", "é"),
        ("origin", "127.0.0.1:9000"), ("origin", "http://"), ("origin", "http://h/path"), ("origin", "http://h?q"),
    ],
)  # fmt: skip
def test_a_room_setting_out_of_its_range_is_refused(field: str, value: object) -> None:
    (told,) = mistakes(table({field: value}))
    assert told.startswith("room[0]")


@pytest.mark.parametrize("path", ["/", "/sarcelles", "/sarcelles/", "/a/b/c/", "/a-b_c.d+e/", "/a,b/@c/"])
def test_a_plain_absolute_path_is_taken(path: str) -> None:
    assert parse(table({"paths": [path]})).room[0].paths == [path]


@pytest.mark.parametrize(
    "path",
    ["", "a/", "//", "/a//b", "/a b", "/a?b", "/a#b", "/a%2fb", "/a\\b", "/é/", "/a;b", "/a\n", "http://h/",
     "/_ecluse/", "/_ecluse", "/a/../b/", "/./", "/.."],
)  # fmt: skip
@pytest.mark.parametrize("field", ["paths", "open_paths"])
def test_a_path_that_no_request_could_have_is_refused(field: str, path: str) -> None:
    (told,) = mistakes(table({field: [path]}))
    assert told.startswith(f"room[0].{field}: ")


def test_a_long_path_with_a_typing_error_is_refused_at_once() -> None:
    # Run apart: a pattern that tries every way to split the path would never come back.
    program = f"from ecluse.settings import RoomSettings as R\nR(**{ROOM!r}, paths=['/{'a' * 60} '])"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=10, capture_output=True, check=False)
    assert b"is not a plain absolute path" in ended.stderr


@pytest.mark.parametrize("host", ["rdv.example.fr", "rdv.example.fr:8443", "localhost", "10.0.0.1"])
def test_a_lower_case_host_with_or_without_port_is_taken(host: str) -> None:
    assert parse(table({"hosts": [host]})).room[0].hosts == [host]


@pytest.mark.parametrize("host", ["", "RDV.example.fr", "https://rdv.example.fr", "a b", "-a", "a-", "*", "a@b", "a:b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    (told,) = mistakes(table({"hosts": [host]}))
    assert told.startswith("room[0].hosts: ")


def test_two_rooms_of_one_name_are_refused() -> None:
    (told,) = mistakes(table({"paths": ["/a/"]}, {"paths": ["/b/"]}))
    assert "two rooms are called 'sarcelles'" in told


@pytest.mark.parametrize(
    ("first", "second", "claimed"),
    [
        ({"paths": ["/a/"]}, {"paths": ["/b/", "/a/"]}, "/a/"),
        ({"paths": ["/a"]}, {"paths": ["/a/"]}, "/a"),
        ({"hosts": ["x.fr"]}, {"hosts": ["y.fr", "x.fr"]}, "x.fr/"),
    ],
)
def test_two_rooms_for_one_address_are_refused(first: dict[str, Any], second: dict[str, Any], claimed: str) -> None:
    (told,) = mistakes(table({"id": "one", **first}, {"id": "two", **second}))
    assert "'one'" in told
    assert "'two'" in told
    assert claimed in told


def test_rooms_that_share_nothing_or_only_a_beginning_are_taken() -> None:
    parse(table({"id": "a", "paths": ["/"]}, {"id": "b", "paths": ["/b/"]}, {"id": "c", "paths": ["/b/c/"]}))
    parse(table({"id": "a", "hosts": ["a.fr"]}, {"id": "b", "hosts": ["b.fr"]}, {"id": "c"}))


def test_cookies_are_secure_however_https_is_written() -> None:
    assert parse(table(public_url="https://rdv.example.fr")).secure
    assert parse(table(public_url="HTTPS://rdv.example.fr")).secure


def test_a_variable_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECLUSE_PORT", "9001")
    monkeypatch.setenv("ECLUSE_REDIS_URL", "redis://elsewhere:6379/0")
    monkeypatch.setenv("ECLUSE_TRUSTED_PROXIES", '["10.0.0.0/8"]')
    monkeypatch.setenv("ECLUSE_HOST", "")
    monkeypatch.setenv("ECLUSE_KEY_2026", LONG)
    settings = parse(table(port=8000))
    assert (settings.port, settings.redis_url) == (9001, "redis://elsewhere:6379/0")
    assert [str(network) for network in settings.networks] == ["10.0.0.0/8"]
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [("ECLUSE_PORT", "many", "port"), ("ECLUSE_TRUSTED_PROXIES", "10.0.0.0/8", "trusted_proxies"),
     ("ECLUSE_ROOM", "sarcelles", "room")],
)  # fmt: skip
def test_a_wrong_variable_is_told_like_any_mistake(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, path: str
) -> None:
    monkeypatch.setenv(name, value)
    assert any(line.startswith(path) for line in mistakes(LEAST))


def test_a_secret_is_read_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"  {LONG}\n", encoding="utf-8")
    assert read_secret("env:KEY", {"KEY": LONG}) == LONG
    assert read_secret(f"file:{file}", {}) == LONG


@pytest.mark.parametrize("reference", [LONG, "env:", "file:", "", "vault:x", "env", "ENV:KEY"])
def test_a_secret_written_in_the_file_is_refused_without_repeating_it(reference: str) -> None:
    with pytest.raises(ValueError, match="env:NAME or file:/path") as refusal:
        read_secret(reference, {"KEY": LONG})
    assert LONG not in str(refusal.value)


def test_every_secret_that_is_missing_or_short_is_told_at_once(tmp_path: Path) -> None:
    settings = parse(
        table(
            {"origin_key": f"file:{tmp_path / 'none'}"},
            signing_keys=["env:GOOD", "env:GONE", "env:SHORT"],
            operator=[{"name": "a", "key": "env:EMPTY"}],
        )
    )
    with pytest.raises(ConfigurationError) as refusal:
        secrets(settings, {"GOOD": LONG, "SHORT": "fifteen letters", "EMPTY": ""})
    told = refusal.value.mistakes
    assert [line.partition(": ")[0] for line in told] == [
        "signing_keys[1]", "signing_keys[2]", "room[0].origin_key", "operator[0].key",
    ]  # fmt: skip
    assert "set the variable GONE" in told[0]
    assert "shorter than 16" in told[1]
    assert "fifteen" not in "".join(told)
    assert "No such file" in told[2]


def test_secrets_come_back_under_the_names_of_their_rooms() -> None:
    found = secrets(parse(LEAST), {"SIGNING_KEY": LONG, "ORIGIN_KEY": LONG + "!"})
    assert found.signing_keys == [LONG]
    assert found.origin_keys == {"sarcelles": LONG + "!"}
    assert found.operator_keys == []


@pytest.mark.parametrize(
    ("found", "secret"),
    [
        (table(signing_keys=LONG), LONG),
        (table(redis_url=f"redid://:{LONG.replace(' ', '')}@h"), LONG.replace(" ", "")),
        (table({"origin": f"http://u:{LONG.replace(' ', '')}@h/path"}), LONG.replace(" ", "")),
    ],
    ids=["signing key", "password of Redis", "password of the origin"],
)
def test_a_secret_in_the_wrong_place_is_not_repeated_in_the_mistake(found: dict[str, Any], secret: str) -> None:
    assert secret not in "".join(mistakes(found))


def test_a_file_that_is_absent_or_not_toml_is_told_plainly(tmp_path: Path) -> None:
    absent, broken, latin = tmp_path / "absent.toml", tmp_path / "broken.toml", tmp_path / "latin.toml"
    broken.write_text("port = = 1", encoding="utf-8")
    latin.write_bytes("title = 'séjour'".encode("latin-1"))
    for path, why in ((absent, "No such file"), (broken, "not TOML"), (latin, "not TOML")):
        with pytest.raises(ConfigurationError, match=why) as refusal:
            load(path)
        assert str(path) in str(refusal.value)


def test_a_configuration_nobody_named_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="--config FILE or ECLUSE_CONFIG"):
        load(None, {})
    file = tmp_path / "ecluse.toml"
    file.write_text(f"signing_keys = ['env:K']\n[[room]]\n{_toml(ROOM)}", encoding="utf-8")
    assert load(None, {"ECLUSE_CONFIG": str(file)}).room[0].id == "sarcelles"
    monkeypatch.setenv("ECLUSE_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match="--config FILE or ECLUSE_CONFIG"):
        load(None, {})
