"""A visitor of a few lines: keeps cookies, speaks HTTP/1.1 in bytes, follows nothing by itself."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.gateway.rig import read_body

HTML = "text/html,application/xhtml+xml"
HOST = "rdv.example.fr"
ROOM = "/_ecluse/rooms/salle"
Given = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]

    def get(self, name: str) -> str | None:
        found = self.all(name)
        return found[-1] if found else None

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The slug of the problem this answer is."""
        assert self.get("content-type") == "application/problem+json", (self.status, self.headers, self.body[:200])
        found = self.json()
        assert found["status"] == self.status
        assert found["title"]
        assert found["detail"]
        return str(found["type"]).removeprefix("/_ecluse/problems/")

    @property
    def cookies(self) -> dict[str, tuple[str, set[str]]]:
        """Cookies set: name → (value, attributes in lower case)."""
        out = {}
        for line in self.all("set-cookie"):
            pair, *rest = line.split("; ")
            name, _, value = pair.partition("=")
            out[name] = (value, {part.lower() for part in rest})
        return out


@dataclass
class Visitor:
    """One browser: a cookie jar and who it says it is."""

    port: int
    jar: dict[str, str] = field(default_factory=dict)
    accept: str = HTML
    host: str = HOST

    async def ask(self, method: str, path: str, headers: Given = (), body: bytes = b"") -> Answer:
        """One request, one answer. `headers` go after ours; a header named there replaces ours."""
        given = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        named = {name.lower() for name, _ in given}
        ours = [("host", self.host), ("accept", self.accept)]
        if self.jar:
            ours.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
        if body or method in ("POST", "PUT", "PATCH"):
            ours.append(("content-length", str(len(body))))
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{k}: {v}" for k, v in [*(p for p in ours if p[0] not in named), *given]),
        ]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                first, *rest = head[:-4].decode("latin-1").split("\r\n")
                status = int(first.split(" ", 2)[1])
                bodiless = method == "HEAD" or status in (204, 304)
                content = b"" if bodiless else await read_body(reader, head)
        finally:
            writer.close()
        pairs = [line.partition(":") for line in rest]
        answer = Answer(status, [(name.lower(), value.strip()) for name, _, value in pairs], content)
        for name, (value, attributes) in answer.cookies.items():
            if "max-age=0" in attributes:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return answer

    async def get(self, path: str = "/", **headers: str) -> Answer:
        return await self.ask("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    async def post(self, path: str, document: object = None, **headers: str) -> Answer:
        """As a program: JSON in, JSON out."""
        body = b"" if document is None else json.dumps(document).encode()
        kind = {"content-type": "application/json", "accept": "application/json"}
        return await self.ask("POST", path, kind | {n.replace("_", "-"): v for n, v in headers.items()}, body)

    async def form(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """As a page without script."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", path, kind | more, urlencode(fields).encode())

    async def join(self, **fields: str) -> Answer:
        return await self.post(f"{ROOM}/tickets", fields)

    async def claim(self, **fields: str) -> Answer:
        return await self.post(f"{ROOM}/claim", fields)

    async def state(self) -> str:
        """The state of our ticket, as the gateway tells it."""
        answer = await self.get(f"{ROOM}/ticket")
        assert answer.status == 200, answer
        return str(answer.json()["state"])

    def twin(self, port: int | None = None) -> "Visitor":
        """Another tab, or the same browser at another gateway: the same cookies."""
        return Visitor(port or self.port, dict(self.jar), self.accept, self.host)

    @property
    def granted(self) -> str:
        """The pass."""
        return next(value for name, value in self.jar.items() if "ecluse_pass_" in name)

    @property
    def ticket(self) -> str:
        """The ticket."""
        return next(value for name, value in self.jar.items() if "ecluse_ticket_" in name)
