"""Floor 2: what visitors, time and operators trigger."""

from ecluse.domain.opening import DrawKind
from ecluse.domain.room import Lane, Mode, Room
from ecluse.settings import RoomSettings


def room_of(settings: RoomSettings) -> Room:
    """The room that a configuration describes."""
    return Room(
        id=settings.id,
        lanes=tuple(Lane(id=lane.id, weight=lane.weight) for lane in settings.lane),
        pace_per_minute=settings.pace_per_minute,
        burst=settings.burst,
        capacity=settings.capacity,
        mode=Mode(settings.mode),
        notice=settings.notice,
        session_ms=settings.session_seconds * 1000,
        session_max_ms=settings.session_max_seconds * 1000,
        claim_ms=settings.claim_seconds * 1000,
        line_max=settings.line_max,
        timetable=settings.opening.timetable if settings.opening else None,
        keep_places=settings.opening.keep_places if settings.opening else False,
        draw=settings.opening.draw if settings.opening else DrawKind.NONE,
    )
