"""Pages and addresses of the service."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path

from ecluse.origin import Pass, end_session, pass_of, tell_slots_left

slots = {"left": 3}


def visit(request: HttpRequest) -> Pass:
    """Whose visit this is, under WSGI and ASGI; there is always one here, the gate sees to that."""
    found = pass_of(request.scope if isinstance(request, ASGIRequest) else request.META)
    assert found is not None
    return found


def form(request: HttpRequest) -> HttpResponse:
    """Choose."""
    here = visit(request)
    proof = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'
    answer = HttpResponse(
        f"<p>Visit {here.session}, lane {here.lane}, person {here.person}.</p>"
        f'<form method="post" action="/book">{proof}'
        f"<button>Book one of {slots['left']}</button></form>"
    )
    tell_slots_left(answer, slots["left"])
    return answer


def book(request: HttpRequest) -> HttpResponse:
    """Book, and make room for the next visitor."""
    if request.method != "POST":
        return HttpResponse(status=405)
    slots["left"] -= 1
    answer = HttpResponse("<p>Booked. Your visit is over.</p>")
    tell_slots_left(answer, slots["left"])
    end_session(answer)
    return answer


def healthz(request: HttpRequest) -> HttpResponse:
    """For the monitoring: no pass needed."""
    return HttpResponse("ok\n")


def partners(request: HttpRequest) -> JsonResponse:
    """For partners' programs, which never wait: no pass needed. Ask for a key of their own here."""
    return JsonResponse({"left": slots["left"]})


urlpatterns = [
    path("", form),
    path("book", book),
    path("healthz", healthz),
    path("api/partners/slots", partners),
]
