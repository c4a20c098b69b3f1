"""The journal's chain: each entry names the hash of the one before it, so that none can be changed or taken out unseen.

An entry's own text is its JSON with sorted keys and no spaces; its hash is SHA-256 over the hash before it, a line
feed and that text. Whoever kept one hash can tell later whether everything up to it still is what it was.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum

_NOT_IN_THE_TEXT = ("id", "hash")
"""What an interface adds to an entry: where it stands, and its hash."""


class Action(StrEnum):
    """What an entry says was done; the console has words for each."""

    SETTLE = "settle"
    REVOKE = "revoke"
    SLOTS_LEFT = "slots-left"
    BEACON = "beacon"
    DRAW = "draw"
    SCHEDULE = "schedule"
    INVITE = "invite"
    REVOKE_INVITATIONS = "revoke_invitations"
    PLACE = "place"
    TAKE_OVER = "take over"
    ENTER_FOR = "enter for"
    GIVE_UP = "give up"


def text_of(entry: Mapping[str, object]) -> str:
    """An entry's own text."""
    own = {name: value for name, value in entry.items() if name not in _NOT_IN_THE_TEXT}
    return json.dumps(own, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def digest_of(previous: str, text: str) -> str:
    """The hash of an entry with this text, behind the entry with the hash `previous` (empty before the first)."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def faults(entries: Iterable[Mapping[str, object]]) -> list[str]:
    """What is wrong with a chain given oldest first, from its very first entry; empty if it holds."""
    found: list[str] = []
    previous = ""
    for entry in entries:
        name = entry.get("id", "?")
        if entry.get("previous") != previous:
            found.append(f"{name}: does not follow the entry before it: one was taken out, put in or reordered")
        expected = digest_of(str(entry.get("previous", "")), text_of(entry))
        if entry.get("hash") != expected:
            found.append(f"{name}: was changed after it was written")
        previous = str(entry.get("hash", ""))
    return found
