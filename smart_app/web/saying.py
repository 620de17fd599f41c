"""Words said in the language of the page; templates say theirs with `_` and `ngettext`."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache

from babel.lists import format_list
from babel.numbers import get_decimal_symbol
from markupsafe import Markup

from fhir_alliance.sentences import Counted, Number, Sentence, Series
from fhir_alliance.settings import LANGUAGE
from smart_app.web.catalogues import WORDS, locale_of, page_language, page_locale


def say(words: str, /, **values: object) -> str:
    """Return words in the language of the page, English outside of a request; `values` fill places like %(name)s.

    Sentences are said with all that is in them; the words of an enumeration are words, other values stay as they are.
    """
    if type(words) is str:
        return _filled(words, values) if words else ""
    if isinstance(words, Number):
        return words.replace(".", _decimal_sign(page_language()))
    if isinstance(words, Counted):
        places = {name: value for name, value in words.values.items() if name != "num"}  # ngettext brings its own
        return str(WORDS.ngettext(words.one, words.many, words.number, **_said(places)))
    if isinstance(words, Sentence):
        return _filled(words.pattern, words.values)
    if isinstance(words, Series):
        return words.between.join(map(say, words.parts))
    return say(str(words), **values)


def said_in_page(words: str, /, **values: object) -> Markup:
    """Return what `_` says in a template, values escaped; Jinja's own copies all names of the page for each call."""
    said = Markup(WORDS.get_translations().ugettext(words))  # noqa: S704  # the words are ours
    return said % values if "%" in said else said


def counted_in_page(one: str, many: str, number: int, /, **values: object) -> Markup:
    """Return what `ngettext` says in a template, for one or many; `num` is the number in them."""
    said = Markup(WORDS.get_translations().ungettext(one, many, number))  # noqa: S704  # as above
    return said % {"num": number, **values}


def all_of(parts: Sequence[str]) -> str:
    """Return a list in words, "a, b and c"."""
    locale = page_locale()
    if locale.language == LANGUAGE:  # without the comma before "and" that CLDR's "en" has
        return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
    return format_list(parts, locale=locale)


@cache
def _decimal_sign(tag: str) -> str:
    return str(get_decimal_symbol(locale_of(tag)))


def _filled(pattern: str, values: Mapping[str, object]) -> str:
    said = WORDS.get_translations().ugettext(pattern)
    return str(said % _said(values) if values else said)


def _said(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: object) -> object:
    return say(value) if isinstance(value, (Sentence, Series, Number, Enum)) else value  # type: ignore[arg-type]  # ours are of text
