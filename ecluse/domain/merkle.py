"""The Merkle tree over the ids of a draw, in the shape of Certificate Transparency (RFC 9162, section 2.1).

A leaf is SHA-256(0x00 ‖ id), a node SHA-256(0x01 ‖ left ‖ right); ids are UTF-8 and stand in strictly rising order, so
a list has one root and an id one leaf. The root of nothing is SHA-256 of nothing.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice
from operator import lt

_LEAF = b"\x00"
_NODE = b"\x01"


class Frontier:
    """A root that grows leaf by leaf: never more hashes in memory than the tree is high.

    Raises ValueError for an id that does not come after the one before.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last: str | None = None
        # The roots of the whole subtrees so far, widest first: one per 1 in the binary form of `count`.
        self._whole: list[bytes] = []

    def add(self, ids: Iterable[str]) -> None:
        """Append the next ids of the rising list."""
        whole, last, count = self._whole, self._last, self.count
        for each in ids:
            if last is not None and each <= last:
                raise ValueError(f"the ids are not in strictly rising order: {each!r} follows {last!r}")
            last = each
            node = sha256(_LEAF + each.encode()).digest()
            full = count
            while full & 1:
                node = sha256(_NODE + whole.pop() + node).digest()
                full >>= 1
            whole.append(node)
            count += 1
        self._last, self.count = last, count

    def root(self) -> bytes:
        """The root of what was added so far; more may be added after."""
        if not self._whole:
            return sha256(b"").digest()
        *before, node = self._whole
        for left in reversed(before):
            node = sha256(_NODE + left + node).digest()
        return node


def root(sorted_ids: Iterable[str]) -> bytes:
    """The root, 32 bytes, of ids in strictly rising order; about two seconds for a million.

    Raises ValueError where the order is not that.
    """
    frontier = Frontier()
    frontier.add(sorted_ids)
    return frontier.root()


def risen(ids: Sequence[str]) -> bool:
    """Whether the ids stand in strictly rising order: sorted, and none twice."""
    return all(map(lt, ids, islice(ids, 1, None)))


def leaf(ticket_id: str) -> bytes:
    """The hash of one leaf."""
    return sha256(_LEAF + ticket_id.encode()).digest()


def inclusion_proof(ids: Sequence[str], index: int) -> list[bytes]:
    """The sister hashes from the leaf at `index` up to the root (RFC 9162, section 2.1.3.1): 20 for a million.

    Raises IndexError outside the list.
    """
    if not 0 <= index < len(ids):
        raise IndexError(f"there is no leaf {index} among {len(ids)}")
    return _path([leaf(each) for each in ids], index)


BLOCK = 256
"""Leaves whose common root is kept, for proofs out of long lists: a power of two."""


def block_root(ids: Sequence[str]) -> bytes:
    """The root of one block: as many ids of the list as `BLOCK`, the last block maybe fewer, and at least one."""
    level = [leaf(each) for each in ids]
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def proof_in_blocks(block: Sequence[str], index: int, roots: Sequence[bytes]) -> list[bytes]:
    """The same proof as `inclusion_proof` of the whole list, from the id's own block and the roots of all blocks."""
    return _path([leaf(each) for each in block], index % BLOCK) + _path(roots, index // BLOCK)


def _path(nodes: Sequence[bytes], index: int) -> list[bytes]:
    level, proof = list(nodes), []
    while len(level) > 1:
        sister = index ^ 1
        if sister < len(level):
            proof.append(level[sister])
        level = _level_above(level)
        index >>= 1
    return proof


def _level_above(level: list[bytes]) -> list[bytes]:
    above = [sha256(_NODE + left + right).digest() for left, right in zip(level[0::2], level[1::2], strict=False)]
    # The last one without a sister goes up as it is: the same tree as splitting at the largest power of two.
    return [*above, level[-1]] if len(level) % 2 else above


def verify_inclusion(ticket_id: str, index: int, n: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the leaf at `index` of `n` is this id (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < n:
        return False
    here, last, node = index, n - 1, leaf(ticket_id)
    for sister in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            node = sha256(_NODE + sister + node).digest()
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            node = sha256(_NODE + node + sister).digest()
        here >>= 1
        last >>= 1
    return last == 0 and node == root
