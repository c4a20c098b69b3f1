"""The five ways to stay outside, as a problem for programs (RFC 9457) and as a small page for people."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

STATUS = 403
REASON = "403 Forbidden"
LANGUAGES = ("fr", "en")
"""The languages of the page; the first where a browser asks for neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request stays outside. `title` and `detail` are for programs, `page` has the sentences for people."""

    slug: str
    title: str
    detail: str
    page: dict[str, str]


_GO_ROUND = {
    "fr": "On n’y entre que par là. Ouvrez son adresse publique : si vous avez déjà une place, elle y est gardée.",
    "en": "It is entered through there only. Open its public address: if you have a place already, it is kept.",
}
MISSING = Refusal(
    slug="pass-needed", title="Pass needed", page=_GO_ROUND,
    detail="This service is reached through its waiting room only. Open its public address.",
)  # fmt: skip
TWICE = Refusal(
    slug="ambiguous-request", title="Ambiguous request", page=_GO_ROUND,
    detail="This request carries more than one Ecluse-Pass. Send exactly one.",
)  # fmt: skip
FORGED = Refusal(
    slug="forged", title="Not a genuine pass", page=_GO_ROUND,
    detail="This pass was not issued for this service, or was altered. Open the public address.",
)  # fmt: skip
EXPIRED = Refusal(
    slug="expired", title="Expired pass",
    detail="This pass is too old. Open the public address to get a new one.",
    page={
        "fr": "Votre droit d’entrée a expiré. Ouvrez de nouveau l’adresse publique.",
        "en": "Your pass is too old. Open the public address again.",
    },
)  # fmt: skip
OTHER_ROOM = Refusal(
    slug="wrong-room", title="Pass of another room",
    detail="This pass opens another room. Join the line of this one.",
    page={
        "fr": "Votre droit d’entrée vaut pour une autre salle d’attente. Prenez place dans la file de celle-ci.",
        "en": "Your pass is for another waiting room. Join the line of this one.",
    },
)  # fmt: skip

_TITLE = {"fr": "Ce service a une salle d’attente", "en": "This service has a waiting room"}
_LINK = {"fr": "Aller à la salle d’attente", "en": "Go to the waiting room"}
_PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<main>
<h1>{title}</h1>
<p>{text}</p>
{link}</main>
</html>
"""
_RANGE = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")


def answer(
    refusal: Refusal, *, accept: str, accept_language: str, public_url: str = ""
) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of the refusal: a page where `accept` asks for one, else a problem. Its status is STATUS."""
    if "text/html" in accept:
        language = _language(accept_language)
        body, kind = _page(refusal, language, public_url), "text/html; charset=utf-8"
        extra = [("Content-Language", language), ("Content-Security-Policy", "default-src 'none'")]
    else:
        body, kind, extra = _problem(refusal, public_url), "application/problem+json", []
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"), *extra]
    return headers, body


def _problem(refusal: Refusal, public_url: str) -> bytes:
    problem = {
        "type": f"{public_url.rstrip('/')}/_ecluse/problems/{refusal.slug}", "title": refusal.title, "status": STATUS,
        "detail": refusal.detail,
    }  # fmt: skip
    return json.dumps(problem).encode()


def _page(refusal: Refusal, language: str, public_url: str) -> bytes:
    link = f'<p><a href="{escape(public_url)}">{_LINK[language]}</a></p>\n' if public_url else ""
    return _PAGE.format(
        language=language, title=_TITLE[language], text=refusal.page[language], link=link
    ).encode()  # fmt: skip


def _language(accept_language: str) -> str:
    """The one of LANGUAGES that is wanted most (RFC 9110 §12.5.4)."""
    wanted = sorted(_wanted(accept_language), key=lambda pair: -pair[0])
    return next((name for weight, name in wanted if weight > 0 and name in LANGUAGES), LANGUAGES[0])


def _wanted(accept_language: str) -> Iterator[tuple[float, str]]:
    for part in accept_language[:200].split(","):
        if found := _RANGE.fullmatch(part):
            yield float(found[2] or 1), found[1].lower()
