"""The generator's own limit: `python -m loadtests.ceiling` prints how many requests a second it can send and read.

Forty of its clients ask a server that answers at once, in a process of its own, for two seconds, through the very code
that carries the visitors. On a machine of few cores the two share them: so do generator and gateway in a run.
"""

import json
import subprocess
import sys
import time

from locust import FastHttpUser
from locust.env import Environment

from ecluse.ports import accepts, free_ports
from ecluse.process import bound_command

CLIENTS = 40
_START_SECONDS = 20.0
_SERVER = """
import asyncio, sys
BODY = b"[" + b"9" * 110 + b"]"
ANSWER = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: 112\\r\\n\\r\\n" + BODY
class Bare(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(ANSWER * data.count(b"\\r\\n\\r\\n"))
async def main():
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""


def requests_per_second(port: int, seconds: float) -> float:
    """As many as fit, from `CLIENTS` clients at once."""
    import gevent  # noqa: PLC0415 - patched by locust first

    stop_at, asked = time.monotonic() + seconds, 0

    def ask() -> None:
        nonlocal asked
        user = FastHttpUser(environment)
        user.client.client.cookiejar = None
        while time.monotonic() < stop_at:
            with user.client.request("GET", "/", name="bare", catch_response=True) as response:
                if response.status_code != 200:
                    raise RuntimeError(f"the bare server answered {response.status_code}")
                response.success()
            asked += 1

    FastHttpUser.host = f"http://127.0.0.1:{port}"
    environment = Environment()
    begun = time.monotonic()
    gevent.joinall([gevent.spawn(ask) for _ in range(CLIENTS)], raise_error=True)
    return asked / (time.monotonic() - begun)


def main(seconds: float = 2.0) -> int:
    """Measure, and print one JSON object."""
    (port,) = free_ports(1)
    server = subprocess.Popen(bound_command((sys.executable, "-c", _SERVER, str(port))))  # noqa: S603
    try:
        give_up_at = time.monotonic() + _START_SECONDS
        while not accepts(port):
            if server.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError("the bare server did not start")
            time.sleep(0.05)
        reached = requests_per_second(port, seconds)
    finally:
        server.kill()
        server.wait()
    sys.stdout.write(json.dumps({"requests_per_second": round(reached, 1)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
