"""The cookies of a room: its ticket and its pass, and the visitor's language (RFC 6265bis)."""

from gateway.asgi import Scope, first_headers

_LANGUAGE_SECONDS = 365 * 86_400


def cookie(scope: Scope, name: bytes) -> str | None:
    """The value of a cookie; None if there is none, or several that differ (one of them was planted)."""
    if b"cookie" not in first_headers(scope):
        return None
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key != b"cookie" or name not in value:
            continue
        for part in value.split(b";"):
            left, equals, right = part.strip().partition(b"=")
            if equals and left == name:
                if found is not None and found != right:
                    return None
                found = right
    return None if found is None else found.decode("latin-1")


class RoomCookies:
    """How the cookies of one room are called and set."""

    def __init__(self, room: str, *, secure: bool, ticket_seconds: int) -> None:
        prefix = "__Host-" if secure else ""
        self.ticket = f"{prefix}ecluse_ticket_{room}".encode()
        self.follow = f"{prefix}ecluse_follow_{room}".encode()
        self.granted = f"{prefix}ecluse_pass_{room}".encode()
        self.ticket_seconds = ticket_seconds
        self._tail = b"; Path=/; HttpOnly; SameSite=Lax" + (b"; Secure" if secure else b"")

    def set_ticket(self, token: str) -> tuple[bytes, bytes]:
        """Give the visitor a ticket."""
        return self._set(self.ticket, token.encode(), self.ticket_seconds)

    def set_pass(self, token: str, seconds: int) -> tuple[bytes, bytes]:
        """Give the visitor a pass that lives `seconds`."""
        return self._set(self.granted, token.encode(), max(seconds, 1))

    def set_follow(self, token: str) -> tuple[bytes, bytes]:
        """Let the visitor follow somebody's place."""
        return self._set(self.follow, token.encode(), self.ticket_seconds)

    def forget_follow(self) -> tuple[bytes, bytes]:
        """End the following."""
        return self._set(self.follow, b"", 0)

    def forget_ticket(self) -> tuple[bytes, bytes]:
        """Take the ticket back."""
        return self._set(self.ticket, b"", 0)

    def forget_pass(self) -> tuple[bytes, bytes]:
        """Take the pass back."""
        return self._set(self.granted, b"", 0)

    def _set(self, name: bytes, value: bytes, seconds: int) -> tuple[bytes, bytes]:
        return b"set-cookie", name + b"=" + value + b"; Max-Age=" + str(seconds).encode() + self._tail


class LanguageCookie:
    """The cookie of the language a visitor chose, for the whole site."""

    def __init__(self, *, secure: bool) -> None:
        self.name = b"__Host-ecluse_lang" if secure else b"ecluse_lang"
        self._tail = f"; Max-Age={_LANGUAGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

    def set(self, code: str) -> tuple[bytes, bytes]:
        """Remember the language a visitor chose."""
        return b"set-cookie", self.name + b"=" + code.encode() + self._tail.encode()
