"""Every state of the pages with made-up visitors: for looking at, for screenshots, and for the tests of all states."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.page_look import RoomLook
from gateway.page_scenes import OTHERS, TICKET
from gateway.page_views import HoursView, PageState
from gateway.pages import Pages, ProblemView, WaitingView

TITLE = {"fr": "Renouvellement de titre de séjour", "en": "Residence permit renewal"}
NOTICE = {"fr": "Munissez-vous de votre numéro étranger.", "en": "Have your foreigner number at hand."}
PAUSE = {"fr": "Une coupure de courant : reprise vers 14 h.", "en": "A power cut: we go on at about two."}
LOOK = RoomLook(
    counter={
        "fr": "lundi à jeudi, 9 h à 12 h, 5 avenue de Paris",
        "en": "Monday to Thursday, 9 to 12, 5 avenue de Paris",
    },
    phone="01 23 45 67 89",
    help={"fr": "Point d’accueil numérique, hall B", "en": "Digital help point, hall B"},
    link="https://www.example.org/aide",
    link_text={"fr": "Toutes les démarches sans internet", "en": "Everything that works without internet"},
    lanes=(
        ("renewal", {"fr": "Renouvellement", "en": "Renewal"}),
        ("first", {"fr": "Première demande", "en": "First application"}),
    ),
)
"""What a room that says everything looks like."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One made-up situation: the state, and what differs from somebody who is twelfth in an open room."""

    state: PageState
    phase: str = "open"
    placed: bool = True
    changes: Mapping[str, Any] = field(default_factory=dict)


_OPENS: Mapping[str, Any] = {"ahead": None, "wait_low_seconds": None, "wait_high_seconds": None}
SCENES: Mapping[str, Scene] = {
    "waiting": Scene("waiting", changes={"notice": NOTICE}),
    "waiting-far": Scene("waiting", changes={
        "ahead": 4321, "slots_left": 300, "wait_low_seconds": 8000, "wait_high_seconds": 14_000,
    }),
    "next": Scene("waiting", changes={"ahead": 0, "wait_low_seconds": 0, "wait_high_seconds": 50}),
    "form-not-sent": Scene("waiting", changes={"form_not_sent": True}),
    "stale": Scene("waiting", changes={"stale": True}),
    "called": Scene("called", changes={"ahead": None}),
    "called-early": Scene("called", changes={"ahead": None, "early_seconds": 4}),
    "missed": Scene("missed", changes={"ahead": None}),
    "gone": Scene("gone", changes={"ahead": None}),
    "ended": Scene("ended", changes={"ahead": None}),
    "none": Scene("none", placed=False),
    "paused": Scene("paused", "paused", changes={"notice": PAUSE}),
    "paused-unsaid": Scene("paused", "paused"),
    "closed": Scene("closed", "closed", placed=False),
    "prequeue": Scene("prequeue", "prequeue", changes=_OPENS),
    "drawing": Scene("drawing", "drawing", changes=_OPENS),
    "over": Scene("over", changes={"ahead": None}),
    "moved": Scene("moved", changes={"ahead": None}),
}  # fmt: skip
PROBLEMS: Mapping[str, tuple[str, int]] = {
    "full": ("full", 503), "store-away": ("store-away", 503), "too-many-errors": ("origin-away", 502),
    "too-slow": ("origin-slow", 504),
    "busy": ("origin-busy", 503), "too-fast": ("visit-too-fast", 429), "refused-form": ("form-not-sent", 429),
    "nothing-here": ("not-found", 404), "unforeseen": ("internal", 500),
}  # fmt: skip
NAMES = (*SCENES, *OTHERS, *PROBLEMS, "accessibility")
"""Every page of the preview."""
_HOURS = HoursView(
    zone="Europe/Paris", opens_at_ms=None, closes_at_ms=None, draws=True, keeps=False, undrawn=True, first_number=0,
    campaign_at_ms=0,
)  # fmt: skip


def scene_view(name: str, lang: str, *, look: RoomLook = LOOK, title: Mapping[str, str] = TITLE) -> WaitingView:
    """The view of a scene. The room is called like the scene, so that its addresses tell which it is."""
    scene = SCENES[name]
    now_ms = int(time.time() * 1000)
    hours = None
    if scene.state in ("closed", "prequeue", "drawing"):
        opens = now_ms + (37 * 60_000 if scene.state == "prequeue" else 40 * 3_600_000)
        hours = HoursView(**{**_as_fields(_HOURS), "opens_at_ms": None if scene.state == "drawing" else opens})
    values: dict[str, Any] = {
        "room": name, "title": dict(title), "lang": lang, "phase": scene.phase, "state": scene.state, "ahead": 12,
        "wait_low_seconds": 370, "wait_high_seconds": 700, "pace_per_minute": 120, "notice": {}, "stale": False,
        "claim_until_ms": now_ms + 170_000 if scene.state == "called" else None, "now_ms": now_ms, "return_to": "/",
        "lane": "main" if scene.placed else None, "place": 5000 if scene.placed else None, "epoch": "preview0",
        "id": TICKET if scene.placed else None, "refresh_seconds": 30, "form_not_sent": False, "hours": hours,
        "look": look,
    }  # fmt: skip
    if not scene.placed:
        values["ahead"] = None
    return WaitingView(**{**values, **scene.changes})


def _as_fields(hours: HoursView) -> dict[str, Any]:
    return {name: getattr(hours, name) for name in HoursView.__slots__}


def scene_page(pages: Pages, name: str, lang: str, **room: Any) -> bytes:
    """The page of this name. Raises KeyError if there is none."""
    if name in SCENES:
        return pages.waiting(scene_view(name, lang, **room))
    if name in OTHERS:
        scene, made = OTHERS[name]
        return made(pages, scene_view(scene, lang, **room))
    if name == "accessibility":
        return pages.accessibility(lang)
    slug, status = PROBLEMS[name]
    view = ProblemView(
        slug=slug, lang=lang, status=status, title=dict(room.get("title", TITLE)), look=room.get("look", LOOK),
        retry_to=None if status == 404 else "/", refresh_seconds=10 if status >= 502 or slug == "visit-too-fast" else 0,
    )  # fmt: skip
    return pages.problem(view)


def scene_board(name: str) -> dict[str, Any]:
    """A board that says the same as the scene, so that the script of the page leaves it as it is."""
    view = scene_view(name, "en")
    ahead = view.ahead or 0
    fast, slow = (
        60 * (ahead + 1) / max(seconds or 60, 1) for seconds in (view.wait_low_seconds, view.wait_high_seconds)
    )
    opens_at = None if view.hours is None or view.hours.opens_at_ms is None else _rfc3339(view.hours.opens_at_ms)
    lane = {
        "waiting": ahead + 200, "serving": 1000, "calls_per_minute": {"p50": fast, "slow": slow},
        "marks": [[4000, 0], [5000, ahead], [9000, ahead + 199]] if ahead else [[5000, 0], [9000, 199]],
    }  # fmt: skip
    return {
        "room": name, "epoch": "preview0", "at_ms": view.now_ms, "phase": view.phase, "notice": view.notice,
        "pace_per_minute": view.pace_per_minute, "waiting": ahead + 200, "called": 3, "admitted": 40,
        "opens_at": opens_at, "closes_at": None, "stale": view.stale, "slots_left": view.slots_left,
        "lanes": {"main": lane}, "poll_seconds": {"near": 3, "far": 20},
    }  # fmt: skip


def scene_ticket(name: str) -> dict[str, Any]:
    """The ticket of the scene's visitor."""
    view = scene_view(name, "en")
    until = None if view.claim_until_ms is None else _rfc3339(view.claim_until_ms)
    return {
        "id": view.id, "lane": view.lane, "number": 5000, "place": 5000, "state": view.state, "ahead": view.ahead or 0,
        "wait_seconds": {"p50": 0, "p90": 0}, "next_poll_seconds": 20, "claim_until": until,
    }  # fmt: skip


def _rfc3339(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))


def check_pages(pages: Pages) -> None:
    """Render every page in every language. Raises what a template of one's own gets wrong."""
    for lang in pages.languages:
        for name in NAMES:
            scene_page(pages, name, lang)
        pages.console(lang)
        pages.static(f"js/words-{lang}.js")
