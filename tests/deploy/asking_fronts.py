"""The proxies of deploy/forward-auth with addresses and files replaced, on free ports, before a service of their own."""

import os
import pwd
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecluse.ports import accepts, free_ports
from tests.deploy.rig import DEPLOY, HOST, needed, replaced, running, status_of

RECIPES = DEPLOY / "forward-auth"
ROOM = "sarcelles"
SIGNING_KEY = "c2lnbmluZyBrZXkgb2YgdGhlIGRlcGxveW1lbnQgdGVzdHM="
ORIGIN_KEY = "b3JpZ2luIGtleSBvZiB0aGUgZGVwbG95bWVudCB0ZXN0cyA="
SESSION_SECONDS = 600
_CONFIGURATION = """\
redis_url = "{redis_url}"
public_url = "http://{host}"
trusted_proxies = ["127.0.0.1/32"]
signing_keys = ["env:ECLUSE_TEST_SIGNING"]
port = {gateway}

[[room]]
id = "{room}"
hosts = ["{host}", "localhost"]
paths = ["/"]
open_paths = ["/open/"]
origin = "http://127.0.0.1:{origin}"
origin_key = "env:ECLUSE_TEST_ORIGIN"
mode = "queueing"
pace_per_minute = 60000
burst = 5000
session_seconds = {session_seconds}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A gateway that is asked, and the service that its askers protect."""

    gateway: int
    service: int


@contextmanager
def running_service(directory: Path) -> Iterator[int]:
    """The service behind the proxy, which tells what it was sent; its port."""
    (port,) = free_ports(1)
    argv = (sys.executable, "-m", "uvicorn", "tests.deploy.origin:app", "--no-access-log", "--port", str(port))
    with running(argv, directory / "service.log") as process:
        process.wait_for(lambda: accepts(port))
        yield port


@contextmanager
def running_asked(directory: Path, redis_url: str) -> Iterator[Asked]:
    """Service, worker and gateway; everybody waits for a moment before they are let in."""
    (gateway,) = free_ports(1)
    with ExitStack() as stack:
        service = stack.enter_context(running_service(directory))
        config = directory / "ecluse.toml"
        ports = {"gateway": gateway, "origin": service}
        text = _CONFIGURATION.format(
            redis_url=redis_url, host=HOST, room=ROOM, session_seconds=SESSION_SECONDS, **ports
        )
        config.write_text(text)
        env = {"ECLUSE_TEST_SIGNING": SIGNING_KEY, "ECLUSE_TEST_ORIGIN": ORIGIN_KEY, "ECLUSE_LOG": "json"}
        programs: dict[str, Callable[[], bool]] = {
            "queue_worker": lambda: True,
            "gateway": lambda: status_of(gateway) == 200,
        }
        for name, ready in programs.items():
            argv = (sys.executable, "-m", name, "--config", str(config))
            stack.enter_context(running(argv, directory / f"{name}.log", env=env)).wait_for(ready)
        yield Asked(gateway=gateway, service=service)


@contextmanager
def _listening(directory: Path, argv: Sequence[str], port: int, env: dict[str, str] | None = None) -> Iterator[int]:
    with running(argv, directory / "front.log", env=env) as process:
        process.wait_for(lambda: accepts(port))
        yield port


def _ports(asked: Asked, listen: int, *, before: str, after: str) -> tuple[tuple[str, str], ...]:
    """What every recipe has replaced: the port it listens on, the gateway's, the service's."""
    return (
        (before, after.format(listen=listen)),
        ("127.0.0.1:8000", f"127.0.0.1:{asked.gateway}"),
        ("127.0.0.1:9000", f"127.0.0.1:{asked.service}"),
    )


@contextmanager
def asking_nginx(directory: Path, asked: Asked) -> Iterator[int]:
    """nginx as deploy/forward-auth/nginx.conf says; its port."""
    nginx = needed("nginx")
    (listen,) = free_ports(1)
    ports = _ports(asked, listen, before="listen 80;", after="listen 127.0.0.1:{listen};")
    shutil.copytree(DEPLOY / "hold", directory / "hold")
    site = directory / "site.conf"
    recipe = (RECIPES / "nginx.conf").read_text(encoding="utf-8")
    site.write_text(replaced(recipe, *ports, ("/etc/nginx/ecluse/hold", str(directory / "hold"))))
    user = f"user {pwd.getpwuid(os.getuid()).pw_name};\n" if os.getuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    main = directory / "nginx.conf"
    main.write_text(
        f"daemon off;\n{user}pid {directory}/nginx.pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}include {site};\n}}\n"
    )
    argv = (nginx, "-p", str(directory), "-c", str(main), "-e", str(directory / "error.log"))
    with _listening(directory, argv, listen) as port:
        yield port


@contextmanager
def asking_haproxy(directory: Path, asked: Asked) -> Iterator[int]:
    """HAProxy as deploy/forward-auth/haproxy.cfg says, once it has seen the gateway or its absence; its port."""
    haproxy = needed("haproxy")
    (listen,) = free_ports(1)
    ports = _ports(asked, listen, before="bind :80\n", after="bind 127.0.0.1:{listen}\n")
    config = directory / "haproxy.cfg"
    recipe = (RECIPES / "haproxy.cfg").read_text(encoding="utf-8")
    config.write_text(
        replaced(recipe, *ports, ("/etc/haproxy/ecluse/hold", str(DEPLOY / "hold")), ("maxconn 16384", "maxconn 512"))
    )
    env = {"ECLUSE_KEY": SIGNING_KEY, "ECLUSE_ORIGIN_KEY": ORIGIN_KEY}
    with _listening(directory, (haproxy, "-db", "-f", str(config)), listen, env) as port:
        yield port


@contextmanager
def asking_caddy(directory: Path, asked: Asked) -> Iterator[int]:
    """Caddy as deploy/forward-auth/Caddyfile says, without certificates; its port."""
    caddy = needed("caddy", in_ci=False)
    (listen,) = free_ports(1)
    site = f"\nhttp://{HOST}:{{listen}} {{{{\n\tbind 127.0.0.1"
    config = directory / "Caddyfile"
    recipe = (RECIPES / "Caddyfile").read_text(encoding="utf-8")
    config.write_text(replaced(recipe, *_ports(asked, listen, before=f"\n{HOST} {{", after=site)))
    env = {"XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory), "HOME": str(directory)}
    argv = (caddy, "run", "--adapter", "caddyfile", "--config", str(config))
    with _listening(directory, argv, listen, env) as port:
        yield port


@contextmanager
def asking_traefik(directory: Path, asked: Asked) -> Iterator[int]:
    """Traefik as deploy/forward-auth/traefik says; its port."""
    traefik = needed("traefik", in_ci=False)
    (listen,) = free_ports(1)
    for name in ("traefik.yml", "dynamic.yml"):
        text = (RECIPES / "traefik" / name).read_text(encoding="utf-8")
        pairs = _ports(asked, listen, before='":80"', after='"127.0.0.1:{listen}"')
        if name == "traefik.yml":
            text = replaced(text, pairs[0], ("/etc/traefik", str(directory)))
        else:
            text = replaced(text, *pairs[1:], (f"http://{HOST}:8000", f"http://localhost:{asked.gateway}"))
        (directory / name).write_text(text)
    argv = (traefik, f"--configfile={directory / 'traefik.yml'}")
    with running(argv, directory / "front.log") as process:
        # It listens before it has read its routes; until then everything is 404.
        process.wait_for(lambda: accepts(listen) and status_of(listen, "/") != 404)
        yield listen


@contextmanager
def asking_envoy(directory: Path, asked: Asked) -> Iterator[int]:
    """Envoy as deploy/forward-auth/envoy.yaml says; its port."""
    envoy = needed("envoy", in_ci=False)
    (listen,) = free_ports(1)
    text = (RECIPES / "envoy.yaml").read_text(encoding="utf-8")
    for name, port in (("8000", asked.gateway), ("9000", asked.service)):
        text = replaced(text, (f"port_value: {name}", f"port_value: {port}"))
    config = directory / "envoy.yaml"
    config.write_text(
        replaced(text, ("address: 0.0.0.0, port_value: 80}", f"address: 127.0.0.1, port_value: {listen}}}"))
    )
    argv = (envoy, "--concurrency", "1", "--disable-hot-restart", "-l", "warning", "-c", str(config))
    with _listening(directory, argv, listen) as port:
        yield port


ASKING: dict[str, Callable[[Path, Asked], AbstractContextManager[int]]] = {
    "nginx": asking_nginx,
    "haproxy": asking_haproxy,
    "caddy": asking_caddy,
    "traefik": asking_traefik,
    "envoy": asking_envoy,
}
