"""Whether a Redis is fit to hold a line."""

import pytest

from ecluse.ports import free_ports
from ecluse.settings import ConfigurationError
from ecluse.store.client import Store
from ecluse.store.safety import check_server
from tests.ecluse.store.conftest import OpenBench


async def test_a_server_that_keeps_no_file_is_advised_against(open_bench: OpenBench) -> None:
    (advice,) = await check_server(open_bench().store)
    assert "appendonly" in advice


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
async def test_a_server_that_could_evict_the_line_is_refused(open_bench: OpenBench, policy: str) -> None:
    store = open_bench().store
    await store.command("CONFIG", "SET", "maxmemory-policy", policy)
    try:
        with pytest.raises(ConfigurationError, match=policy):
            await check_server(store)
    finally:
        await store.command("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_a_server_that_is_away_is_not_judged() -> None:
    (nobody,) = free_ports(1)
    store = Store.at(f"redis://127.0.0.1:{nobody}/0", timeout_seconds=0.2)
    assert await check_server(store) == []
    await store.close()
