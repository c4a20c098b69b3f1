"""`python -m benchmarks.draw [tickets]`: how long each part of a draw takes; a million tickets by default."""

import random
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from ecluse.beacon import CHAINS, QUICKNET
from ecluse.domain import draw, merkle
from ecluse.domain.draw import Record
from ecluse.domain.draw_check import check, check_ticket, holds

_Made = TypeVar("_Made")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ROUND_SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
"""Round 1000 of quicknet."""


def timed(what: str, make: Callable[[], _Made]) -> _Made:
    """Do it, and print how long it took."""
    started = time.perf_counter()
    made = make()
    print(f"{what:<44}{time.perf_counter() - started:8.2f} s", flush=True)
    return made


def main(count: int) -> int:
    """Draw `count` tickets, and check the draw as an outsider would; exit status 1 if it does not hold."""
    chance = random.Random(1)
    gathered = ["".join(chance.choices(_ALPHABET, k=11)) for _ in range(count)]
    print(f"{count} tickets")
    ids = timed("sort the ids", lambda: sorted(set(gathered)))
    root = timed("Merkle root", lambda: merkle.root(ids))
    seed = draw.seed("bench", len(ids), root, bytes(32))
    timed("places", lambda: draw.places(seed, ids))
    line = timed("the line: places, sorted", lambda: draw.order(seed, ids))
    timed("a proof of inclusion", lambda: merkle.inclusion_proof(ids, len(ids) // 2))
    record = Record(room="bench", beacon=draw.Beacon(kind=draw.Kind.DRAND, chain=QUICKNET.hash, round=1000))
    record = record.close(closed_at="2023-08-23T15:58:00Z", n=len(ids), root=root)
    value = sha256(bytes.fromhex(ROUND_SIGNATURE)).hexdigest()
    record = record.reveal(value, ROUND_SIGNATURE)
    findings = timed("check everything, signature of drand included", lambda: check(record, ids, CHAINS))
    findings += timed("rank of one ticket", lambda: check_ticket(record, ids, line[0][1]))
    return 0 if holds(findings) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
