"""The secrets with which visitors who are away are told: read by workers, and by whoever checks a configuration."""

import os
from collections.abc import Mapping

from ecluse.notify_settings import smtp_mistake
from ecluse.room_settings import Strict
from ecluse.settings import MIN_SECRET_CHARS, ConfigurationError, Settings, read_secret


class NotifySecrets(Strict):
    """What a worker needs to tell the visitors of one room; empty where the room does not use it."""

    smtp_url: str = ""
    hook_key: str = ""


def notify_secrets(settings: Settings, environ: Mapping[str, str] | None = None) -> Mapping[str, NotifySecrets]:
    """The secrets of every room that tells its visitors, by room. Only workers need them.

    Raises ConfigurationError with all that are missing or wrong.
    """
    source = os.environ if environ is None else environ
    mistakes: list[str] = []

    def read(where: str, reference: str | None, *, least: int = MIN_SECRET_CHARS) -> str:
        try:
            return "" if reference is None else read_secret(reference, source, least=least)
        except ValueError as error:
            mistakes.append(f"{where}: {error}")
            return ""

    found = {}
    for i, room in enumerate(settings.room):
        if room.notify is not None:
            smtp_url = read(f"room[{i}].notify.smtp", room.notify.smtp, least=1)
            if smtp_url and (mistake := smtp_mistake(smtp_url)):
                mistakes.append(f"room[{i}].notify.smtp: {mistake}")
            hook_key = read(f"room[{i}].notify.hook_key", room.notify.hook_key)
            found[room.id] = NotifySecrets(smtp_url=smtp_url, hook_key=hook_key)
    if mistakes:
        raise ConfigurationError(mistakes)
    return found
