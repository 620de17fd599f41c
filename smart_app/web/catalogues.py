"""The words of the pages in each language, from the .po files of the package, and which language a page is in."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import g, has_app_context
from flask_babel import Babel, Domain, get_locale

from fhir_alliance.settings import LANGUAGE

_ENGLISH: Final = Locale(LANGUAGE)


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the words of a language; English is what the pages are written in.

    A .po file is read as it is, once: nothing has to be compiled when the package is built or installed.
    """
    if language == LANGUAGE:
        return NullTranslations()
    file = files("smart_app.web") / "translations" / language / "LC_MESSAGES" / "messages.po"
    with file.open("rb") as source:
        words = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, words)
    compiled.seek(0)
    return Translations(compiled)


def page_locale() -> Locale:
    """Return the locale of the page, English outside of a request.

    It is kept with the request: every sentence, day and number of a page asks for it, and Flask-Babel looks long.
    """
    try:
        kept: Locale = g.page_locale
    except RuntimeError:
        return _ENGLISH
    except AttributeError:
        kept = g.page_locale = _one_for_all(get_locale() or _ENGLISH)
    return kept


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Say what is said meanwhile in this language, days too; outside of a request that stays English."""
    if not has_app_context():
        yield
        return
    before = g.pop("page_locale", None)
    g.page_locale = _one_for_all(Locale.parse(language))
    try:
        yield
    finally:
        del g.page_locale
        if before:
            g.page_locale = before


@cache
def _one_for_all(locale: Locale) -> Locale:
    """Return the first locale that was equal: what is looked up by the same one is found without comparing."""
    return locale


class Words(Domain):  # type: ignore[misc]  # Flask-Babel says nothing of its types
    """The words in the language of the present request."""

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the language, English outside of a request."""
        return catalogue(page_locale().language)


WORDS: Final = Words()


class Languages(Babel):  # type: ignore[misc]  # as above
    """Flask-Babel with our words."""

    domain_instance = WORDS  # Flask-Babel would look for compiled files
