"""The words of the pages in each language, from the .po files of the package, and which language a page is in."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, appcontext_popped, appcontext_pushed, has_app_context
from flask_babel import Babel, Domain, get_locale

from fhir_alliance.settings import LANGUAGE

_PAGE: Final = ContextVar("page_language", default="")


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


def page_language() -> str:
    """Return the tag of the page's language, English outside of a request.

    It is kept meanwhile: every sentence, day and number of a page asks for it, and Flask-Babel looks long.
    """
    kept = _PAGE.get()
    if kept:
        return kept
    if not has_app_context():
        return LANGUAGE
    found = str(get_locale() or LANGUAGE)
    _PAGE.set(found)
    return found


def page_locale() -> Locale:
    """Return the locale of the page, English outside of a request."""
    return locale_of(page_language())


@cache
def locale_of(language: str) -> Locale:
    """Return the locale of a tag; raises ValueError or UnknownLocaleError for what is none."""
    return Locale.parse(language)


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Say what is said meanwhile in this language, days too; outside of a request that stays English."""
    if not has_app_context():
        yield
        return
    before = _PAGE.set(str(locale_of(language)))
    try:
        yield
    finally:
        _PAGE.reset(before)


def _forget(_: Flask, **__: object) -> None:
    """Let the next page find its own language: threads answer one after the other."""
    _PAGE.set("")


appcontext_pushed.connect(_forget)
appcontext_popped.connect(_forget)


class Words(Domain):  # type: ignore[misc]  # Flask-Babel says nothing of its types
    """The words in the language of the present request."""

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the language, English outside of a request."""
        return catalogue(page_locale().language)


WORDS: Final = Words()


class Languages(Babel):  # type: ignore[misc]  # as above
    """Flask-Babel with our words."""

    domain_instance = WORDS  # Flask-Babel would look for compiled files
