"""The words of the pages in each language, from the .po files of the package."""

from functools import cache, cached_property
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask_babel import Babel, Domain, get_locale

from fhir_alliance.settings import LANGUAGE


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


class Words(Domain):  # type: ignore[misc]  # Flask-Babel says nothing of its types
    """The words in the language of the present request."""

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the language, English outside of a request."""
        locale = get_locale()
        return catalogue(locale.language if locale else LANGUAGE)


class Languages(Babel):  # type: ignore[misc]  # as above
    """Flask-Babel with our words."""

    @cached_property
    def domain_instance(self) -> Words:
        """Return the words; Flask-Babel would look for compiled files."""
        return Words()
