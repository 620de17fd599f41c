"""Words said in the language of the page; templates say theirs with `_` and `ngettext`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum

from babel import Locale
from babel.lists import format_list
from babel.numbers import get_decimal_symbol
from flask_babel import force_locale, get_locale, gettext, ngettext

from fhir_alliance.sentences import Counted, Number, Sentence, Series
from fhir_alliance.settings import LANGUAGE


def say(words: str, /, **values: object) -> str:
    """Return words in the language of the page, English outside of a request; `values` fill places like %(name)s.

    Sentences are said with all that is in them; the words of an enumeration are words, other values stay as they are.
    """
    if isinstance(words, Counted):
        places = {name: value for name, value in words.values.items() if name != "num"}  # ngettext brings its own
        return str(ngettext(words.one, words.many, words.number, **_said(places)))
    if isinstance(words, Sentence):
        return str(gettext(words.pattern, **_said(words.values)))
    if isinstance(words, Series):
        return words.between.join(map(say, words.parts))
    if isinstance(words, Number):
        return words.replace(".", str(get_decimal_symbol(page_locale())))
    return str(gettext(words, **_said(values))) if words else ""


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Say what is said meanwhile in this language, days too; outside of a request that stays English."""
    with force_locale(language):
        yield


def page_locale() -> Locale:
    """Return the locale of the page, English outside of a request."""
    return get_locale() or Locale(LANGUAGE)


def all_of(parts: Sequence[str]) -> str:
    """Return a list in words, "a, b and c"."""
    locale = page_locale()
    if locale.language == LANGUAGE:  # without the comma before "and" that CLDR's "en" has
        return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    return format_list(parts, locale=locale)


def _said(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: object) -> object:
    return say(value) if isinstance(value, (Sentence, Series, Number, Enum)) else value  # type: ignore[arg-type]  # ours are of text
