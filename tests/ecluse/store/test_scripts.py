"""The Lua sources: legal in a cluster, declared, and worded as the house asks."""

import re
from importlib.resources import files

import pytest

from ecluse.domain.room import Lane, Room
from ecluse.store.keys import room_keys
from ecluse.store.scripts import script

FOLDER = files("ecluse.store.scripts")
SOURCES = {
    entry.name.removesuffix(".lua"): entry.read_text(encoding="utf-8")
    for entry in FOLDER.iterdir()
    if entry.name.endswith(".lua")
}
STEPS = sorted(name for name in SOURCES if not name.startswith("_"))
KEYED = {
    "STATE",
    "SETTINGS",
    "CALLED",
    "ADMITTED",
    "MISSED",
    "ENDED",
    "SHOWN",
    "PRESSING",
    "VISITS",
    "DRAWN",
    "MOVED",
    "HELD",
    "PEOPLE",
    "INVITED",
}
# Names that hold one of KEYS: parameters and locals that the scripts give a key and nothing else.
CARRIERS = {"line", "key", "lane.key"}
KEYLESS = {"TIME"}
CALL = re.compile(r"redis\.p?call\(\s*'([A-Z]+)'(?:\s*,\s*([^,)]+))?")


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_key_a_script_touches_came_in_keys(name: str) -> None:
    source = SOURCES[name]
    calls = CALL.findall(source)
    assert len(calls) == len(re.findall(r"redis\.p?call", source)), "a call this test cannot read"
    for command, key in calls:
        if command in KEYLESS:
            continue
        word = key.strip()
        assert word in KEYED | CARRIERS or re.match(r"KEYS\[", word), f"{command} {word}"
    for carrier in re.findall(r"\b(line|key)\s*=\s*([^,\n]+)", source):
        assert re.search(r"KEYS\[|\bkey\b|ARGV\[3\], KEYS", carrier[1]) or "ARGV[3]" in carrier[1], carrier


@pytest.mark.parametrize("name", STEPS)
def test_every_script_says_what_it_does_and_what_it_replies(name: str) -> None:
    source = SOURCES[name]
    first, second, *_ = source.splitlines()
    assert first.startswith("#!lua"), "without it Redis starts a write it may have no memory for"
    assert second.startswith(f"-- {name}: ")
    assert "-- Reply" in source
    assert "ARGV" in source
    built = script(name).source
    assert "--include" not in built
    assert "KEYS(" not in built
    assert not re.search(r"'(?:KEYS|SCAN|SMEMBERS|FLUSHALL|FLUSHDB)'", built)


def test_only_steps_that_store_nothing_new_or_free_something_may_run_without_memory() -> None:
    needs_memory = {name for name in STEPS if "allow-oom" not in SOURCES[name].splitlines()[0]}
    assert needs_memory == {"aid", "enter", "invite", "move", "restore", "look", "marks", "tries", "notify_keep"}
    assert {name for name in needs_memory if "no-writes" in SOURCES[name].splitlines()[0]} == {"look", "marks"}


def test_all_keys_of_a_room_are_in_one_slot_and_of_two_rooms_in_none_together() -> None:
    rooms = [Room(id=name, notice={}, lanes=(Lane(id="main"), Lane(id="urgent"))) for name in ("a", "b")]
    tags = []
    for room in rooms:
        keys = room_keys(room)
        every = {
            *keys.step, keys.board, keys.journal, keys.settings, keys.ended, keys.drawn, keys.drawing, keys.moved, keys.notify,
        }  # fmt: skip
        assert {re.search(r"{(.*?)}", key)[1] for key in every} == {room.id}  # type: ignore[index]
        assert len(keys.step) == len(set(keys.step)) == 15
        tags.append(every)
    assert not tags[0] & tags[1]
