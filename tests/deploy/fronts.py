"""nginx and Caddy from deploy/, with addresses, files and the user replaced, on free ports."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecluse.ports import accepts, free_ports
from tests.deploy.rig import DEPLOY, HOST, needed, replaced, running


def nginx_directory(directory: Path, *, upstream: int, listen: int, tls: int | None = None) -> Path:
    """A copy of deploy/nginx that listens on `listen` (and `tls`) and sends to `upstream`; its nginx.conf."""
    here = directory / "etc"
    shutil.copytree(DEPLOY / "nginx", here)
    shutil.copytree(DEPLOY / "hold", here / "ecluse" / "hold")
    user = pwd.getpwuid(os.getuid()).pw_name
    temporary = "".join(
        f"    {kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )  # fmt: skip
    main = here / "nginx.conf"
    main.write_text(
        "daemon off;\n"
        + replaced(
            main.read_text(),
            # nginx says that `user` means nothing to somebody who is not root; then it is left out.
            ("user www-data;", f"user {user};" if os.getuid() == 0 else ""),
            ("worker_processes auto", "worker_processes 1"),
            ("worker_rlimit_nofile 65536", "worker_rlimit_nofile 4096"),
            ("worker_connections 16384", "worker_connections 1024"),
            ("/run/nginx.pid", f"{directory}/nginx.pid"),
            ("/var/log/nginx/", f"{directory}/"),
            ("http {\n", f"http {{\n{temporary}"),
            ("include mime.types", "include /etc/nginx/mime.types"),
        )
    )
    site = here / "conf.d" / "ecluse.conf"
    site.write_text(
        replaced(
            site.read_text(),
            ("listen 80 default_server", f"listen 127.0.0.1:{listen} default_server"),
            ("/var/cache/nginx", str(directory)),
            ("/etc/nginx/ecluse/hold", str(here / "ecluse" / "hold")),
        )
    )
    for name, old, new in (
        ("upstream.conf", "server 127.0.0.1:8000 ", f"server 127.0.0.1:{upstream} "),
        ("listen.conf", "listen 80;", f"listen 127.0.0.1:{listen};"),
        ("redirect.conf", "listen 80;", f"listen 127.0.0.1:{listen};"),
        ("tls.conf", "listen 443 ssl", f"listen 127.0.0.1:{tls} ssl"),
        ("tls.conf", "/etc/nginx/ecluse/tls", str(directory)),
    ):
        file = here / "ecluse" / name
        file.write_text(replaced(file.read_text(), (old, new)))
    if tls is not None:
        site.write_text(
            replaced(
                site.read_text(),
                ("# include ecluse/redirect.conf", "include ecluse/redirect.conf"),
                ("include ecluse/listen.conf", "include ecluse/tls.conf"),
            )
        )
    return main


@contextmanager
def running_nginx(directory: Path, *, upstream: int, tls: int | None = None) -> Iterator[int]:
    """nginx as deploy/nginx says, for as long as the context lasts; the port it listens on."""
    nginx = needed("nginx")
    (listen,) = free_ports(1)
    main = nginx_directory(directory, upstream=upstream, listen=listen, tls=tls)
    argv = (nginx, "-p", str(directory), "-c", str(main), "-e", str(directory / "error.log"))
    with running(argv, directory / "nginx.log") as process:
        process.wait_for(lambda: accepts(tls or listen))
        yield listen


@contextmanager
def running_caddy(directory: Path, *, upstream: int) -> Iterator[int]:
    """Caddy as deploy/caddy says, without certificates, for as long as the context lasts; its port."""
    caddy = needed("caddy", in_ci=False)
    version = re.match(
        r"v?2\.(\d+)", subprocess.run([caddy, "version"], capture_output=True, text=True, check=True).stdout
    )
    if version is None or int(version.group(1)) < 7:
        pytest.skip("this Caddy is older than 2.7: nothing here was tested")
    (listen,) = free_ports(1)
    shutil.copytree(DEPLOY / "hold", directory / "hold")
    config = directory / "Caddyfile"
    config.write_text(
        replaced(
            (DEPLOY / "caddy" / "Caddyfile").read_text(),
            (f"\n{HOST} {{", f"\nhttp://{HOST}:{listen} {{\n\tbind 127.0.0.1"),
            ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
            ("/etc/caddy/ecluse/hold", str(directory / "hold")),
        )
    )
    env = {"XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory), "HOME": str(directory)}
    argv = (caddy, "run", "--adapter", "caddyfile", "--config", str(config))
    with running(argv, directory / "caddy.log", env=env) as process:
        process.wait_for(lambda: accepts(listen))
        yield listen


FRONTS = {"nginx": running_nginx, "caddy": running_caddy}
