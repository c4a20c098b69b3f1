"""What only nginx does: the one-second copy of the board, the copy of static files, certificates, names not ours."""

import gzip
import json
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest

from ecluse.ports import free_ports
from tests.deploy.fronts import nginx_directory, running_nginx
from tests.deploy.rig import HOST, Stack, needed
from tests.deploy.test_fronts import HTML, at

BOARD = "/_ecluse/rooms/guichet/board.json"


def test_nginx_has_nothing_to_say_about_its_configuration(tmp_path: Path) -> None:
    nginx = needed("nginx")
    one, other = free_ports(2)
    main = nginx_directory(tmp_path, upstream=one, listen=other)
    tested = subprocess.run([nginx, "-t", "-p", tmp_path, "-c", main], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr


async def board(visitor: aiohttp.ClientSession, port: int, query: str = "", **headers: str) -> tuple[str, str, bytes]:
    """Where the board came from, its encoding, its bytes."""
    wanted = {"Accept-Encoding": "", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with visitor.get(at(port, BOARD + query), headers=wanted) as answer:
        assert answer.status == 200
        return answer.headers["X-Cache"], answer.headers.get("Content-Encoding", ""), await answer.read()


async def test_most_polls_are_answered_from_the_copy(visitor: aiohttp.ClientSession, nginx: int) -> None:
    sources = [(await board(visitor, nginx))[0] for _ in range(40)]
    assert sources.count("HIT") > 20, sources


async def test_what_a_client_invents_makes_no_second_copy(visitor: aiohttp.ClientSession, nginx: int) -> None:
    sources = [
        (
            await board(
                visitor, nginx, f"?x={i}", Accept_Encoding=f"x-{i}", Cookie=f"a={i}", Authorization=f"Bearer {i}"
            )
        )[0]
        for i in range(40)
    ]
    assert sources.count("HIT") > 20, sources


async def test_packed_and_plain_boards_are_kept_apart(visitor: aiohttp.ClientSession, nginx: int) -> None:
    for _ in range(2):
        _, encoding, packed = await board(visitor, nginx, Accept_Encoding="gzip, br")
        assert encoding == "gzip"
        assert json.loads(gzip.decompress(packed))["room"] == "guichet"
        for refusing in ("", "gzip;q=0, br"):
            _, encoding, plain = await board(visitor, nginx, Accept_Encoding=refusing)
            assert encoding == ""
            assert json.loads(plain)["room"] == "guichet"


async def test_a_board_the_visitor_has_is_not_sent_again(visitor: aiohttp.ClientSession, nginx: int) -> None:
    statuses = []
    for _ in range(5):
        # The board may change between the two requests, though hardly five times running.
        async with visitor.get(at(nginx, "/_ecluse/rooms/absent/board.json")) as first:
            tag = first.headers["ETag"]
        async with visitor.get(at(nginx, "/_ecluse/rooms/absent/board.json"), headers={"If-None-Match": tag}) as second:
            statuses.append(second.status)
    assert 304 in statuses


async def test_a_board_that_is_not_there_is_not_kept(visitor: aiohttp.ClientSession, nginx: int) -> None:
    for _ in range(3):
        async with visitor.get(at(nginx, "/_ecluse/rooms/nobody/board.json")) as answer:
            assert answer.status == 404
            assert answer.headers["X-Cache"] == "MISS"


async def test_a_static_file_is_kept_by_version(visitor: aiohttp.ClientSession, nginx: int) -> None:
    seen = []
    for query in ("?v=1", "?v=1", "?v=2"):
        async with visitor.get(at(nginx, f"/_ecluse/static/css/ecluse.css{query}")) as answer:
            assert answer.status == 200
            seen.append(answer.headers["X-Cache"])
    assert seen == ["MISS", "HIT", "MISS"]


async def test_a_name_that_is_not_ours_gets_no_answer(visitor: aiohttp.ClientSession, nginx: int) -> None:
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await visitor.get(at(nginx, "/page"), headers={"Host": "evil.example"})


async def test_with_a_certificate_pages_come_by_https_and_http_leads_there(
    visitor: aiohttp.ClientSession, behind: Stack, tmp_path: Path
) -> None:
    openssl = needed("openssl", in_ci=False)
    command = (
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
        "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
        "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem",
    )  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    (tls,) = free_ports(1)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
    with running_nginx(tmp_path, upstream=behind.gateway, tls=tls) as port:
        async with visitor.get(
            at(tls, "/open/echo", "https"), headers=HTML, ssl=trusting, server_hostname=HOST
        ) as answer:
            assert answer.status == 200
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
            assert (await answer.json())["headers"]["x-forwarded-proto"] == ["https"]
        async with visitor.post(at(port, "/page?x=1"), data=b"form", allow_redirects=False) as answer:
            assert answer.status == 308
            assert answer.headers["Location"] == f"https://{HOST}/page?x=1"
