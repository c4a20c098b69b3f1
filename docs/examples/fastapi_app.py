"""A small booking service in FastAPI, behind its waiting room."""

import os

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from ecluse.origin import Pass, PassGate, end_session, pass_of, tell_slots_left

app = FastAPI()
app.add_middleware(
    PassGate,
    rooms="guichet",
    keys=os.environ["ECLUSE_ORIGIN_KEY"].split(),
    open_paths=["/healthz", "/static/", "/api/partners/"],
    public_url="http://localhost:8000/",
)
slots = {"left": 3}


def visit(request: Request) -> Pass:
    """Whose visit this is; there is always one here, the gate sees to that."""
    found = pass_of(request.scope)
    assert found is not None
    return found


@app.get("/")
async def form(request: Request) -> HTMLResponse:
    """Choose."""
    here = visit(request)
    answer = HTMLResponse(
        f"<p>Visit {here.session}, lane {here.lane}, person {here.person}.</p>"
        f'<form method="post" action="/book"><button>Book one of {slots["left"]}</button></form>'
    )
    tell_slots_left(answer, slots["left"])
    return answer


@app.post("/book")
async def book(request: Request) -> HTMLResponse:
    """Book, and make room for the next visitor."""
    slots["left"] -= 1
    answer = HTMLResponse("<p>Booked. Your visit is over.</p>")
    tell_slots_left(answer, slots["left"])
    end_session(answer)
    return answer


@app.get("/healthz")
async def healthz() -> PlainTextResponse:
    """For the monitoring: no pass needed."""
    return PlainTextResponse("ok\n")


@app.get("/api/partners/slots")
async def partners() -> dict[str, int]:
    """For partners' programs, which never wait: no pass needed. Ask for a key of their own here."""
    return {"left": slots["left"]}
