"""What a worker keeps in mind of a draw, should Redis lose it: what was public, and what was promised."""

from dataclasses import dataclass

from ecluse.domain.opening import Moment, Schedule
from ecluse.store.draws import Plan

_STATES = ("", "none", "announced", "closed", "drawn", "placed")
WAIT_FOR_MEMORY_MS = 5_000
"""Well over twice the longest pause of a worker that believes Redis away (`queue_worker/loop.py`)."""
_GATHERED = (Schedule.PREQUEUE, Schedule.DRAWING)


@dataclass(slots=True)
class Remembered:
    """The draw of one campaign, as this worker saw it last."""

    campaign_at: str = ""
    life: str = ""
    secret: str = ""
    state: str = ""
    record: str = ""
    upto: str = ""
    schedule: str = ""

    def note(self, plan: Plan) -> None:
        """Keep what is there now; what Redis lost stays in mind."""
        if plan.campaign_at != self.campaign_at:
            if not plan.campaign_at:
                return
            self.campaign_at, self.state = plan.campaign_at, ""
        if _STATES.index(plan.draw_state) >= _STATES.index(self.state):
            self.life, self.secret, self.state, self.record, self.upto, self.schedule = (
                plan.epoch, plan.draw_secret, plan.draw_state, plan.draw, plan.draw_upto, plan.schedule,
            )  # fmt: skip

    def secret_of(self, moment: Moment) -> str:
        """The secret of this moment's draw, promised by its commitment; empty if none is known."""
        return self.secret if self._knows(moment) else ""

    def waits(self, moment: Moment, plan: Plan, age_ms: float) -> bool:
        """Whether this worker knows nothing of a campaign under way, and data so young that another may remember it."""
        begins = not plan.schedule and moment.schedule is not Schedule.CLOSED
        return begins and not self._knows(moment) and 0 <= age_ms < WAIT_FOR_MEMORY_MS

    def was_to_draw(self, moment: Moment, plan: Plan) -> bool:
        """Whether Redis lost a line that was still to be drawn for the opening of `moment`."""
        return (
            not plan.schedule
            and self._knows(moment)
            and self.schedule in _GATHERED
            and self.state in ("none", "announced", "closed")
        )

    def lost(self, plan: Plan) -> str:
        """The state that Redis lost of the draw of `plan` and that is to be put back; empty if there is none."""
        if not plan.draw_state or plan.campaign_at != self.campaign_at:
            return ""
        state = self._state_in(plan.schedule)
        if state == plan.draw_state == "announced" and plan.epoch != self.life and plan.draw_secret != self.secret:
            return state  # somebody who did not know of the first commitment made another
        return state if _STATES.index(plan.draw_state) < _STATES.index(state) else ""

    def _knows(self, moment: Moment) -> bool:
        return self.campaign_at == str(moment.prequeue_at_ms)

    def _state_in(self, schedule: str) -> str:
        """As far as the draw had come that this worker knows, where that fits the schedule."""
        match schedule:
            case Schedule.PREQUEUE:
                return self.state if self.state == "announced" else ""
            case Schedule.DRAWING:
                return "drawn" if self.state == "placed" else self.state  # places are gone to once more
            case Schedule.OPEN:
                return "placed" if self.state in ("drawn", "placed") else ""
        return ""
