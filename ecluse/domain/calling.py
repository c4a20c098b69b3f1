"""How many to call: enough that claims flow at the pace although people miss their turn and take time to press Enter.

What is learnt is a hazard: in each stretch of time since the call, how many claims came per second that a called
visitor was awaited (a piecewise exponential survival model; Kalbfleisch & Prentice, ch. 3). From it follow the show
rate, the claim delay, and how many claims may still be expected from those already called, however old their call
is. Somebody silent for long counts for little, so absentees hold nobody up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

FIRST_EDGE_MS = 500
STRETCHES = 11
"""Stretches of time since the call: below 0.5 s, 1 s, 2 s … 256 s, and beyond. `claim.lua` counts into the same."""
EDGES_MS = [0.0] + [float(FIRST_EDGE_MS * 2**i) for i in range(STRETCHES - 1)]
MEMORY_CLAIMS = 300.0
"""How many calls the model remembers, about."""
MAX_CALLS_PER_TICK = 500
_SLACK_MS = 1000.0
_PRIOR_STRENGTH = 4.0
_PRIOR_SHOW = 0.8
_PRIOR_SPREAD = (0.05, 0.15, 0.30, 0.25, 0.12, 0.06, 0.04, 0.03, 0.0, 0.0, 0.0)
_CLAIMS_BEFORE_SILENCE_TEACHES = 10
"""At an opening everybody is silent at once, perhaps because our own pages are slow: that says nothing of people."""


@lru_cache(maxsize=512)
def _width_seconds(stretch: int, window_ms: float) -> float:
    end_ms = EDGES_MS[stretch + 1] if stretch + 1 < STRETCHES else math.inf
    return max(0.0, min(end_ms, window_ms) - EDGES_MS[stretch]) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowModel:
    """What was seen of called visitors, per stretch: claims, and seconds of being awaited."""

    claims: tuple[float, ...] = (0.0,) * STRETCHES
    awaited_seconds: tuple[float, ...] = (0.0,) * STRETCHES

    def learnt(self, claims: Sequence[float], awaited_seconds: Sequence[float]) -> "ShowModel":
        """The model after another tick's claims and awaited seconds per stretch, older ones fading."""
        if sum(self.claims) + sum(claims) < _CLAIMS_BEFORE_SILENCE_TEACHES:
            awaited_seconds = (0.0,) * STRETCHES
        fade = (1 - 1 / MEMORY_CLAIMS) ** sum(claims)
        return ShowModel(
            claims=tuple(old * fade + new for old, new in zip(self.claims, claims, strict=True)),
            awaited_seconds=tuple(
                old * fade + new for old, new in zip(self.awaited_seconds, awaited_seconds, strict=True)
            ),
        )

    def _hazard(self, stretch: int) -> float:
        """Claims per awaited second in a stretch; a weak prior speaks until there is something to see."""
        width = _width_seconds(stretch, 2 * EDGES_MS[-1])
        prior_claims = _PRIOR_STRENGTH * -math.log(1 - _PRIOR_SHOW) * _PRIOR_SPREAD[stretch]
        return (self.claims[stretch] + prior_claims) / (self.awaited_seconds[stretch] + _PRIOR_STRENGTH * width)

    def show_after(self, window_ms: float) -> list[float]:
        """For each stretch: the chance that a visitor called that long ago, silent so far, still claims in time."""
        chances: list[float] = []
        total = 0.0
        for stretch in reversed(range(STRETCHES)):
            total += self._hazard(stretch) * _width_seconds(stretch, window_ms)
            chances.append(1 - math.exp(-total))
        return chances[::-1]

    def show_within(self, window_ms: float) -> list[float]:
        """The same for somebody half-way through each stretch: what to expect of a visitor found in it."""
        chances: list[float] = []
        total = 0.0
        for stretch in reversed(range(STRETCHES)):
            hazard, width = self._hazard(stretch), _width_seconds(stretch, window_ms)
            chances.append(1 - math.exp(-(total + hazard * width / 2)))
            total += hazard * width
        return chances[::-1]

    def delay_seconds(self, window_ms: float) -> float:
        """The mean time from call to claim, among those who claim."""
        silent, shown, weighted = 1.0, 0.0, 0.0
        for stretch in range(STRETCHES):
            width = _width_seconds(stretch, window_ms)
            claimed = silent * (1 - math.exp(-self._hazard(stretch) * width))
            weighted += claimed * (EDGES_MS[stretch] / 1000 + width / 2)
            shown += claimed
            silent -= claimed
        return weighted / shown if shown > 0 else 0.0


def awaited_seconds(past: Sequence[int], long_past: Sequence[int], turn_ms: float) -> list[float]:
    """How long people were awaited in each stretch during a turn of that length.

    `past[i]` are silent for longer than stretch i begins, `long_past[i]` were so already when the turn began. Whoever
    came past the beginning in between was called at a turn, so turns of one length tell how long ago that was.
    """
    if turn_ms <= 0:
        return [0.0] * STRETCHES
    beyond: list[float] = []
    for edge, now, before in zip(EDGES_MS, past, long_past, strict=True):
        crossed_ms = (edge // turn_ms + 1) * turn_ms - edge
        beyond.append((before * turn_ms + (now - before) * crossed_ms) / 1000)
    return [max(0.0, here - there) for here, there in zip(beyond, [*beyond[1:], 0.0], strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a tick saw when it asked how many to call."""

    waiting: int
    tokens: float
    """Admissions the bucket would let through at once; below 0 while it is in debt."""
    interval_ms: float
    places_free: float
    """Capacity not in use; infinity without a cap."""
    pressing: int
    """Called visitors who pressed Enter and wait for the limit."""
    silent: Sequence[int]
    """Called visitors not heard of yet, per stretch since their call."""
    window_ms: float
    """The claim window."""


def calls_wanted(demand: Demand, model: ShowModel) -> int:
    """How many to call now."""
    show = max(model.show_after(demand.window_ms)[0], 0.05)
    chances = model.show_within(demand.window_ms)
    expected = demand.pressing + sum(n * chance for n, chance in zip(demand.silent, chances, strict=True))
    delay_ms = 1000 * min(model.delay_seconds(demand.window_ms), 60.0)
    slow = demand.interval_ms >= delay_ms + _SLACK_MS
    # Some are ready before they are needed, so that chance leaves no gap; few enough that Enter is answered soon.
    lead_ms = delay_ms + (_SLACK_MS if slow else max(_SLACK_MS, 3 * demand.interval_ms))
    due = demand.tokens + lead_ms / demand.interval_ms
    # At a slow pace nobody is called before the admission they are called for is nearly there.
    wanted = min(math.floor(due) if slow else due, demand.places_free) - expected
    if wanted < 0.5:
        return 0
    calls = math.ceil(wanted - 0.5) if slow else math.ceil(wanted / show - 0.5)
    return min(calls, demand.waiting, MAX_CALLS_PER_TICK)
