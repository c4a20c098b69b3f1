"""Those who get the messages: a real SMTP server and a real web server, each on a port of its own, in threads."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from ecluse.ports import free_ports

LOGIN = LoginPassword(b"ecluse", b"secret-word")


@dataclass
class Mailbox:
    """A mail server that keeps what it takes. `answers`: what it says instead of taking the next ones."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    tried: int = 0

    async def recipient(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        self.tried += 1
        if self.answers and (said := self.answers.pop(0)):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def content(self, _server: Any, _session: Any, envelope: Any) -> str:
        found = message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data.login)
        return AuthResult(success=data == LOGIN)


@contextmanager
def mail_server(*, login: bool = False) -> Iterator[Mailbox]:
    """A mail server in a thread; with `login` it wants LOGIN first."""
    # Another program in real life; here its log would mix with ours.
    logging.getLogger("mail.log").propagate = False
    box = Mailbox(port=free_ports(1)[0])
    asks: dict[str, Any] = (
        {"auth_required": True, "auth_require_tls": False, "authenticator": box.authenticate} if login else {}
    )
    # The names under which aiosmtpd looks for what a handler can do.
    spoken = SimpleNamespace(handle_RCPT=box.recipient, handle_DATA=box.content)
    controller = Controller(spoken, hostname="127.0.0.1", port=box.port, **asks)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Posted:
    """One request that a web hook made."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HookServer:
    """A web server that keeps what is posted. `statuses`: what it answers to the next ones instead of 204."""

    port: int = 0
    posts: list[Posted] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sms?from=ecluse"


@contextmanager
def hook_server() -> Iterator[HookServer]:
    """A receiver of web hooks in a thread."""
    found = HookServer()

    class Receiver(BaseHTTPRequestHandler):
        def take(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posts.append(Posted({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.statuses.pop(0) if found.statuses else 204)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    Receiver.do_POST = Receiver.take  # type: ignore[attr-defined]  # the name under which the library looks for it

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
