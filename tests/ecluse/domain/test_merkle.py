"""The Merkle tree of a draw: one root for a list, and proofs for its ids and nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecluse.domain import merkle

tickets = st.text(alphabet="ABCabc012-_", min_size=1, max_size=11)
lists = st.lists(tickets, unique=True, min_size=1, max_size=70).map(sorted)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == sha256(b"").digest()


def test_leaves_and_nodes_are_hashed_apart() -> None:
    left, right = (sha256(b"\0" + each).digest() for each in (b"a", b"b"))
    assert merkle.root(["a"]) == left
    assert merkle.root(["a", "b"]) == sha256(b"\1" + left + right).digest()


@pytest.mark.parametrize("ids", [["b", "a"], ["a", "a"], ["a", "c", "b"], ["a", "b", "b", "c"]])
def test_a_list_that_does_not_rise_has_no_root(ids: list[str]) -> None:
    with pytest.raises(ValueError, match="rising"):
        merkle.root(ids)
    assert not merkle.risen(ids)


@given(lists)
def test_every_id_of_a_list_is_proven(ids: list[str]) -> None:
    assert merkle.risen(ids)
    root = merkle.root(ids)
    for index, each in enumerate(ids):
        proof = merkle.inclusion_proof(ids, index)
        assert len(proof) <= (len(ids) - 1).bit_length()
        assert merkle.verify_inclusion(each, index, len(ids), proof, root)


@given(lists, tickets, st.data())
def test_an_id_that_is_not_in_the_list_is_proven_nowhere(ids: list[str], other: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(ids) - 1))
    proof = merkle.inclusion_proof(ids, index)
    if other != ids[index]:
        assert not merkle.verify_inclusion(other, index, len(ids), proof, merkle.root(ids))


@given(lists, st.data())
def test_a_proof_with_anything_changed_proves_nothing(ids: list[str], data: st.DataObject) -> None:
    n, root = len(ids), merkle.root(ids)
    index = data.draw(st.integers(0, n - 1))
    proof = merkle.inclusion_proof(ids, index)
    good = (ids[index], index, n, proof, root)
    assert merkle.verify_inclusion(*good)
    assert not merkle.verify_inclusion(ids[index], index, n, [*proof, bytes(32)], root)
    assert not merkle.verify_inclusion(ids[index], index, n, proof, sha256(root).digest())
    for outside in (-1, n):
        assert not merkle.verify_inclusion(ids[index], outside, n, proof, root)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [sha256(each).digest() if i == at else each for i, each in enumerate(proof)]
        assert not merkle.verify_inclusion(ids[index], index, n, bent, root)
        assert not merkle.verify_inclusion(ids[index], index, n, proof[:-1], root)
        assert not merkle.verify_inclusion(ids[index], index ^ 1, n, proof, root)


@given(lists, st.data())
def test_a_root_grown_in_pieces_is_the_root_of_the_whole(ids: list[str], data: st.DataObject) -> None:
    frontier = merkle.Frontier()
    at = 0
    while at < len(ids):
        size = data.draw(st.integers(1, len(ids)))
        frontier.add(ids[at : at + size])
        at = min(len(ids), at + size)
        assert frontier.count == at
        assert frontier.root() == merkle.root(ids[:at])


@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_no_proof_outside_the_list(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.inclusion_proof(["a", "b"], index)


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 511, 513, 700, 1025])
def test_a_proof_made_in_blocks_is_the_proof_of_the_whole_list(n: int) -> None:
    ids = [f"{each:011d}" for each in range(n)]
    blocks = [ids[at : at + merkle.BLOCK] for at in range(0, n, merkle.BLOCK)]
    roots = [merkle.block_root(block) for block in blocks]
    for index in {0, n // 2, n // 3, n - 1}:
        found = merkle.proof_in_blocks(blocks[index // merkle.BLOCK], index, roots)
        assert found == merkle.inclusion_proof(ids, index)
