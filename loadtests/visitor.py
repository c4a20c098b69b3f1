"""One simulated visitor: what can be asked of the gateway and the booking service, each verb a generator of moves."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

from loadtests.answers import (
    BoardAnswer,
    ClaimAnswer,
    JoinAnswer,
    LaneAnswer,
    ProblemAnswer,
    TicketAnswer,
    WrongAnswer,
    ahead_of,
    is_due,
    look_again_seconds,
    read,
    read_board,
    read_pass,
    retry_after_seconds,
)
from loadtests.moves import Answer, Ask, Jar, Moves, Step, ask, pause
from loadtests.signing import base64url, origin_pass
from loadtests.site import JSON, PAGE, Site
from loadtests.tally import Tally, Trace

BOARD_AGE_SECONDS = 2.5
"""How old what a board (or an answer made from it) says may be: a second of making, of caching, and some way."""
PATIENCE = 8
"""Wrong answers in a row after which somebody gives up."""
PLACE_CHANGED = "the place changed"
T = TypeVar("T")


class Visitor:
    """Somebody with a browser or an app: cookies, a place, a way that is traced."""

    def __init__(self, site: Site, tally: Tally, random: Random, persona: str, *, bearer: bool = False) -> None:
        self.site = site
        self.tally = tally
        self.random = random
        self.trace = Trace(persona=persona)
        if tally.traces is not None:
            tally.traces.append(self.trace)
        self.jar = Jar()
        self.address = ""
        """An address that is claimed in X-Forwarded-For; empty: none."""
        self.epoch = ""
        self._base = f"/_ecluse/rooms/{site.room}"
        self._ticket_cookie = f"ecluse_ticket_{site.room}"
        self._pass_cookie = f"ecluse_pass_{site.room}"
        self._bearer = bearer
        self._board: tuple[str, BoardAnswer] | None = None
        self.last_body = b""
        """The page opened last."""

    def companion(self) -> "Visitor":
        """Somebody else of the same kind, with cookies and a place of their own."""
        random = Random(self.random.getrandbits(64))
        made = Visitor(self.site, self.tally, random, self.trace.persona, bearer=self._bearer)
        made.trace.robot = self.trace.robot
        return made

    @property
    def ticket_token(self) -> str | None:
        """The signed ticket."""
        return self.jar.find(self._ticket_cookie)

    @property
    def proofs(self) -> tuple[str, str]:
        """The pass and the ticket, empty where there is none."""
        return self.jar.find(self._pass_cookie) or "", self.ticket_token or ""

    @property
    def is_inside(self) -> bool:
        """Whether there is a pass."""
        return self.jar.find(self._pass_cookie) is not None

    def send(  # noqa: PLR0913 - one request, by name
        self,
        step: Step,
        method: str,
        path: str,
        expected: set[int],
        *,
        headers: Mapping[str, str] = JSON,
        body: Mapping[str, object] | None = None,
        form: bytes | None = None,
        cookie: str | None = None,
    ) -> Moves[Answer]:
        """One request with this visitor's proofs (or `cookie` instead of them). Raises WrongAnswer."""
        sent = dict(headers)
        token = self.ticket_token
        by_bearer = self._bearer and token is not None and cookie is None
        if by_bearer and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {token}"
        cookies = cookie if cookie is not None else self.jar.header(without=self._ticket_cookie if by_bearer else "")
        if cookies and step is not Step.BOARD:
            sent["Cookie"] = cookies
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.address:
            sent["X-Forwarded-For"] = self.address
        if self.site.direct_key:
            sent["Ecluse-Pass"] = self._pass_of_own_making()
        request = Ask(
            step=step,
            method=method,
            path=path,
            headers=sent,
            body=form if body is None else json.dumps(body).encode(),
            expected=frozenset(expected),
        )
        answer = yield from ask(request)
        self.tally.count(request, answer)
        self.trace.failures += answer.status >= 500
        if answer.status not in expected:
            kind = f"{step.value}: {answer.status or 'no answer'}"
            detail = answer.error or answer.body[:200].decode("utf-8", "replace")
            raise WrongAnswer(kind, detail, retry_after_seconds=retry_after_seconds(answer.headers))
        self.jar.take(answer.set_cookies)
        return answer

    def note_booked(self, answer: Answer) -> None:
        """The origin has confirmed."""
        self.trace.booked_at = answer.received_at

    def _pass_of_own_making(self) -> str:
        """What a gate would send along, for an origin without one: it lets everybody in."""
        self.trace.session = self.trace.session or base64url(self.random.randbytes(8))
        return origin_pass(self.site.room, self.trace.session, self.site.direct_key)

    def patiently(self, verb: Callable[[], Moves[T]]) -> Moves[T]:
        """The verb, again after a while for as long as it is answered wrongly. Raises the last WrongAnswer."""
        failures = 0
        while True:
            try:
                return (yield from verb())
            except WrongAnswer as wrong:
                self.tally.note_wrong(wrong)
                failures += 1
                if failures >= PATIENCE:
                    raise
                backoff = max(wrong.retry_after_seconds, min(60.0, 2.0**failures))
            yield from pause(backoff * self.random.uniform(1.0, 1.3))

    # ---- arriving ----

    def open_page(self) -> Moves[None]:
        """Open the protected page as a browser does: inside at once, or with a place. Reloading is the same."""
        was_inside = self.is_inside
        answer = yield from self.send(Step.PAGE, "GET", self.site.home, {200}, headers=PAGE)
        self.last_body = answer.body
        self._arrived(answer, was_inside=was_inside)

    def call_service(self) -> Moves[None]:
        """Ask the protected JSON interface as an app does: inside at once, or 429 with a place."""
        was_inside = self.is_inside
        answer = yield from self.send(Step.SERVICES, "GET", "/api/services", {200, 429})
        if answer.status == 429 and (slug := read(ProblemAnswer, answer.body).slug) != "waiting":
            raise WrongAnswer("services: 429 of another kind", slug)
        self._arrived(answer, was_inside=was_inside)

    def _arrived(self, answer: Answer, *, was_inside: bool) -> None:
        self._here_since(answer)
        if self.is_inside:
            if not was_inside:
                self._admitted(answer)
        elif self.ticket_token is None:
            raise WrongAnswer("neither a pass nor a place", f"status {answer.status}")

    def knock(self) -> Moves[None]:
        """Ask an origin without a gate."""
        self._here_since((yield from self.send(Step.SERVICES, "GET", "/api/services", {200})))

    def join(self) -> Moves[JoinAnswer]:
        """Take a place, or take a missed one back, or present the ticket again after a new epoch."""
        answer = yield from self.send(Step.JOIN, "POST", f"{self._base}/tickets", {200, 201}, body={})
        joined = read(JoinAnswer, answer.body)
        self._here_since(answer)
        self._stand(joined.lane, joined.place)
        return joined

    def _here_since(self, answer: Answer) -> None:
        if self.trace.arrived_at is None:
            self.trace.arrived_at = answer.received_at

    def _stand(self, lane: str, place: float) -> None:
        if self.trace.place is not None and (self.trace.place, self.trace.lane) != (place, lane):
            raise WrongAnswer(PLACE_CHANGED, f"from {self.trace.place:.0f} to {place:.0f}")
        self.trace.lane, self.trace.place = lane, place

    # ---- waiting ----

    def board(self) -> Moves[BoardAnswer]:
        """The board, asked as browsers do: not sent again if it is the one we have."""
        tag = {} if self._board is None else {"If-None-Match": self._board[0]}
        answer = yield from self.send(
            Step.BOARD, "GET", f"{self._base}/board.json", {200, 304} if tag else {200}, headers={**JSON, **tag}
        )
        if answer.status == 200:
            board = read_board(answer.body)
            if board.room != self.site.room:
                raise WrongAnswer("board of another room", board.room)
            self._board = (answer.headers.get("etag", ""), board)
            self.tally.note_board(board, answer.received_at)
        assert self._board is not None
        board = self._board[1]
        lane, place = self._lane(board), self.trace.place
        if lane is not None and place is not None and not is_due(place, lane):
            self._not_called(answer.sent_at)
        return board

    def _lane(self, board: BoardAnswer) -> LaneAnswer | None:
        return None if self.trace.lane is None else board.lanes.get(self.trace.lane)

    def ticket(self) -> Moves[TicketAnswer]:
        """Where the ticket stands."""
        answer = yield from self.send(Step.TICKET, "GET", f"{self._base}/ticket", {200})
        found = read(TicketAnswer, answer.body)
        self._stand(found.lane, found.place)
        if found.state == "waiting":
            self._not_called(answer.sent_at)
            self._note_told(found, answer.received_at)
        elif self.trace.called_at is None:
            self.trace.called_at = answer.received_at
        return found

    def _note_told(self, found: TicketAnswer, received_at: float) -> None:
        if self.trace.told_at is None and found.wait_seconds.p90:
            self.trace.told_at = received_at
            self.trace.told_p50_seconds = found.wait_seconds.p50
            self.trace.told_p90_seconds = found.wait_seconds.p90

    def _not_called(self, sent_at: float) -> None:
        if self.trace.called_at is None:
            self.trace.not_called_at = sent_at - BOARD_AGE_SECONDS

    def look(self) -> Moves[tuple[TicketAnswer | None, float]]:
        """One look at the line as the waiting page does it: the ticket if it may be due, and when to look again."""
        board = yield from self.board()
        if self.epoch and board.epoch != self.epoch:
            # The line lost its memory; everybody presents their ticket, spread over some seconds.
            yield from pause(self.random.uniform(0, 10))
            yield from self.join()
        self.epoch = board.epoch
        lane, place = self._lane(board), self.trace.place
        if lane is None or place is None or is_due(place, lane):
            found = yield from self.ticket()
            return found, found.next_poll_seconds
        return None, look_again_seconds(ahead_of(place, lane), lane, board.poll_seconds)

    def leave(self) -> Moves[None]:
        """Give up the place."""
        yield from self.send(Step.LEAVE, "DELETE", f"{self._base}/ticket", {204})
        self.jar.drop(self._ticket_cookie)

    # ---- going in ----

    def claim(self) -> Moves[float | None]:
        """Press Enter: None once inside, else in how many seconds to try again. Raises Late if the call is over."""
        answer = yield from self.send(Step.CLAIM, "POST", f"{self._base}/claim", {200, 425, 410})
        if answer.status == 200:
            granted = read(ClaimAnswer, answer.body).granted
            self.jar.take([f"{self._pass_cookie}={granted}"] if not self.is_inside else [])
            self._admitted(answer)
            return None
        problem = read(ProblemAnswer, answer.body)
        if answer.status == 410:
            raise Late(problem.slug)
        if problem.slug not in ("not-called", "limits-full"):
            raise WrongAnswer("claim: 425 of another kind", problem.slug)
        seconds = retry_after_seconds(answer.headers)
        if seconds <= 0:
            raise WrongAnswer("claim: 425 without Retry-After")
        return seconds

    def note_entered(self, answer: Answer) -> None:
        """Note the admission that a form of the page brought, if it did."""
        if self.is_inside:
            self._admitted(answer)

    def _admitted(self, answer: Answer) -> None:
        if self.trace.admitted_at is not None:
            return
        token = self.jar.find(self._pass_cookie) or ""
        claims = read_pass(token)
        if claims.aud != self.site.room:
            raise WrongAnswer("pass of another room", claims.aud)
        self.trace.session = claims.sub
        self.trace.asked_at, self.trace.admitted_at = answer.sent_at, answer.received_at
        self.tally.events["admitted"] += 1


class Late(Exception):
    """The turn is over: "missed" (the place can be taken back once) or "gone"."""
