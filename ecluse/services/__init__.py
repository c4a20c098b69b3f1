"""Floor 2: what visitors, time and operators trigger."""

from ecluse.domain.opening import DrawKind
from ecluse.domain.room import AutoRules, Lane, Mode, PaceMode, Room
from ecluse.domain.window import Bounds
from ecluse.settings import RoomSettings


def room_of(settings: RoomSettings) -> Room:
    """The room that a configuration describes."""
    return Room(
        id=settings.id,
        lanes=tuple(
            Lane(
                id=lane.id,
                weight=lane.weight,
                quota=lane.quota,
                max_wait_ms=lane.max_wait_seconds * 1000,
                open=lane.open,
            )
            for lane in settings.lane
        ),
        pace_per_minute=settings.pace_per_minute,
        burst=settings.burst,
        capacity=settings.capacity,
        mode=Mode(settings.mode),
        pace=PaceMode(settings.pace),
        auto=AutoRules(
            bounds=Bounds(
                target_ms=settings.auto.target_ms, least=settings.auto.window_min, most=settings.auto.window_max
            ),
            dry_run=settings.auto.dry_run,
        ),
        notice=settings.notice,
        empty_notice=settings.empty_notice if settings.stop_when_empty else None,
        session_ms=settings.session_seconds * 1000,
        session_max_ms=settings.session_max_seconds * 1000,
        claim_ms=settings.claim_seconds * 1000,
        line_max=settings.line_max,
        timetable=settings.opening.timetable if settings.opening else None,
        keep_places=settings.opening.keep_places if settings.opening else False,
        statistics_days=settings.statistics_days,
        return_seconds=settings.return_seconds,
        draw=settings.opening.draw if settings.opening else DrawKind.NONE,
        drand=settings.opening.drand.source if settings.opening and settings.opening.drand else None,
        nominative=settings.person is not None,
    )
