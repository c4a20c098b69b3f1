"""The public keys of passes, for verifiers that must not be able to mint."""

import json
from collections.abc import Awaitable, Callable

from ecluse.settings import Secrets
from ecluse.signing import SigningKey
from gateway.asgi import Receive, Scope, Send, respond


def public_keys(secrets: Secrets) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The public keys (RFC 7517 §5), of visitors' passes and of origins'; those of shared secrets have none."""
    named = [*secrets.signing_keys, *secrets.origin_keys.values()]
    public = {key.kid: key.public for key in map(SigningKey.from_secret, named) if key.public is not None}
    body = json.dumps({"keys": list(public.values())}, separators=(",", ":")).encode()
    kind, cached = (b"content-type", b"application/jwk-set+json"), (b"cache-control", b"public, max-age=300")

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 200, [kind, cached], body)

    return answer
