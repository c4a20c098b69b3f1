"""Whether a Redis is fit to hold a line: checked when a worker starts."""

from ecluse.domain.errors import StoreAway
from ecluse.settings import ConfigurationError
from ecluse.store.client import Store

_EVICTING = "an eviction policy could drop the whole line: set maxmemory-policy noeviction"


async def check_server(store: Store) -> list[str]:
    """Advice on the server's settings. Raises ConfigurationError if they could lose the line.

    A server that is away, or hides its settings, is not judged: the worker keeps trying.
    """
    try:
        info = await store.read_server()
    except StoreAway:
        return []
    if str(info.get("maxmemory_policy", "noeviction")) != "noeviction":
        raise ConfigurationError([f"redis_url: {_EVICTING} (it is {info['maxmemory_policy']})"])
    advice = []
    if not info.get("aof_enabled"):
        advice.append("appendonly is off: after a restart of Redis, places come back only as visitors present them")
    version = str(info.get("redis_version", "7"))
    if int(version.partition(".")[0]) < 7:
        raise ConfigurationError([f"redis_url: Redis {version} is too old; use Redis 7 or Valkey 8 or later"])
    return advice
