"""Which room a request belongs to."""

from collections.abc import AsyncIterator, Callable

import pytest

from ecluse.clock import ManualClock
from ecluse.settings import Secrets, parse
from ecluse.store.client import Store
from ecluse.telemetry import Metrics
from gateway.directory import Directory, build_directory, covers

Build = Callable[..., Directory]
KEY = "a secret that is long enough"


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    """Directories over a store that is never asked."""
    stores: list[Store] = []

    def built(**rooms: dict[str, object]) -> Directory:
        tables = [{"id": name, "origin": "http://127.0.0.1:9", "origin_key": "env:K", **more}
                  for name, more in rooms.items()]  # fmt: skip
        settings = parse({"signing_keys": ["env:K"], "redis_url": "redis://127.0.0.1:1", "room": tables})
        secrets = Secrets(signing_keys=[KEY], origin_keys=dict.fromkeys(rooms, KEY), operator_keys=[])
        stores.append(Store.at(settings.redis_url))
        return build_directory(settings, secrets, stores[-1], Metrics(), ManualClock())

    yield built
    for store in stores:
        await store.close()


def found(directory: Directory, path: str, host: str = "rdv.example.fr") -> str | None:
    room = directory.find(host.encode(), path.encode())
    return None if room is None else room.id


@pytest.mark.parametrize(
    ("prefix", "path", "covered"),
    [
        ("/", "/", True), ("/", "/x", True), ("/a/", "/a/", True), ("/a/", "/a/b", True), ("/a/", "/a", True),
        ("/a/", "/ab", False), ("/a/", "/A/", False), ("/a/", "/", False), ("/a", "/a", True), ("/a", "/a/", True),
        ("/a", "/a/b", True), ("/a", "/ab", False), ("/a", "/a.b", False), ("/a", "/a%2fb", False), ("/a/b", "/a", False),
        ("/a", "/a?x", False), ("/a", "/x/a", False),
    ],
)  # fmt: skip
def test_a_prefix_covers_whole_segments_only(prefix: str, path: str, covered: bool) -> None:
    assert covers(prefix.encode(), path.encode()) is covered


async def test_the_longest_prefix_wins_whatever_the_order(build: Build) -> None:
    for order in (("all", "a", "ab"), ("ab", "a", "all")):
        paths = {"all": ["/"], "a": ["/a/"], "ab": ["/a/b/", "/c/"]}
        directory = build(**{name: {"paths": paths[name]} for name in order})
        assert found(directory, "/") == "all"
        assert found(directory, "/ab") == "all"
        assert found(directory, "/a") == "a"
        assert found(directory, "/a/bc") == "a"
        assert found(directory, "/a/b") == "ab"
        assert found(directory, "/a/b/c") == "ab"
        assert found(directory, "/c/x") == "ab"


async def test_what_no_room_covers_belongs_to_none(build: Build) -> None:
    directory = build(a={"paths": ["/a/"]})
    assert found(directory, "/") is None
    assert found(directory, "/A/") is None
    assert found(directory, "/b/a/") is None


async def test_hosts_are_kept_apart_with_and_without_port_in_any_case(build: Build) -> None:
    directory = build(one={"hosts": ["one.fr"]}, two={"hosts": ["two.fr:8443"]})
    assert found(directory, "/", "one.fr") == "one"
    assert found(directory, "/", "One.FR:8000") == "one"
    assert found(directory, "/", "two.fr:8443") == "two"
    assert found(directory, "/", "two.fr") is None
    assert found(directory, "/", "two.fr:80") is None
    assert found(directory, "/", "one.fr.evil.example") is None
    assert found(directory, "/", "") is None


async def test_a_room_that_names_the_host_goes_before_one_that_takes_any(build: Build) -> None:
    directory = build(any={"paths": ["/long/prefix/"]}, named={"hosts": ["one.fr"], "paths": ["/"]})
    assert found(directory, "/long/prefix/x", "one.fr") == "named"
    assert found(directory, "/long/prefix/x", "other.fr") == "any"
    assert found(directory, "/", "other.fr") is None


async def test_an_address_in_brackets_is_a_host_that_only_an_open_room_takes(build: Build) -> None:
    directory = build(any={}, named={"hosts": ["one.fr"]})
    assert found(directory, "/", "[::1]") == "any"
    assert found(directory, "/", "[::1]:8000") == "any"


async def test_the_hosts_served_are_those_of_the_rooms_and_our_own_unless_a_room_takes_any(build: Build) -> None:
    directory = build(one={"hosts": ["one.fr"]}, two={"hosts": ["two.fr:8443"]})
    assert directory.hosts("rdv.example.fr") == frozenset({"rdv.example.fr", "one.fr", "two.fr:8443"})
    assert build(one={"hosts": ["one.fr"]}, any={"paths": ["/x/"]}).hosts("rdv.example.fr") is None


async def test_open_paths_open_whole_segments_below_them_and_nothing_else(build: Build) -> None:
    room = build(a={"paths": ["/a/"], "open_paths": ["/a/static/", "/a/health"]}).by_id["a"]
    assert [room.is_open(path) for path in (b"/a/static/x.css", b"/a/static", b"/a/health", b"/a/health/x")] == [
        True
    ] * 4
    assert not any(room.is_open(path) for path in (b"/a/", b"/a/statics", b"/a/healthy", b"/static/", b"/A/static/x"))


async def test_a_room_without_open_paths_opens_none(build: Build) -> None:
    assert not build(a={}).by_id["a"].is_open(b"/")


async def test_a_room_knows_its_own_paths_and_its_home(build: Build) -> None:
    room = build(a={"paths": ["/a/", "/b"]}).by_id["a"]
    assert room.home == "/a/"
    assert room.holds(b"/a/x")
    assert room.holds(b"/b/x")
    assert not room.holds(b"/c")


async def test_each_room_has_its_own_origin_cookies_and_limits(build: Build) -> None:
    directory = build(a={}, b={"paths": ["/b/"], "origin": "https://b.internal:9443", "body_max_bytes": 7})
    a, b = directory.by_id["a"], directory.by_id["b"]
    assert b.upstream.origin == "https://b.internal:9443"
    assert b.upstream.body_max_bytes == 7
    assert a.cookies.ticket != b.cookies.ticket
