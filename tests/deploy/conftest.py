"""One gateway with everything behind it for all deployment tests, and the fronts before it."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from ecluse.embedded import running_server
from ecluse.ports import free_ports
from tests.deploy.fronts import FRONTS, running_nginx
from tests.deploy.rig import HOST, Stack, running_stack


@pytest.fixture(scope="session")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Origin, worker and gateway over a Redis that nobody empties meanwhile."""
    directory = tmp_path_factory.mktemp("behind")
    with running_server(directory) as server, running_stack(directory, server.url) as stack:
        yield stack


@pytest.fixture(scope="session", params=sorted(FRONTS))
def kind(request: pytest.FixtureRequest) -> str:
    """Which front."""
    return str(request.param)


@pytest.fixture(scope="session")
def front(kind: str, behind: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a front before the gateway."""
    with FRONTS[kind](tmp_path_factory.mktemp(kind), upstream=behind.gateway) as port:
        yield port


@pytest.fixture(scope="session")
def naked_front(kind: str, behind: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a front that was pointed straight at the origin."""
    with FRONTS[kind](tmp_path_factory.mktemp(kind), upstream=behind.origin) as port:
        yield port


@pytest.fixture(scope="session")
def lonely_front(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a front behind which nobody listens."""
    with FRONTS[kind](tmp_path_factory.mktemp(kind), upstream=free_ports(1)[0]) as port:
        yield port


@pytest.fixture(scope="session")
def nginx(behind: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of nginx before the gateway."""
    with running_nginx(tmp_path_factory.mktemp("nginx"), upstream=behind.gateway) as port:
        yield port


@pytest.fixture
async def visitor() -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who comes from an address that no front is at, under the name of the service."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0)),
        headers={"Host": HOST, "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=30),
        auto_decompress=False,
    )
    async with session:
        yield session
