"""What the page of a room is made from that asks before it gives a place. Pure."""

from dataclasses import dataclass

from gateway.page_look import PLAIN_LOOK, RoomLook
from gateway.page_mould import without_marks
from gateway.page_views import by_language


@dataclass(frozen=True, slots=True, kw_only=True)
class AskView:
    """The form of a room that asks before it gives a place. `fault` says what is wrong with what was `typed`.

    `known`: this person has a place, and is asked whether to go on with it here.
    """

    room: str
    lang: str
    title: dict[str, str]
    notice: dict[str, str]
    person: bool
    label: dict[str, str]
    help: dict[str, str]
    kind: str
    digits: bool
    fault: str
    known: bool
    form_not_sent: bool
    return_to: str
    typed: str
    lanes: tuple["LaneChoice", ...] = ()
    """Those to choose from; empty if there is no choice, or it is made."""
    lane_missing: bool = False
    invitation: str = ""
    look: RoomLook = PLAIN_LOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneChoice:
    """A lane as a person reads it. `used_up`: its quota is, for now."""

    id: str
    title: dict[str, str]
    help: dict[str, str]
    used_up: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class AskPart:
    """What such a form has in common with those of others."""

    room: str
    title: str
    title_lang: str
    notice: str
    notice_lang: str
    person: bool
    label: str
    label_lang: str
    help: str
    help_lang: str
    kind: str
    digits: bool
    fault: str
    known: bool
    form_not_sent: bool
    lanes: tuple[tuple[str, str, str, str, str, bool, bool], ...]
    """Of each: id, title and its language, help and its language, whether it is used up, and chosen."""
    lane_missing: bool
    invited: bool
    look: RoomLook
    state: str = "ask"


def ask_part(view: AskView, lang: str) -> AskPart:
    """The part of `view` that a mould is made from."""
    title, title_lang = by_language(view.title, lang)
    notice, notice_lang = by_language(view.notice, lang)
    label, label_lang = by_language(view.label, lang)
    help_text, help_lang = by_language(view.help, lang)
    return AskPart(
        room=view.room, title=without_marks(title) or view.room, title_lang=title_lang, notice=without_marks(notice),
        notice_lang=notice_lang, person=view.person, label=without_marks(label), label_lang=label_lang,
        help=without_marks(help_text), help_lang=help_lang, kind=view.kind, digits=view.digits, fault=view.fault,
        known=view.known, form_not_sent=view.form_not_sent, lane_missing=view.lane_missing,
        invited=bool(view.invitation),
        look=view.look,
        lanes=tuple(_choice(lane, lang) for lane in view.lanes),
    )  # fmt: skip


def _choice(lane: LaneChoice, lang: str) -> tuple[str, str, str, str, str, bool, bool]:
    title, title_lang = by_language(lane.title, lang)
    told, told_lang = by_language(lane.help, lang)
    name = without_marks(title) or lane.id
    return lane.id, name, title_lang, without_marks(told), told_lang, lane.used_up, lane.chosen
