"""The limits that other servers set: nginx with a one-second micro-cache, and HAProxy that verifies the pass itself."""

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from benchmarks.http_rows import ROOM, HttpStage, get, per_cpu_second
from benchmarks.stage import KEY, Stage, answers
from benchmarks.table import Row
from ecluse.ports import free_ports

_PATH = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin"
_NGINX = """\
{user}worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  proxy_cache_path {folder}/cache keys_zone=boards:1m;
  proxy_temp_path {folder}/temporary;
  client_body_temp_path {folder}/bodies;
  keepalive_requests 1000000;
  upstream gateway {{ server 127.0.0.1:{gateway}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache boards;
      proxy_cache_valid 200 1s;
      proxy_cache_use_stale updating;
      proxy_cache_background_update on;
    }}
  }}
}}
"""
_HAPROXY = """\
global
  maxconn 4096
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend public
  bind 127.0.0.1:{port}
  http-request set-var(txn.pass) req.cook(ecluse_pass_{room})
  acl signed var(txn.pass),jwt_verify(HS256,"{key}") -m int 1
  acl this_room var(txn.pass),jwt_payload_query('$.aud') -m str {room}
  http-request deny unless signed this_room
  default_backend service
backend service
  server origin 127.0.0.1:{origin}
"""


def _worker_of(master: int) -> int:
    """The only child of nginx's master."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    return int(children[0])


class Servers:
    """Those of the two that this machine has, in front of one stage."""

    def __init__(self, stage: Stage, http: HttpStage, seconds: float) -> None:
        self._stage = stage
        self._http = http
        self._seconds = seconds
        self._nginx, self._haproxy = shutil.which("nginx", path=_PATH), shutil.which("haproxy", path=_PATH)
        self._ids: dict[str, int] = {}
        self._ports = free_ports(2)
        self._cookie = ""

    async def open(self) -> list[str]:
        """Start what there is; the names of the rows it gives."""
        folder, (nginx_port, haproxy_port) = self._stage.folder, self._ports
        rows = []
        if self._nginx:
            config = folder / "nginx.conf"
            gateway = self._http.gateway[1]
            # Its worker would otherwise be somebody who may not look into our folder.
            user = "user root;\n" if os.geteuid() == 0 else ""
            text = _NGINX.format(user=user, folder=folder, port=nginx_port, gateway=gateway)
            config.write_text(text, encoding="utf-8")
            master = self._stage.start(self._nginx, "-p", str(folder), "-c", str(config))
            await answers(nginx_port)
            self._ids["nginx"] = _worker_of(master)
            rows.append("nginx micro-cache, board")
        if self._haproxy:
            config = folder / "haproxy.cfg"
            text = _HAPROXY.format(port=haproxy_port, key=KEY, origin=self._http.origin_port, room=ROOM)
            config.write_text(text, encoding="utf-8")
            self._ids["haproxy"] = self._stage.start(self._haproxy, "-db", "-f", str(config))
            await answers(haproxy_port)
            self._cookie = await self._http.a_pass()
            rows.append("HAProxy verifying the pass, GET")
        return rows

    async def nginx(self) -> float:
        """The board out of the cache."""
        request = get(f"/_ecluse/rooms/{ROOM}/board.json", "accept-encoding: gzip")
        return await per_cpu_second(
            self._ids["nginx"], self._ports[0], lambda: request, self._seconds, b"HTTP/1.1 200"
        )  # fmt: skip

    async def haproxy(self) -> float:
        """A page of the origin for whoever holds a pass."""
        request = get("/page", f"cookie: {self._cookie}")
        return await per_cpu_second(
            self._ids["haproxy"], self._ports[1], lambda: request, self._seconds, b"HTTP/1.1 200"
        )  # fmt: skip


async def server_rows(rounds: int, seconds: float) -> list[Row]:
    """Each beside the gateway's own answer to the same request, interleaved."""
    with Stage() as stage:
        http = HttpStage(stage, seconds)
        await http.open()
        servers = Servers(stage, http, seconds)
        names = await servers.open()
        pairs: dict[str, tuple[Callable[[], Awaitable[float]], Callable[[], Awaitable[float]], str]] = {
            "nginx micro-cache, board": (servers.nginx, http.board, "board"),
            "HAProxy verifying the pass, GET": (servers.haproxy, http.gated_proxy, "gate + proxy"),
        }
        rows = []
        for name in names:
            theirs, ours, unit = pairs[name]
            ratios, rates = [], []
            for _ in range(rounds):
                rates.append(await theirs())
                ratios.append(rates[-1] / await ours())
            ratios.sort()
            rows.append(
                Row(
                    name=name, value=median(ratios), spread=(ratios[0], ratios[-1]), unit=f"× {unit}",
                    note=f"{median(rates):,.0f} requests per CPU-second",
                )
            )  # fmt: skip
        await http.close()
    return rows
