"""English that is left on a page of another language, by comparing its words with what the pages say in English."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Final

from fhir_alliance.instruments.catalogue import shipped

from .gathered import messages, read

_PLACE: Final = re.compile(r"%\(\w+\)s")
_VOID: Final = ("meta", "link", "input", "br", "img", "hr")
_SILENT: Final = frozenset({"style", "script", "noscript", "nav"})
# Words that stand alone, such as "Start" or "Name", may be words of the other language, too.
_TELLING: Final = 3


class _Texts(HTMLParser):
    """Collects the texts of a page, but for the names of languages to choose."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            while self._within.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not _SILENT.intersection(self._within):
            self.found.append(data)


def english_left(html: str, language: str) -> list[str]:
    """Return the English sentences, and parts of sentences, that stand on a page which is in another language."""
    text = " ".join(" ".join(_Texts(html).found).split())
    return [part for part in _english(language) if part in text]


@cache
def _english(language: str) -> tuple[str, ...]:
    """Return what is said in English and otherwise in a language: parts of messages between their places, and words."""
    parts = [part for english, said in _pairs(language) for part in _PLACE.split(english) if part not in said]
    return tuple({each.strip() for each in parts if len(re.findall(r"\w{2,}", each)) >= _TELLING})


def _pairs(language: str) -> Iterator[tuple[str, str]]:
    known = read(language)
    for message in messages():
        said = known.get(message.id)
        assert said is not None
        yield from ((each, str(said.string)) for each in (message.one, message.many) if each)
    words = shipped().instrument("visit-check-in").wordings
    for item, asked in words["en"].items.items():
        yield from ((asked[rater], words[language].items[item][rater]) for rater in asked)
