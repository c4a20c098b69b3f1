"""Who may come in, decided the same for ASGI and WSGI: which paths are open, and whether a pass is genuine.

Pure but for the clock. Source: docs/pass.md, "What a verifier must do".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict, Unpack

from ecluse.clock import Clock, system_clock
from ecluse.origin.refusals import EXPIRED, FORGED, MISSING, OTHER_ROOM, TEXTS, TWICE, Refusal, Texts
from ecluse.tokens import Expired, Forged, Pass, PassSigner, SigningKey, WrongRoom

PASS_KEY = "ecluse.pass"  # noqa: S105 - a name, no secret
"""Where the verified Pass is found in a WSGI environ and in an ASGI scope; better, ask `pass_of`."""
STATE_KEY = "ecluse_pass"
"""The same in the state of an ASGI scope, which Starlette and FastAPI show as `request.state.ecluse_pass`."""

LEEWAY_MAX_SECONDS = 30
MIN_SECRET_CHARS = 16


def pass_of(request: Mapping[str, Any]) -> Pass | None:
    """The verified pass of a request, given its WSGI environ or ASGI scope; None on an open path."""
    found = request.get(PASS_KEY)
    return found if isinstance(found, Pass) else None


class Options(TypedDict, total=False):
    """What a gate is told: `rooms` and `keys` always, the rest where it differs."""

    rooms: Required[str | Sequence[str]]
    """The id of the room whose passes open this service, or several."""
    keys: Required[str | Sequence[str | SigningKey]]
    """The `origin_key` of those rooms, or its public half; after it, while keys change, those that still verify."""
    open_paths: Sequence[str]
    """What needs no pass: an entry that ends in "/" opens all below it, another exactly itself. None at first."""
    public_url: str
    """Where the waiting room is; refusals lead there."""
    texts: Texts
    """What refusals say in more languages than French and English, in the words of `refusals.TEXTS`."""
    leeway_seconds: float
    """How far this clock may be behind the gateway's or before it, 5 at first and 30 at most."""
    clock: Clock


class Door:
    """Decides about one request, and remembers none. Raises ValueError if it could not refuse what it must."""

    def __init__(self, **options: Unpack[Options]) -> None:
        if unknown := options.keys() - Options.__annotations__.keys():
            raise TypeError(f"a pass gate has no option {', '.join(sorted(unknown))}")
        rooms, keys, open_paths = options["rooms"], options["keys"], options.get("open_paths", ())
        leeway_seconds, clock = options.get("leeway_seconds", 5), options.get("clock", system_clock)
        self._rooms = (rooms,) if isinstance(rooms, str) else tuple(rooms)
        known = [_key(key) for key in ([keys] if isinstance(keys, str) else keys)]
        if not known:
            raise ValueError("a pass gate needs at least one key to verify passes with")
        if not self._rooms or "" in self._rooms:
            raise ValueError("a pass gate needs the id of the room whose passes it takes")
        if not 0 <= leeway_seconds <= LEEWAY_MAX_SECONDS:
            raise ValueError(f"leeway_seconds is from 0 to {LEEWAY_MAX_SECONDS}: an old pass must not open for long")
        if isinstance(open_paths, str) or not all(path.startswith("/") for path in open_paths):
            raise ValueError('open_paths is a list of paths, each beginning with "/"')
        self._signer = PassSigner(known, clock=lambda: clock() - leeway_seconds)
        self._prefixes = tuple(path for path in open_paths if path.endswith("/"))
        self._exact = frozenset(path for path in open_paths if not path.endswith("/"))
        self.public_url = options.get("public_url", "")
        self.texts = {**TEXTS, **options.get("texts", {})}
        for language, texts in self.texts.items():
            if missing := TEXTS["en"].keys() - texts.keys():
                raise ValueError(f"the texts of refusals in {language!r} lack {', '.join(sorted(missing))}")

    def is_open(self, path: str) -> bool:
        """Whether this path, decoded, needs no pass."""
        if path in self._exact:
            return True
        # A path that another layer might fold into a protected one is not an open path, whatever it begins with.
        plain = "/." not in path and "//" not in path and "\\" not in path and "%" not in path
        return plain and path.startswith(self._prefixes)

    def judge(self, passes: Sequence[str]) -> Pass | Refusal:
        """The verified pass, or why this request stays outside, given every `Ecluse-Pass` it carries."""
        if not passes:
            return MISSING
        if len(passes) > 1:
            return TWICE
        for room in self._rooms:
            try:
                return self._signer.read(passes[0], room)
            except WrongRoom:
                continue
            except Expired:
                return EXPIRED
            except Forged:
                return FORGED
        return OTHER_ROOM


def _key(key: str | SigningKey) -> SigningKey:
    named = SigningKey.from_secret(key.strip()) if isinstance(key, str) else key
    if named.public is None and len(named.secret) < MIN_SECRET_CHARS:
        raise ValueError(f"a key of a pass gate is shorter than {MIN_SECRET_CHARS} characters")
    return named
