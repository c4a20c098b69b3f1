"""The catalogues of what visitors read: pages, and messages to those who are away."""

from collections.abc import Sequence
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def with_base(code: str) -> tuple[str, ...]:
    """A language, then the one that a private variety such as `fr-x-facile` is a variety of."""
    return tuple(dict.fromkeys((code, code.partition("-x-")[0])))


def codes_in(roots: Sequence[Path]) -> list[str]:
    """The languages that have a catalogue in any of the folders."""
    return sorted({path.parent.parent.name for root in roots for path in root.glob("locales/*/LC_MESSAGES/ecluse.po")})


def catalogue_of(roots: Sequence[Path], code: str) -> GNUTranslations:
    """The translations of a language: of a later folder first, and a private variety says like its base the rest."""
    found: GNUTranslations | None = None
    for name in with_base(code):
        for root in reversed(roots):
            path = root / "locales" / name / "LC_MESSAGES" / "ecluse.po"
            if not path.is_file():
                continue
            translations = _compiled(path, with_base(code)[-1])
            if found is None:
                found = translations
            else:
                found.add_fallback(translations)
    if found is None:
        raise ValueError(f"there is no catalogue for the language {code!r}")
    return found


def _compiled(path: Path, code: str) -> GNUTranslations:
    """The translations of a .po file, without a compile step. Fuzzy entries do not count."""
    with path.open("rb") as file:
        found = read_po(file, locale=code.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return GNUTranslations(compiled)
