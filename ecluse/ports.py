"""TCP ports on this machine: listening sockets, free ones, taken ones. Errors are written for whoever started us."""

import errno
import socket

BACKLOG = 4096
"""Connections the kernel keeps for us while every worker is busy."""


class PortUnavailable(Exception):
    """A port cannot be had; the message names it and says what to do, in one line."""


def listening_socket(host: str, port: int, *, advice: str = "choose another with --port") -> socket.socket:
    """A listening socket that children may inherit. Port 0 lets the system choose. Raises PortUnavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port in TIME_WAIT is free for us; one with a listener is not, on Linux and macOS alike.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        listening.close()
        raise PortUnavailable(_reason(error, host, port, advice)) from None
    listening.setblocking(False)
    listening.set_inheritable(True)
    return listening


def _reason(error: Exception, host: str, port: int, advice: str) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"port {port} is already taken: stop the program that uses it, or {advice}"
    if code == errno.EACCES:
        return f"port {port} may not be opened by this user: {advice} (1024 or more)"
    told = error.strerror if isinstance(error, OSError) else str(error)
    return f"cannot listen on {host}, port {port}: {told}; {advice}"


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """`count` different ports that nobody listened on a moment ago."""
    held = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in held:
            each.bind((host, 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def accepts(port: int, host: str = "127.0.0.1", timeout_seconds: float = 0.5) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection((host, port), timeout_seconds):
            return True
    except OSError:
        return False
