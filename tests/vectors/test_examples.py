"""The examples of docs/pass.md, run as they are printed there."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ecluse.signing import SigningKey
from ecluse.tokens import Pass, PassSigner
from tests.vectors import make

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "pass.md").read_text(encoding="utf-8")
KEY, OLD_KEY, ROOM = make.SECRET, make.OTHER_SECRET, make.ROOM
NODE_CALL = """
const [token, keys, room] = JSON.parse(require('fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(readPass(token, keys, room)))
"""
PHP_CALL = """
[$token, $keys, $room] = json_decode(stream_get_contents(STDIN), true);
echo json_encode(read_pass($token, $keys, $room));
"""
Read = Callable[[str, list[str], str], Any]


class Refused(Exception):
    """An example did not take a pass."""


def example(language: str) -> str:
    """The one block of code in this language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(block)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here: its example in docs/pass.md was not run")
    return found


def by_python(token: str, keys: list[str], room: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(example("python"), "docs/pass.md", "exec"), names)
    try:
        return names["read_pass"](token, keys, room)
    except jwt.InvalidTokenError as error:
        raise Refused from error


def by_program(argv: list[str], token: str, keys: list[str], room: str) -> Any:
    asked = json.dumps([token, keys, room])
    ended = subprocess.run(argv, input=asked, capture_output=True, text=True, check=False, timeout=60)
    if ended.returncode != 0:
        assert re.search("not a pass|forged|wrong room|expired", ended.stderr + ended.stdout), ended.stderr
        raise Refused
    return json.loads(ended.stdout)


def by_node(token: str, keys: list[str], room: str) -> Any:
    return by_program([program("node"), "-e", example("js") + NODE_CALL], token, keys, room)


def by_php(token: str, keys: list[str], room: str) -> Any:
    code = example("php").removeprefix("<?php\n") + PHP_CALL
    return by_program([program("php"), "-d", "display_errors=stderr", "-r", code], token, keys, room)


def by_shell(token: str, keys: list[str], _room: str) -> Any:
    """The shell example takes one key and leaves room and times to its reader."""
    program("openssl")
    for key in keys:
        ended = subprocess.run(
            ["/bin/sh", "-eu", "-c", example("sh")], env={**os.environ, "PASS": token, "KEY": key},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        if ended.returncode == 0:
            return json.loads(ended.stdout)
        assert ended.stderr == "forged\n"
    raise Refused


def claims(**change: object) -> dict[str, object]:
    now = int(time.time())
    return {**make.CLAIMS, "iat": now - 10, "exp": now + 50, **change}


def token_of(change: dict[str, object], secret: str = KEY, **header: object) -> str:
    return make.signed({**make.HEADER, "kid": make.kid(secret), **header}, claims(**change), secret)


def test_the_example_with_a_public_key_reads_and_refuses() -> None:
    names: dict[str, Any] = {}
    exec(compile(example("python eddsa"), "docs/pass.md", "exec"), names)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key = SigningKey.from_secret(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    now = int(time.time())
    granted = Pass(room=ROOM, session="AbCdEfGhI_-", lane="main", issued_at=now, expires_at=now + 60)
    token = PassSigner([key]).sign(granted)
    assert names["read_signed_pass"](token, public, ROOM)["sub"] == granted.session
    body, _, signature = token.rpartition(".")
    for wrong in (PassSigner([SigningKey.from_secret(KEY)]).sign(granted), f"{body}.{signature[::-1]}"):
        with pytest.raises(jwt.InvalidTokenError):
            names["read_signed_pass"](wrong, public, ROOM)


ALL = [by_python, by_node, by_php, by_shell]
WHOLE = [by_python, by_node, by_php]
"""Those that also check the room and the times."""


@pytest.mark.parametrize("read", ALL)
@pytest.mark.parametrize("person", [None, "5f4dcc3b5aa765d6", "é+/=?" * 3])
def test_an_example_takes_a_genuine_pass(read: Read, person: str | None) -> None:
    said = claims(**({} if person is None else {"person": person}))
    token = make.signed({**make.HEADER, "kid": make.kid(KEY)}, said)
    assert read(token, [KEY], ROOM) == said


@pytest.mark.parametrize("read", ALL)
def test_an_example_takes_a_pass_under_any_key_in_force(read: Read) -> None:
    for secret in (KEY, OLD_KEY):
        assert read(token_of({}, secret), [KEY, OLD_KEY], ROOM)["aud"] == ROOM


@pytest.mark.parametrize("read", ALL)
def test_an_example_refuses_what_is_forged(read: Read) -> None:
    good = token_of({})
    body, _, signature = good.rpartition(".")
    altered = f"{body.partition('.')[0]}.{make.b64(json.dumps(claims(lane='urgent')).encode())}.{signature}"
    none = token_of({}, alg="none").rpartition(".")[0] + "."
    for token in (token_of({}, OLD_KEY), altered, none, f"{body}.", body, good + "A", good[:-2], "", ".."):
        with pytest.raises(Refused):
            read(token, [KEY], ROOM)


@pytest.mark.parametrize("read", WHOLE)
@pytest.mark.parametrize(
    "change", [{"aud": "evry"}, {"aud": None}, {"iss": "somebody"}, {"exp": 1}, {"exp": None}, {"exp": "x"}], ids=str
)
def test_an_example_refuses_another_room_another_issuer_and_what_is_over(read: Read, change: dict[str, object]) -> None:
    with pytest.raises(Refused):
        read(token_of(change), [KEY], ROOM)


@pytest.mark.parametrize("read", WHOLE)
def test_an_example_refuses_another_algorithm_even_under_the_right_key(read: Read) -> None:
    for algorithm in ("none", "RS256", "HS512"):
        with pytest.raises(Refused):
            read(token_of({}, alg=algorithm), [KEY], ROOM)


def test_the_pass_printed_in_the_page_is_the_first_vector() -> None:
    shown = re.findall(r"^(?:header|claims)\s+(\{.*\})$", DOCUMENT, re.MULTILINE)
    first = make.vectors()["valid"][0]  # type: ignore[index]
    assert [json.loads(text) for text in shown] == [first["header"], first["claims"]]
    assert [make.b64(text.encode()) for text in shown] == first["token"].split(".")[:2]
