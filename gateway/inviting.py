"""The operator interface for invitations: issue, list and revoke them."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ecluse.settings import Role
from gateway.operators import Operators, json_object, private
from gateway.visitor_answers import rfc3339


class Inviting:
    """The routes under rooms/{room}/invitations."""

    def __init__(self, operators: Operators, public_url: str) -> None:
        self._operators = operators
        self._public_url = public_url

    @property
    def routes(self) -> list[BaseRoute]:
        """Every route of it."""
        base = "/_ecluse/api/v1/rooms/{room}/invitations"
        return [
            Route(base, self.listed),
            Route(base, self.issue, methods=["POST"]),
            Route(f"{base}/{{batch}}", self.revoke, methods=["DELETE"]),
        ]

    async def issue(self, request: Request) -> Response:
        """Sign a batch of invitations; the only time that their tokens are told."""
        who = self._operators.operator(request, Role.OPERATOR)
        room = self._operators.room_of(request)
        found = await room.invitations.issue(await json_object(request), who=who.name)
        links = [f"{self._public_url}/_ecluse/rooms/{room.id}?invitation={token}" for token in found["tokens"]]
        return private(_told(found) | {"tokens": found["tokens"], "links": links}, status=201)

    async def listed(self, request: Request) -> Response:
        """Every batch: how many were issued and used, and whether it was revoked."""
        self._operators.operator(request, Role.VIEWER)
        found = await self._operators.room_of(request).invitations.listed()
        return private({"invitations": [_told(batch) for batch in found]})

    async def revoke(self, request: Request) -> Response:
        """Take a batch back: what is not used yet opens nothing more."""
        who = self._operators.operator(request, Role.OPERATOR)
        reason = request.query_params.get("reason", "")[:500]
        await self._operators.room_of(request).invitations.revoke(
            request.path_params["batch"], who=who.name, reason=reason
        )
        return Response(status_code=204)


def _told(batch: Mapping[str, Any]) -> dict[str, object]:
    return {
        **{name: batch[name] for name in ("id", "lane", "count", "issuer", "reason")},
        "used": batch.get("used", 0), "revoked": batch.get("revoked", False),
        "issued_at": rfc3339(batch["at_ms"]), "expires_at": rfc3339(batch["expires_at_ms"]),
    }  # fmt: skip
