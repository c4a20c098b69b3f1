"""A small booking service in Flask, behind its waiting room."""

import os

from flask import Flask, Response, request

from ecluse.origin import Pass, WsgiPassGate, end_session, pass_of, tell_slots_left

app = Flask(__name__)
app.wsgi_app = WsgiPassGate(
    app.wsgi_app,
    rooms="guichet",
    keys=os.environ["ECLUSE_ORIGIN_KEY"].split(),
    open_paths=["/healthz", "/static/", "/api/partners/"],
    public_url="http://localhost:8000/",
)
slots = {"left": 3}


def visit() -> Pass:
    """Whose visit this is; there is always one here, the gate sees to that."""
    found = pass_of(request.environ)
    assert found is not None
    return found


@app.get("/")
def form() -> Response:
    """Choose."""
    answer = Response(
        f"<p>Visit {visit().session}, lane {visit().lane}, person {visit().person}.</p>"
        f'<form method="post" action="/book"><button>Book one of {slots["left"]}</button></form>'
    )
    tell_slots_left(answer, slots["left"])
    return answer


@app.post("/book")
def book() -> Response:
    """Book, and make room for the next visitor."""
    slots["left"] -= 1
    answer = Response("<p>Booked. Your visit is over.</p>")
    tell_slots_left(answer, slots["left"])
    end_session(answer)
    return answer


@app.get("/healthz")
def healthz() -> Response:
    """For the monitoring: no pass needed."""
    return Response("ok\n")


@app.get("/api/partners/slots")
def partners() -> dict[str, int]:
    """For partners' programs, which never wait: no pass needed. Ask for a key of their own here."""
    return {"left": slots["left"]}
