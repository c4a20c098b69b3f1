"""Writes draw.json: draws that any implementation must recompute to the same bits.

`python -m tests.vectors.make_draw` writes the file beside this one. Everything follows the documents word by word with
the standard library alone (the tree by the recursion of RFC 9162, HMAC by the library), sharing nothing with our code.
The round of drand is a real one: https://api.drand.sh, chain quicknet, round 1000.
"""

import hashlib
import hmac
import json
from pathlib import Path

FILE = Path(__file__).with_name("draw.json")
ROOM = "sarcelles"
SECRET = hashlib.sha256(b"ecluse draw vectors: the secret").hexdigest()
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
NO_BEACON: dict[str, object] = dict.fromkeys(("kind", "chain", "round", "source", "value", "signature"))
BEACONS: dict[str, dict[str, object]] = {
    "none": {**NO_BEACON, "kind": "none", "value": SECRET},
    "operator": {
        **NO_BEACON, "kind": "operator", "source": "Loto national, tirage du 4 mai, numéros dans l'ordre",
        "value": "12-17-23-31-44-7 été",
    },
    "drand": {
        **NO_BEACON, "kind": "drand", "chain": QUICKNET, "round": 1000,
        "value": hashlib.sha256(bytes.fromhex(SIGNATURE)).hexdigest(), "signature": SIGNATURE,
    },
}  # fmt: skip
CLOSED_AT = "2023-08-23T15:58:00Z"
"""84 seconds before the round was made."""


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def ids(n: int) -> list[str]:
    """Ids of the form that tickets have, 11 characters of base64url, sorted."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return sorted("".join(alphabet[byte % 64] for byte in sha(b"id", str(i).encode())[:11]) for i in range(n))


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    return 1 << (n - 1).bit_length() - 1


def tree(leaves: list[str]) -> bytes:
    """MTH of RFC 9162, section 2.1.1."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return sha(b"\0", leaves[0].encode())
    k = split(len(leaves))
    return sha(b"\1", tree(leaves[:k]), tree(leaves[k:]))


def path(m: int, leaves: list[str]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), tree(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree(leaves[:k])]


def drawn(beacon: dict[str, object], listed: list[str]) -> dict[str, object]:
    """One draw: its record, its list, each place, and the line."""
    value = str(beacon["value"])
    randomness = sha(value.encode()) if beacon["kind"] == "operator" else bytes.fromhex(value)
    root = tree(listed)
    seed = sha(f"ecluse-draw-v1|{ROOM}|".encode(), len(listed).to_bytes(8, "big"), root, randomness)
    bits = {each: int.from_bytes(hmac.digest(seed, each.encode(), "sha256"), "big") >> 204 for each in listed}
    record = {
        "version": "ecluse-draw-v1", "room": ROOM, "state": "drawn",
        "commitment": sha(bytes.fromhex(value)).hex() if beacon["kind"] == "none" else None,
        "closed_at": CLOSED_AT, "n": len(listed), "root": root.hex(), "beacon": beacon, "seed": seed.hex(),
    }  # fmt: skip
    return {
        "record": record,
        "tickets": listed,
        "places": [bits[each] / 2**52 for each in listed],
        "line": sorted(listed, key=lambda each: (bits[each], each)),
    }


def vectors() -> dict[str, object]:
    """The whole document."""
    proofs = [
        {"n": n, "index": index, "id": ids(n)[index], "proof": [each.hex() for each in path(index, ids(n))]}
        for n, index in [(1, 0), (2, 1), (3, 0), (3, 2), (7, 3), (7, 6), (8, 5), (100, 64), (100, 99)]
    ]
    return {
        "about": "Draws of Écluse (docs/draw.md), Merkle roots and inclusion proofs of the first n of the same ids. "
                 "Written by tests/vectors/make_draw.py.",
        "roots": {str(n): tree(ids(n)).hex() for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 100)},
        "proofs": proofs,
        "draws": [drawn(BEACONS[kind], ids(n)) for kind, n in [("none", 9), ("operator", 3), ("drand", 100), ("none", 0)]],
    }  # fmt: skip


def text() -> str:
    """The file's content."""
    return json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
