"""A chain of drand of our own: a key pair whose secret the tests know, and a relay that answers as drand's do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread

from ecluse.beacon import _TAG, Chain
from ecluse.domain import bls
from ecluse.domain.hash_to_g1 import P, hash_to_g1, times

SECRET = 0x5EC12E70F7E575
GENESIS, PERIOD = 1_700_000_000, 3


def _packed(numbers: list[int], larger: bool) -> str:
    raw = bytearray(b"".join(number.to_bytes(48, "big") for number in numbers))
    raw[0] |= 0x80 | (0x20 if larger else 0)
    return raw.hex()


def public_key() -> str:
    point = bls._multiple2(SECRET, bls._key(bytes.fromhex(bls._GENERATOR)))
    assert point is not None
    (real, imaginary), (y_real, y_imaginary) = point
    return _packed([imaginary, real], (y_imaginary or y_real) > P // 2)


CHAIN = Chain(hash="ab" * 32, public_key=public_key(), genesis=GENESIS, period_seconds=PERIOD)


def signature(number: int) -> str:
    """The chain's signature of a round."""
    point = times(SECRET, hash_to_g1(sha256(number.to_bytes(8, "big")).digest(), _TAG))
    assert point is not None
    return _packed([point[0]], point[1] > P // 2)


def answer(number: int) -> dict[str, object]:
    signed = signature(number)
    return {"round": number, "randomness": sha256(bytes.fromhex(signed)).hexdigest(), "signature": signed}


class Relay:
    """What the relay does: `says` is the answer of a round, a status, or an address to go to instead."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.location = ""
        self.url = ""

    def answer_of(self, path: str) -> bytes:
        return json.dumps(answer(int(path.rpartition("/")[2]))).encode()


@contextmanager
def relaying() -> Iterator[Relay]:
    """A relay on this machine."""
    relay = Relay()

    class Answering(SimpleHTTPRequestHandler):
        def send_head(self) -> BytesIO:
            relay.asked.append(self.path)
            body = relay.answer_of(self.path) if relay.status == 200 else b""
            self.send_response(relay.status)
            if relay.location:
                self.send_header("location", relay.location)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            return BytesIO(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        relay.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
