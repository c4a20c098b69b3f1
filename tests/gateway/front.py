"""Proxies of all dialects as the gateway sees them when they ask whether a request may pass."""

from dataclasses import dataclass
from typing import Any

import jwt

from tests.gateway.visitor import HOST, Answer, Visitor
from tests.gateway.whole import ORIGIN_KEY, OpenWhole, Whole

DIALECTS = ("nginx", "traefik", "caddy", "envoy", "haproxy", "apache", "varnish")
TELLING = tuple(dialect for dialect in DIALECTS if dialect != "envoy")
"""Those that describe the request in X-Forwarded-*; Envoy makes it again under a prefix."""


@dataclass(frozen=True)
class Front:
    """A proxy that asks in one dialect."""

    dialect: str

    async def ask(
        self, visitor: Visitor, target: str = "/rdv", method: str = "GET", headers: dict[str, str] | None = None
    ) -> Answer:
        """What Écluse says to this proxy about a request of this visitor."""
        more = headers or {}
        if self.dialect == "envoy":
            return await visitor.ask(method, f"/_ecluse/verify/envoy{target}", more)
        told = {"x-forwarded-method": method, "x-forwarded-host": visitor.host, "x-forwarded-uri": target}
        return await visitor.ask("GET", f"/_ecluse/verify/{self.dialect}", {"host": HOST} | told | more)

    def sends(self, status: int) -> int:
        """The status it gets where a visitor gets `status`: nginx passes on no other refusals than 401 and 403."""
        return 401 if self.dialect == "nginx" else status

    def meant(self, answer: Answer) -> int:
        """The status that the visitor is to get."""
        return int(answer.get("ecluse-status") or 0) if self.dialect == "nginx" else answer.status


def read_origin_pass(token: str, room: str = "salle") -> dict[str, Any]:
    """The claims of what an origin is shown, as any library reads them; the clock is the test's."""
    return jwt.decode(
        token, ORIGIN_KEY.encode(), algorithms=["HS256"], audience=room, issuer="ecluse",
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip


class OpenBehind(OpenWhole):
    """The edge of a test behind a proxy on this machine, whose questions count."""

    async def __call__(self, *args: Any, **options: Any) -> Whole:
        settings = {"trusted_proxies": ["127.0.0.1/32"]} | (options.pop("settings", None) or {})
        return await super().__call__(*args, settings=settings, **options)
