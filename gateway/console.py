"""Who operates: told by a key, or by the cookie of a browser that signed in to the console with a password."""

import asyncio
import hashlib
import hmac

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ecluse.clock import Clock
from ecluse.domain.errors import CrossSite, Expired, Forged, KeyNeeded, SignInRefused, TooManyTries
from ecluse.passwords import PasswordHash
from ecluse.settings import OperatorSettings, Secrets, Settings
from ecluse.tokens import SigningKey, SignInSigner
from gateway.asgi import Scope, header
from gateway.attempts import Attempts
from gateway.cookies import cookie
from gateway.forms import SignInForm, read_fields
from gateway.page_views import Entrance
from gateway.requests import UNSAFE, bearer, is_same_origin
from gateway.visitor_answers import refuse_cross_site

log = structlog.get_logger()
SIGNED_IN_SECONDS = 8 * 3600
HASHED_AT_ONCE = 2
"""Each takes 16 MB and a processor for a quarter of a second."""
_WAITING_MOST = 20
_BUSY_SECONDS = 5
_CONSOLE = b"ecluse-console"


class Console:
    """Operators' keys, and the sessions of those who signed in with a password. Without passwords nothing is hashed."""

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock) -> None:
        self._keys = [(who, key.encode()) for who, key in secrets.operator_keys]
        self._hashes = {who.name: (who, PasswordHash.read(text)) for who, text in secrets.operator_passwords}
        self._decoy = next((known.decoy() for _, known in self._hashes.values()), None)
        self._by_mark = {_mark(who, text): who for who, text in secrets.operator_passwords}
        self._marks = {who.name: mark for mark, who in self._by_mark.items()}
        keys = [SigningKey.from_secret(secret) for secret in secrets.signing_keys]
        self._signer = SignInSigner(keys, clock=clock, purpose="console")
        self._attempts = Attempts(settings.networks, clock)
        self._clock = clock
        self._free = asyncio.Semaphore(HASHED_AT_ONCE)
        self._waiting = 0
        self._name = "__Host-ecluse_console" if settings.secure else "ecluse_console"
        self._tail = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if settings.secure else "")

    @property
    def routes(self) -> list[BaseRoute]:
        """Signing in and out."""
        path = "/_ecluse/console/session"
        return [Route(path, self.sign_in, methods=["POST"]), Route(path, self.sign_out, methods=["DELETE"])]

    def operator(self, scope: Scope) -> OperatorSettings:
        """Who asks: by the key sent, else by the cookie. Raises KeyNeeded, CrossSite."""
        if header(scope, b"authorization") is not None:
            return self._by_key((bearer(scope) or "").encode("latin-1"))
        found = self.signed_in(scope)
        if found is None:
            raise KeyNeeded
        # A browser sends a cookie whoever asks it to: what changes something has to come from the console's script.
        if scope["method"] in UNSAFE and not (is_same_origin(scope) and header(scope, _CONSOLE) == b"1"):
            raise CrossSite
        return found

    def _by_key(self, sent: bytes) -> OperatorSettings:
        found = None
        for who, key in self._keys:
            # Every key is compared, so that the time taken tells nothing.
            if hmac.compare_digest(key, sent):
                found = who
        if found is None:
            raise KeyNeeded
        return found

    def signed_in(self, scope: Scope) -> OperatorSettings | None:
        """Who signed in with this browser; nobody once the password was changed or taken away."""
        token = cookie(scope, self._name.encode())
        try:
            return None if token is None else self._by_mark.get(self._signer.read(token))
        except (Forged, Expired):
            return None

    def entrance(self, scope: Scope) -> Entrance:
        """What the page of the console asks for first."""
        if self.signed_in(scope) is not None:
            return "signed-in"
        return "password" if self._hashes else "key"

    async def sign_in(self, request: Request) -> Response:
        """A session for who has this name and password. Raises SignInRefused, TooManyTries, CrossSite, BadInput."""
        scope = request.scope
        refuse_cross_site(scope)
        form = await read_fields(scope, request.receive, SignInForm)
        name = form.name.strip()
        self._attempts.check(scope, name)
        self._attempts.count(scope, name)
        try:
            who = await self._who(name, form.password)
        except TooManyTries:
            self._attempts.take_back(scope, name)
            raise
        if who is None:
            log.warning("sign_in_refused")
            raise SignInRefused
        self._attempts.take_back(scope, name)
        log.info("signed_in", operator=who.name)
        token = self._signer.sign(self._marks[who.name], int(self._clock()) + SIGNED_IN_SECONDS)
        return self._answer(token, SIGNED_IN_SECONDS)

    async def sign_out(self, request: Request) -> Response:
        """Take the session's cookie back. Raises CrossSite."""
        refuse_cross_site(request.scope)
        return self._answer("", 0)

    async def _who(self, name: str, password: str) -> OperatorSettings | None:
        """The operator with this name and password; a name that nobody has takes as long. Raises TooManyTries."""
        if self._decoy is None:
            return None
        who, known = self._hashes.get(name, (None, self._decoy))
        if self._waiting >= _WAITING_MOST:
            raise TooManyTries("hashing", retry_after_seconds=_BUSY_SECONDS)
        self._waiting += 1
        try:
            async with self._free:
                right = await asyncio.to_thread(known.matches, password)
        finally:
            self._waiting -= 1
        return who if right else None

    def _answer(self, token: str, seconds: int) -> Response:
        headers = {"cache-control": "no-store", "set-cookie": f"{self._name}={token}; Max-Age={seconds}{self._tail}"}
        return Response(status_code=204, headers=headers)


def _mark(who: OperatorSettings, hashed: str) -> str:
    """Names an operator and their very password, without either's text: another password ends the session."""
    return hashlib.sha256(f"{who.name}\n{hashed}".encode()).hexdigest()[:24]
