"""The journal's chain: whatever is done to an entry, or to their order, is told."""

from collections.abc import Callable
from typing import Any

import pytest

from ecluse.domain.journal import digest_of, faults, text_of

Chain = list[dict[str, Any]]


def chain(length: int = 5) -> Chain:
    entries: Chain = []
    previous = ""
    for n in range(length):
        entry: dict[str, Any] = {"at": f"2026-11-23T09:0{n}:00Z", "who": "é", "reason": "", "previous": previous}
        previous = digest_of(previous, text_of(entry))
        entries.append({"id": f"{n}-0", "hash": previous, **entry})
    return entries


def test_a_chain_as_written_holds() -> None:
    assert faults([]) == []
    assert faults(chain()) == []


def rewrite(entries: Chain) -> None:
    entries[2]["who"] = "somebody else"


def take_out(entries: Chain) -> None:
    del entries[2]


def take_out_the_first(entries: Chain) -> None:
    del entries[0]


def reorder(entries: Chain) -> None:
    entries[1], entries[2] = entries[2], entries[1]


def put_in(entries: Chain) -> None:
    entries.insert(2, {**entries[1], "who": "nobody"})


def rewrite_with_a_new_hash(entries: Chain) -> None:
    entries[2]["who"] = "somebody else"
    entries[2]["hash"] = digest_of(entries[2]["previous"], text_of(entries[2]))


@pytest.mark.parametrize("tamper", [rewrite, take_out, take_out_the_first, reorder, put_in, rewrite_with_a_new_hash])
def test_whatever_is_done_to_a_chain_is_told(tamper: Callable[[Chain], None]) -> None:
    entries = chain()
    tamper(entries)
    assert faults(entries)
