"""What several tables of a configuration refuse, before anything starts with it: all of a list at once, with words."""

from pathlib import Path
from typing import Any

import pytest

from ecluse.checks import check_redis_url, origin_parts
from ecluse.settings import ConfigurationError, load, parse

ROOM: dict[str, Any] = {"id": "sarcelles", "origin": "http://127.0.0.1:9000", "origin_key": "env:ORIGIN_KEY"}
LEAST: dict[str, Any] = {"signing_keys": ["env:SIGNING_KEY"], "room": [ROOM]}


def mistakes(found: dict[str, Any], environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        parse(found, environ)
    return refusal.value.mistakes


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("paths", ["b", "/a//b/", "/x/../y/"]), ("open_paths", ["/q?x", "/é/"]), ("hosts", ["UPPER", "a b", "x:99999"]),
        ("lane", [{"id": "main", "paths": ["a", "/b;c"]}]),
        ("opening", {"weekly": {"mon": ["9-12", "09:00-09:00"], "tue": ["25:00-26:00"]}}),
        ("opening", {"weekly": {"mon": ["09:00-12:00"]}, "exceptions": {"25.12.2026": [], "2026-02-30": []}}),
    ],
)  # fmt: skip
def test_all_that_is_wrong_in_a_list_of_a_room_is_told_at_once(field: str, wrong: Any) -> None:
    (told,) = mistakes({**LEAST, "room": [{**ROOM, field: wrong}]}, {})
    assert told.startswith(f"room[0].{field}")
    for text in wrong if field in ("paths", "open_paths", "hosts") else _leaves(wrong):
        assert text in told


def _leaves(wrong: Any) -> list[str]:
    if isinstance(wrong, list):
        return [path for lane in wrong for path in lane["paths"]]
    return list(wrong.get("exceptions", {})) or [text for hours in wrong["weekly"].values() for text in hours]


def test_all_networks_that_are_none_are_told_at_once() -> None:
    (told,) = mistakes({**LEAST, "trusted_proxies": ["10.0.0.0/8", "10.0.0.0/33", "x"]}, {})
    assert told.startswith("trusted_proxies: ")
    assert "'10.0.0.0/33'" in told
    assert "'x'" in told


def test_a_list_in_a_variable_that_is_no_list_does_not_hide_that_of_the_file() -> None:
    (told,) = mistakes(LEAST, {"ECLUSE_SIGNING_KEYS": "env:ONE"})
    assert told.startswith("signing_keys: the variable ECLUSE_SIGNING_KEYS is not JSON")


def test_settings_that_do_not_fit_together_are_told_beside_all_other_mistakes() -> None:
    room = {**ROOM, "burst": 0, "session_seconds": 600, "session_max_seconds": 60, "lane": [{"id": "a", "open": False}]}
    told = mistakes(
        {**LEAST, "host": "", "room": [room, {**ROOM, "id": "evry", "paths": [], "session_seconds": 7200}]}, {}
    )
    assert [line.partition(":")[0] for line in told] == [
        "host", "room[0].burst", "room[0].session_max_seconds", "room[0].lane", "room[1].paths",
        "room[1].session_max_seconds",
    ]  # fmt: skip


def test_a_file_nested_too_deep_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(ConfigurationError, match="not TOML"):
        load(tmp_path / "e.toml", {})


@pytest.mark.parametrize(
    "url",
    [
        "redis://h", "redis://h/", "redis://h:6379/15", "redis://:p,w@h/0", "redis://u:p@[::1]:6379/0?protocol=2",
        "rediss://h:1", "unix:///run/redis.sock?db=3", "redis+sentinel://a:1,b:2/m", "redis+sentinel://a,[::1]:2/m/3",
        "redis+cluster://:p@a:1,b:2", "embedded://",
    ],
)  # fmt: skip
def test_an_address_that_leads_to_redis_is_taken(url: str) -> None:
    check_redis_url(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "use redis://"), ("http://h", "use redis://"), ("redis:h", "use redis://"), ("redis://h:99999", "a port"),
        ("redis://h:0", "a port"), ("redis://h:x/0", "a port"), ("redis+sentinel://a:1,b:x/m", "a port"),
        ("redis+cluster://a:70000", "a port"), ("redis://h/zero", "the database"), ("redis+sentinel://h/m/x", "the database"),
        ("redis://a:1,b:2/0", "several hosts"),
    ],
)  # fmt: skip
def test_an_address_that_no_client_could_use_is_refused_before_anything_starts(url: str, words: str) -> None:
    (told,) = mistakes({**LEAST, "redis_url": url}, {})
    assert told.startswith("redis_url: ")
    assert words in told


@pytest.mark.parametrize("url", ["http://h", "https://h/", "http://127.0.0.1:9000", "http://[::1]:9000"])
def test_scheme_host_and_port_make_an_origin(url: str) -> None:
    assert origin_parts(url) is not None


@pytest.mark.parametrize(
    "url", ["", "h:1", "ftp://h", "http://", "http://h/a", "http://h?a", "http://h#a", "http://h:99999", "http://h:0",
            "http://h:x", "http://u:p@h", "http://[::1"],
)  # fmt: skip
def test_an_address_of_which_something_would_be_left_out_is_no_origin(url: str) -> None:
    assert origin_parts(url) is None
    for found, field in (
        ({**LEAST, "public_url": url}, "public_url"),
        ({**LEAST, "room": [{**ROOM, "origin": url}]}, "room[0].origin"),
    ):
        (told,) = mistakes(found, {})
        assert told.startswith(f"{field}: write the ")
