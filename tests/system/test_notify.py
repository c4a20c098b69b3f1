"""`ecluse up` with a real mail server and a real receiver of web hooks: somebody joins, goes away, and is told."""

import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from ecluse.ports import free_ports
from tests.ecluse.cli.commands import CONFIGURATION, KEYS, ecluse
from tests.ecluse.small_programs import wait_until
from tests.queue_worker.receivers import hook_server, mail_server
from tests.system.test_up import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc"),
]
ROOM = "/_ecluse/rooms/sarcelles"
NOTIFY = """
[room.notify]
smtp = "env:ECLUSE_TEST_SMTP"
sender = "Préfecture <ne-pas-repondre@rdv.example.fr>"
hook_url = "{hook}"
hook_key = "env:ECLUSE_TEST_HOOK"

[[operator]]"""


class Visitor:
    """Somebody who joins as a program does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.ticket = self.ask("POST", "/tickets")["ticket"]

    def ask(self, method: str, path: str, document: object = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        held = {"Authorization": f"Bearer {self.ticket}"} if hasattr(self, "ticket") else {}
        headers = {"Content-Type": "application/json", "Accept-Language": "fr", **held}
        try:
            connection.request(method, ROOM + path, json.dumps(document or {}), headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status < 300, (answer.status, body)
            return json.loads(body) if body else None
        finally:
            connection.close()


def test_visitors_of_a_real_machine_are_told_when_near_and_when_called_and_then_forgotten(tmp_path: Path) -> None:
    with mail_server() as box, hook_server() as receiver:
        notify = NOTIFY.format(hook=receiver.url)
        config = tmp_path / "ecluse.toml"
        room = CONFIGURATION.replace("\n[[operator]]", notify).replace(
            "[[room]]", '[[room]]\nmode = "queueing"\npace_per_minute = 10\nburst = 1\nclaim_seconds = 3600'
        )
        config.write_text(f'state_dir = "{tmp_path}/state"\npublic_url = "https://rdv.example.fr"\n{room}')
        env = {**KEYS, "ECLUSE_TEST_SMTP": f"smtp://127.0.0.1:{box.port}", "ECLUSE_TEST_HOOK": "h" * 40}
        (port,) = free_ports(1)
        running = Running(tmp_path, "up", "--config", str(config), "--port", str(port), "--workers", "1", env=env)
        try:
            running.info()
            crowd = [Visitor(port) for _ in range(40)]
            mailed, texted = crowd[30], crowd[35]
            assert mailed.ask("POST", "/ticket/notify", {"email": "amel@example.org"})["email"] == "a•••@example.org"
            texted.ask("POST", "/ticket/notify", {"phone": "06 12 34 56 78"})
            wait_until(lambda: len(box.mails) == 1 and len(receiver.posts) == 1, 30)
            assert "Votre tour approche" in box.mails[0]["Subject"]
            assert receiver.posts[0].json["event"] == "near"
            operator = {"ECLUSE_URL": f"http://127.0.0.1:{port}", "ECLUSE_OPERATOR_KEY": KEYS["ECLUSE_TEST_OPERATOR"]}
            changed = ecluse("room", "set", "sarcelles", "pace_per_minute=6000", "burst=100", env=operator)
            assert changed.returncode == 0, changed.stderr
            wait_until(lambda: len(box.mails) == 2 and len(receiver.posts) == 2, 30)
            assert "C’est votre tour" in box.mails[1]["Subject"]
            assert "https://rdv.example.fr/_ecluse/rooms/sarcelles" in box.mails[1].get_content()
            assert mailed.ticket not in box.mails[1].get_content()
            assert receiver.posts[1].json["event"] == "called"
            mailed.ask("POST", "/claim")
            texted.ask("DELETE", "/ticket")
            wait_until(lambda: mailed.ask("GET", "/ticket/notify")["email"] is None, 20)
            assert box.recipients == ["amel@example.org"] * 2
        finally:
            running.close()
        assert "example.org" not in running.info_file.read_text() + (tmp_path / "log").read_text()
        assert "612345678" not in (tmp_path / "log").read_text()
