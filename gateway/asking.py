"""What a room asks before it gives a place, told to a person as a form and to a program as a problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from ecluse.domain.errors import EcluseError, PersonInvalid, PersonNeeded
from ecluse.domain.person import PersonKind
from gateway.answers import HTML, Answers
from gateway.asgi import Headers, Scope, Send, respond
from gateway.directory import RoomEdge
from gateway.forms import JoinForm
from gateway.forwarding import asking_address
from gateway.page_ask import AskView, LaneChoice
from gateway.pages import SECURITY_HEADERS
from gateway.problems import send_problem
from gateway.requests import UNSAFE
from gateway.visitor_answers import refuse_cross_site


class Numbers:
    """Reads the number of a person, whoever types it: the person or a helper."""

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = trusted

    async def read(self, room: RoomEdge, scope: Scope, form: JoinForm) -> str | None:
        """The person number in a form, counted as a try. Raises PersonNeeded, PersonInvalid, TooManyTries."""
        people = room.visits.people
        if people is None or form.person is None:
            return None
        # Another site must not make a visitor's browser try numbers, nor move their place.
        refuse_cross_site(scope)
        number = people.read(form.person)
        await people.count_try(number, asking_address(scope, self._trusted))
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A form to show again: what was sent, and why it was not enough (`known`: this person has a place)."""

    to: str
    form: JoinForm | None = None
    mistake: PersonInvalid | None = None
    known: bool = False
    lane_missing: bool = False
    status: int = 200
    form_not_sent: bool = False


async def ask(answers: Answers, scope: Scope, send: Send, room: RoomEdge, question: Question) -> None:
    """The page that asks; it works without script, and does not reload by itself."""
    settings, form = room.settings, question.form
    person = settings.person
    view = AskView(
        room=room.id,
        lang=answers.language(scope),
        title=dict(settings.title),
        notice=dict(room.board.document["notice"]),
        person=person is not None,
        label={} if person is None else dict(person.label),
        help={} if person is None else dict(person.help),
        kind="" if person is None else person.kind.value,
        digits=person is not None and person.kind is PersonKind.RESIDENCE_PERMIT,
        fault="" if question.mistake is None else question.mistake.fault,
        known=question.known,
        form_not_sent=question.form_not_sent,
        return_to=question.to,
        typed="" if form is None or form.person is None else form.person,
        lanes=_choices(room, question),
        invitation="" if form is None or form.invitation is None else form.invitation,
        lane_missing=question.lane_missing,
        look=room.look,
    )
    out: Headers = [HTML, *SECURITY_HEADERS, *answers.remembered(scope, view.lang)]
    await respond(send, question.status, out, answers.pages.ask(view))


def _choices(room: RoomEdge, question: Question) -> tuple[LaneChoice, ...]:
    """The lanes to choose from: none where the address chooses one, or only one is open to all."""
    lanes = [lane for lane in room.settings.lane if lane.open]
    invited = question.form is not None and question.form.invitation
    if len(lanes) < 2 or invited or room.lane_at(question.to) is not None:
        return ()
    sent = None if question.form is None else question.form.lane
    return tuple(
        LaneChoice(
            id=lane.id, title=dict(lane.title), help=dict(lane.help), chosen=lane.id == sent,
            used_up=room.board.lanes[lane.id].get("quota_left") == 0,
        )
        for lane in lanes
    )  # fmt: skip


async def ask_at_gate(answers: Answers, scope: Scope, send: Send, room: RoomEdge, to: str) -> None:
    """A person at a protected path is asked there; a form that arrived with the request was not sent."""
    unsafe = scope["method"] in UNSAFE
    await ask(answers, scope, send, room, Question(to=to, status=429 if unsafe else 200, form_not_sent=unsafe))


async def refuse_unasked(send: Send, room: RoomEdge, error: EcluseError | None = None) -> None:
    """A program is told what to send, and where."""
    members: dict[str, object] = {"room": room.id, "join_url": f"/_ecluse/rooms/{room.id}/tickets"}
    await send_problem(send, error or PersonNeeded(), members=members)
