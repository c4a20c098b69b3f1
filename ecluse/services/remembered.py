"""What a worker keeps in mind of a draw, should Redis lose it: what was public, and what was promised."""

from dataclasses import dataclass

from ecluse.domain.opening import Moment, Schedule
from ecluse.store.draws import Plan

_STATES = ("", "none", "announced", "closed", "drawn", "placed")
_GATHERED = (Schedule.PREQUEUE, Schedule.DRAWING)


@dataclass(slots=True)
class Remembered:
    """The draw of one campaign, as this worker saw it last."""

    campaign_at: str = ""
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
            self.secret, self.state, self.record, self.upto, self.schedule = (
                plan.draw_secret, plan.draw_state, plan.draw, plan.draw_upto, plan.schedule,
            )  # fmt: skip

    def secret_of(self, moment: Moment) -> str:
        """The secret of this moment's draw, promised by its commitment; empty if none is known."""
        return self.secret if self.campaign_at == str(moment.prequeue_at_ms) else ""

    def was_to_draw(self, moment: Moment, plan: Plan) -> bool:
        """Whether Redis lost a line that was still to be drawn for the opening of `moment`."""
        return (
            not plan.schedule
            and self.campaign_at == str(moment.prequeue_at_ms)
            and self.schedule in _GATHERED
            and self.state in ("none", "announced", "closed")
        )

    def lost(self, plan: Plan) -> str:
        """The state that Redis lost of the draw of `plan` and that is to be put back; empty if there is none."""
        if plan.draw_state != "none" or plan.campaign_at != self.campaign_at:
            return ""
        if plan.schedule == Schedule.DRAWING and self.state in ("announced", "closed"):
            return self.state
        return "placed" if plan.schedule == Schedule.OPEN and self.state in ("drawn", "placed") else ""
