"""draw.json against our own code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ecluse.beacon import CHAINS
from ecluse.domain import draw, merkle
from ecluse.domain.draw import Record
from ecluse.domain.draw_check import Verdict, check
from tests.vectors import make_draw

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "draw.md"
VECTORS: dict[str, Any] = json.loads(make_draw.FILE.read_text(encoding="utf-8"))
every_draw = pytest.mark.parametrize("vector", VECTORS["draws"], ids=lambda each: f"{each['record']['beacon']['kind']}-{len(each['tickets'])}")  # fmt: skip


def test_the_committed_file_is_what_the_script_writes() -> None:
    assert make_draw.FILE.read_text(encoding="utf-8") == make_draw.text()


@pytest.mark.parametrize("n", VECTORS["roots"])
def test_the_root_is_that_of_the_document(n: str) -> None:
    assert merkle.root(make_draw.ids(int(n))).hex() == VECTORS["roots"][n]


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda each: f"{each['index']}-of-{each['n']}")
def test_the_proofs_are_those_of_the_document(vector: dict[str, Any]) -> None:
    ids, n, index = make_draw.ids(vector["n"]), vector["n"], vector["index"]
    proof = [bytes.fromhex(each) for each in vector["proof"]]
    assert merkle.inclusion_proof(ids, index) == proof
    assert merkle.verify_inclusion(vector["id"], index, n, proof, merkle.root(ids))


@every_draw
def test_every_place_is_that_of_the_document_to_the_bit(vector: dict[str, Any]) -> None:
    seed = bytes.fromhex(vector["record"]["seed"])
    assert draw.places(seed, vector["tickets"]) == vector["places"]
    assert [draw.place(seed, each) for each in vector["tickets"]] == vector["places"]
    assert [each for _, each in draw.order(seed, vector["tickets"])] == vector["line"]


@every_draw
def test_a_record_is_read_and_written_unchanged_and_nothing_in_it_fails(vector: dict[str, Any]) -> None:
    record = Record.from_document(vector["record"])
    assert json.loads(json.dumps(record.to_document())) == vector["record"]
    findings = check(record, vector["tickets"], CHAINS)
    assert [finding for finding in findings if finding.verdict is Verdict.FAILS] == []
    assert {"count", "root", "seed"} <= {finding.claim for finding in findings if finding.verdict is Verdict.HOLDS}


@every_draw
def test_the_example_in_the_document_draws_the_same_line(vector: dict[str, Any]) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    printed: dict[str, Any] = {}
    exec(block, printed)
    assert printed["line"](vector["record"], vector["tickets"]) == vector["line"]
    with pytest.raises(AssertionError):
        printed["line"]({**vector["record"], "seed": "0" * 64}, vector["tickets"])
