"""The five ways to stay outside, as a problem for programs (RFC 9457) and as a small page for people."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

STATUS = 403
REASON = "403 Forbidden"
Texts = Mapping[str, Mapping[str, str]]
"""By language code, what a page says: `title`, `link`, and the `page` of each refusal."""
TEXTS: Texts = {
    "fr": {
        "title": "Ce service a une salle d’attente",
        "link": "Aller à la salle d’attente",
        "go_round": "On n’y entre que par là. Ouvrez son adresse publique : "
        "si vous avez déjà une place, elle y est gardée.",
        "expired": "Votre droit d’entrée a expiré. Ouvrez de nouveau l’adresse publique.",
        "other_room": "Votre droit d’entrée vaut pour une autre salle d’attente. "
        "Prenez place dans la file de celle-ci.",
    },
    "en": {
        "title": "This service has a waiting room",
        "link": "Go to the waiting room",
        "go_round": "It is entered through there only. Open its public address: "
        "if you have a place already, it is kept.",
        "expired": "Your pass is too old. Open the public address again.",
        "other_room": "Your pass is for another waiting room. Join the line of this one.",
    },
}
"""Always there; the first language where a browser asks for none that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request stays outside. `title` and `detail` are for programs, `page` names the text for people."""

    slug: str
    title: str
    detail: str
    page: str


MISSING = Refusal(
    slug="pass-needed", title="Pass needed", page="go_round",
    detail="This service is reached through its waiting room only. Open its public address.",
)  # fmt: skip
TWICE = Refusal(
    slug="ambiguous-request", title="Ambiguous request", page="go_round",
    detail="This request carries more than one Ecluse-Pass. Send exactly one.",
)  # fmt: skip
FORGED = Refusal(
    slug="forged", title="Not a genuine pass", page="go_round",
    detail="This pass was not issued for this service, or was altered. Open the public address.",
)  # fmt: skip
EXPIRED = Refusal(
    slug="expired", title="Expired pass", page="expired",
    detail="This pass is too old. Open the public address to get a new one.",
)  # fmt: skip
OTHER_ROOM = Refusal(
    slug="wrong-room", title="Pass of another room", page="other_room",
    detail="This pass opens another room. Join the line of this one.",
)  # fmt: skip

_PAGE = """<!doctype html>
<html lang="{language}" dir="auto">
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
    refusal: Refusal, *, accept: str, accept_language: str, texts: Texts = TEXTS, public_url: str = ""
) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of the refusal: a page where `accept` asks for one, else a problem. Its status is STATUS."""
    if "text/html" in accept:
        language = _language(accept_language, texts)
        body, kind = _page(refusal, language, texts[language], public_url), "text/html; charset=utf-8"
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


def _page(refusal: Refusal, language: str, texts: Mapping[str, str], public_url: str) -> bytes:
    link = f'<p><a href="{escape(public_url)}">{escape(texts["link"])}</a></p>\n' if public_url else ""
    title, text = escape(texts["title"]), escape(texts[refusal.page])
    return _PAGE.format(language=language, title=title, text=text, link=link).encode()


def _language(accept_language: str, known: Texts) -> str:
    """The known language that is wanted most (RFC 9110 §12.5.4)."""
    wanted = sorted(_wanted(accept_language), key=lambda pair: -pair[0])
    return next((name for weight, name in wanted if weight > 0 and name in known), next(iter(known)))


def _wanted(accept_language: str) -> Iterator[tuple[float, str]]:
    for part in accept_language[:200].split(","):
        if found := _RANGE.fullmatch(part):
            yield float(found[2] or 1), found[1].lower()
