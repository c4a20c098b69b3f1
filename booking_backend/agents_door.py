"""Who may open the agents' pages: passwords kept as scrypt hashes, sessions in memory, a limit on guesses.

A hash is written `name:scrypt$<salt>$<hash>` (base64), as `python -m booking_backend hash-password NAME` prints it.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SESSION_SECONDS = 10 * 3600
GUESSES_MAX = 5
GUESSES_SECONDS = 300
_COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent who signed in."""

    name: str
    session: str
    until: int
    """Unix seconds."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    """Stands in every form of theirs: no other page can know it."""

    def wrote(self, token: str) -> bool:
        """Whether a form came from a page of this agent."""
        return hmac.compare_digest(self.token.encode(), token.encode())


def hashed(name: str, password: str) -> str:
    """The line to configure for an agent."""
    salt = secrets.token_bytes(16)
    return f"{name}:scrypt${_text(salt)}${_text(_scrypt(password, salt))}"


def read_agents(lines: Sequence[str]) -> Mapping[str, tuple[bytes, bytes]]:
    """Salt and hash by name. Raises ValueError for a line that is none."""
    agents = {}
    for line in lines:
        name, _, kept = line.strip().partition(":")
        kind, salt, digest = [*kept.split("$"), "", ""][:3]
        if not name or kind != "scrypt" or not salt or not digest:
            raise ValueError("--agents: lines as `ecluse booking hash-password NAME` prints them")
        agents[name] = (base64.b64decode(salt), base64.b64decode(digest))
    return agents


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_COST)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


class Door:
    """Lets agents in and remembers them; a restart signs everybody out."""

    def __init__(self, agents: Mapping[str, tuple[bytes, bytes]]) -> None:
        self.agents = agents
        self._inside: dict[str, Agent] = {}
        self._guesses: dict[str, list[int]] = {}
        self._one_at_a_time = asyncio.Semaphore(1)

    def may_try(self, name: str, now: int) -> bool:
        """Whether another guess is allowed for this name; all unknown names share theirs."""
        known = name if name in self.agents else ""
        recent = [at for at in self._guesses.get(known, []) if at > now - GUESSES_SECONDS]
        self._guesses[known] = recent
        return len(recent) < GUESSES_MAX

    async def enter(self, name: str, password: str, now: int) -> Agent | None:
        """The agent of this name and password. Takes as long for a name that nobody has."""
        known = name if name in self.agents else ""
        salt, digest = self.agents.get(name, (b"nobody has this", b""))
        self._guesses.setdefault(known, []).append(now)
        async with self._one_at_a_time:
            right = hmac.compare_digest(await asyncio.to_thread(_scrypt, password, salt), digest)
        if not right:
            return None
        self._guesses.pop(known, None)
        self._inside = {key: each for key, each in self._inside.items() if each.until > now}
        agent = Agent(name=name, session=secrets.token_urlsafe(24), until=now + SESSION_SECONDS)
        self._inside[agent.session] = agent
        return agent

    def inside(self, session: str, now: int) -> Agent | None:
        """Who has this session."""
        agent = self._inside.get(session)
        return agent if agent is not None and agent.until > now else None

    def leave(self, agent: Agent) -> None:
        """Sign out."""
        self._inside.pop(agent.session, None)
