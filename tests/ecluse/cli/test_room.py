"""`ecluse room …` against a server that speaks the operator API as the contract has it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from ecluse.cli.room_view import RoomHistory, sparkline
from ecluse.ports import free_ports
from tests.ecluse.cli.commands import ecluse

ROOM = {
    "id": "sarcelles", "title": {"fr": "Renouvellement"}, "version": 7, "phase": "open", "mode": "open",
    "pace": "manual", "pace_per_minute": 120.0, "burst": 2, "capacity": 60, "notice": {},
    "waiting": 1234, "called": 5, "admitted": 41, "show_rate": 0.8, "claim_delay_seconds": 3.5,
    "lanes": {"main": {"waiting": 1234, "serving": 17, "calls_per_minute": {"p50": 118.0, "slow": 90.0}}},
    "joins": 2000, "admissions": 700, "missed": 66,
}  # fmt: skip
ENTRY = {
    "id": "1-1", "at": "2026-11-23T09:00:00Z", "who": "astreinte", "action": "change",
    "changes": [{"field": "pace_per_minute", "from": 60, "to": 120}], "reason": "more desks",
    "hash": "h", "previous": "p",
}  # fmt: skip
KEY = "operator-key-of-the-test"


class Contract(BaseHTTPRequestHandler):
    """Answers as docs/http.md says and notes what it was asked."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], Any]]] = []

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        change = json.loads(body) if body else None
        self.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, change))
        path = self.path.removeprefix("/_ecluse/api/v1/")
        if self.headers["authorization"] != f"Bearer {KEY}":
            self._answer(401, {"title": "Operator key needed", "detail": "Send an operator key."})
        elif path == "rooms":
            self._answer(200, {"rooms": [ROOM]})
        elif path == "rooms/sarcelles/journal":
            self._answer(200, {"entries": [ENTRY]})
        elif path == "rooms/sarcelles/invitations":
            self._answer(201, {"id": "b", "links": ["https://rdv.example.fr/1", "https://rdv.example.fr/2"]})
        elif path == "rooms/sarcelles":
            self._answer(200, {**ROOM, **(change or {}), "version": 8})
        elif path == "rooms/broken":
            self._answer(200, ["not", "an", "object"])
        else:
            self._answer(404, {"title": "Unknown room", "detail": "There is no room of this name here."})

    do_GET = do_PATCH = do_POST = _serve

    def _answer(self, status: int, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    Contract.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Contract)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield {"ECLUSE_URL": f"http://127.0.0.1:{server.server_port}", "ECLUSE_OPERATOR_KEY": KEY}
    server.shutdown()
    server.server_close()
    thread.join()


def test_list_prints_one_line_per_room(env: dict[str, str]) -> None:
    ended = ecluse("room", "list", env=env)
    assert ended.returncode == 0, ended.stderr
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("sarcelles")]
    assert line.split() == ["sarcelles", "open", "120", "1,234", "5", "41", "66"]


def test_invite_prints_a_link_a_line(env: dict[str, str]) -> None:
    wish = [
        "--lane",
        "urgent",
        "--issuer",
        "Mairie",
        "--reason",
        "urgent cases",
        "--expires-at",
        "2027-01-15T18:00:00Z",
    ]
    ended = ecluse("room", "invite", "sarcelles", *wish, "--count", "2", env=env)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["https://rdv.example.fr/1", "https://rdv.example.fr/2"]
    method, path, _, sent = Contract.asked[-1]
    assert (method, path) == ("POST", "/_ecluse/api/v1/rooms/sarcelles/invitations")
    assert sent == {
        "lane": "urgent", "issuer": "Mairie", "reason": "urgent cases", "expires_at": "2027-01-15T18:00:00Z", "count": 2,
    }  # fmt: skip


def test_list_as_json_is_what_the_api_says(env: dict[str, str]) -> None:
    assert json.loads(ecluse("room", "list", "--json", env=env).stdout) == {"rooms": [ROOM]}


def test_show_prints_settings_counts_lanes_and_journal(env: dict[str, str]) -> None:
    out = ecluse("room", "show", "sarcelles", env=env).stdout
    assert "pace_per_minute      120.0" in out
    assert "lane main            1,234 waiting, 118 calls a minute" in out
    assert "2026-11-23T09:00:00Z  astreinte  change: pace_per_minute 60 → 120 (more desks)" in out


def test_set_sends_numbers_choices_notices_reason_and_version(env: dict[str, str]) -> None:
    ended = ecluse(
        "room", "set", "sarcelles", "pace_per_minute=90.5", "capacity=80", "mode=paused", "notice.fr=Panne",
        "notice.en=Out = of order", "--reason", "printer", "--if-version", "7", env=env,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    method, path, headers, body = Contract.asked[-1]
    assert (method, path) == ("PATCH", "/_ecluse/api/v1/rooms/sarcelles")
    assert body == {
        "pace_per_minute": 90.5, "capacity": 80, "mode": "paused", "reason": "printer",
        "notice": {"fr": "Panne", "en": "Out = of order"},
    }  # fmt: skip
    assert headers["if-match"] == '"7"'
    assert "pace_per_minute = 90.5" in ended.stdout
    assert "version 8" in ended.stdout


def test_set_tells_every_mistake_and_sends_nothing(env: dict[str, str]) -> None:
    ended = ecluse("room", "set", "sarcelles", "pace_per_minute=fast", "mode=shut", "colour=red", "burst", env=env)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 4
    assert Contract.asked == []


def test_top_prints_one_picture_into_a_pipe(env: dict[str, str]) -> None:
    for arguments in (["--once"], ["sarcelles", "--once"], []):
        ended = ecluse("room", "top", *arguments, env=env)
        assert ended.returncode == 0, ended.stderr
        assert "sarcelles" in ended.stdout
        assert "admissions" in ended.stdout
        assert "\x1b" not in ended.stdout


def test_a_refusal_is_told_in_the_gateway_s_words(env: dict[str, str]) -> None:
    ended = ecluse("room", "show", "bobigny", env=env)
    assert ended.returncode == 1
    assert ended.stderr == "ecluse: Unknown room (404): There is no room of this name here.\n"
    ended = ecluse("room", "list", "--key", "wrong", env=env)
    assert ended.stderr == "ecluse: Operator key needed (401): Send an operator key.\n"


def test_a_room_name_cannot_leave_its_place_in_the_address(env: dict[str, str]) -> None:
    assert ecluse("room", "show", "../rooms?x", env=env).returncode == 1
    assert Contract.asked[0][1] == "/_ecluse/api/v1/rooms/..%2Frooms%3Fx"


def test_an_answer_that_is_not_ours_is_told(env: dict[str, str]) -> None:
    ended = ecluse("room", "show", "broken", env=env)
    assert ended.returncode == 1
    assert "does not answer like Écluse" in ended.stderr


def test_a_gateway_out_of_reach_is_one_line() -> None:
    (port,) = free_ports(1)
    ended = ecluse("room", "list", "--url", f"http://127.0.0.1:{port}", "--key", KEY)
    assert ended.returncode == 1
    assert ended.stderr.endswith("Connection refused. Is it running?\n")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("options", [["--url", "ftp://x", "--key", KEY], ["--url", "http://127.0.0.1"], ["--key", "é"]])
def test_an_address_or_key_that_cannot_work_is_refused_before_asking(options: list[str]) -> None:
    ended = ecluse("room", "list", *options)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_a_sparkline_is_as_high_as_its_highest_value() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([0, 4, 8]) == "▁▅█"


def test_the_curve_of_admissions_shows_what_happened_between_two_pictures() -> None:
    history = RoomHistory()
    for total in (100, 103, 103, 2):
        history.add([{"id": "a", "waiting": 1, "admissions": total}])
    assert list(history.admissions["a"]) == [0, 3, 0, 0]
