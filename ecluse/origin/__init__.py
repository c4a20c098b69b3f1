"""The door of a protected service: nobody comes in without a pass, whichever way they found the address.

For any ASGI application (`PassGate`: FastAPI, Starlette, Django) or WSGI application (`WsgiPassGate`: Flask, Django).
Inside, `pass_of` tells whose visit a request belongs to; `end_session` and `tell_slots_left` speak to the gateway.
Importing it loads itsdangerous and nothing else of Écluse's dependencies. How to use it: docs/integrate.md.
"""

from ecluse.origin.answers import end_session, tell_slots_left
from ecluse.origin.asgi import PassGate
from ecluse.origin.door import PASS_KEY, STATE_KEY, pass_of
from ecluse.origin.wsgi import WsgiPassGate
from ecluse.tokens import Pass, SigningKey

__all__ = [
    "PASS_KEY",
    "STATE_KEY",
    "Pass",
    "PassGate",
    "SigningKey",
    "WsgiPassGate",
    "end_session",
    "pass_of",
    "tell_slots_left",
]
