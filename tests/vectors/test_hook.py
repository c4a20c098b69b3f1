"""docs/notify.md: the check of a web hook and the receiver, run as they are printed there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from ecluse.domain.notify import Address, Way
from ecluse.ports import accepts, free_ports
from queue_worker.hook import Hook, signature
from queue_worker.messages import Messages
from queue_worker.outcomes import Refused
from tests.ecluse.small_programs import until

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "notify.md").read_text(encoding="utf-8")
CHECK, RECEIVER = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
KEY, BODY, NOW = "the test key of the web hook - sign nothing", b'{"room":"sarcelles"}', 1_800_000_000


@pytest.fixture
def genuine() -> Any:
    names: dict[str, Any] = {}
    exec(compile(CHECK, "docs/notify.md", "exec"), names)
    return names["genuine"]


def test_the_header_printed_in_the_page_is_what_we_send_and_the_example_takes_it(genuine: Any) -> None:
    ((printed,),) = [re.findall(r"^`(t=1800000000,v1=[0-9a-f]{64})`", DOCUMENT, re.MULTILINE)]
    assert signature(KEY, NOW, BODY) == printed
    assert genuine(printed, BODY, KEY, NOW + 299.0)


def test_the_example_refuses_what_is_altered_old_or_strange(genuine: Any) -> None:
    header = signature(KEY, NOW, BODY)
    assert not genuine(header, BODY + b" ", KEY, NOW)
    assert not genuine(header, BODY, KEY + "x", NOW)
    assert not genuine(header, BODY, KEY, NOW + 301)
    assert not genuine(header.replace("t=18", "t=19"), BODY, KEY, NOW + 100_000_000)
    for strange in ("", "t=1800000000", "v1=", "t=x,v1=y", "t=²,v1=y", "t=1800000000,v1=é", ",,=,"):
        assert not genuine(strange, BODY, KEY, NOW)


async def test_the_receiver_takes_what_a_worker_posts_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "receiver.py"
    program.write_text(f"{CHECK}\n\n{RECEIVER}", encoding="utf-8")
    (port,) = free_ports(1)
    env = {**os.environ, "ECLUSE_HOOK_KEY": KEY, "PORT": str(port)}
    running = subprocess.Popen(
        [sys.executable, str(program)], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"
    address = Address(way=Way.PHONE, to="+33612345678", lang="en")
    message = Messages("sarcelles", {"en": "Permit"}, "https://rdv.example.fr").called(address, "AbCdEfGhI_-")
    try:
        await until(lambda: accepts(port))
        await Hook("sarcelles", url, KEY).send(message)
        with pytest.raises(Refused, match="HTTP 403"):
            await Hook("sarcelles", url, "another key").send(message)
        with pytest.raises(HTTPError) as caught:
            build_opener(ProxyHandler({})).open(Request(url, BODY, {"Ecluse-Signature": "t=1"}), timeout=5)
        with caught.value as refused:
            assert refused.code == 403
    finally:
        running.terminate()
        said, _ = running.communicate(timeout=10)
    assert said.decode() == "to +33612345678: Permit: It is your turn! https://rdv.example.fr/_ecluse/rooms/sarcelles\n"
