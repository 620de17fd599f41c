"""What a person sees of a page, less what was marked as translated and what is not ours to translate."""

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Final

from babel.support import NullTranslations

OPEN, CLOSE = "⟦", "⟧"
_SILENT: Final = frozenset({"style", "script", "time", "code"})
_SPOKEN: Final = (
    *("aria-label", "placeholder", "alt", "data-line", "data-unset", "data-aloud", "data-words"),
    *("data-saved", "data-later", "data-out", "data-again", "data-twice", "data-changed", "data-offline"),
    *("data-soon", "data-over", "data-copied", "data-by-hand"),
)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


class Pseudo(NullTranslations):
    """A language in which every message stands in brackets."""

    def gettext(self, message: str) -> str:
        """Return the message in brackets, which places inside it stay in, too."""
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Return the message for a number in brackets."""
        return self.gettext(one if number == 1 else many)

    ugettext = gettext
    ungettext = ngettext


class _Visible(HTMLParser):
    """Collects text outside of brackets: a message may hold elements, so brackets are counted over the whole page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.outside: list[str] = []
        self._depth = 0
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("class") == "languages":
            tag = "nav-of-languages"
        if tag not in ("meta", "link", "input", "br"):
            self._within.append(tag)
        for name in _SPOKEN:
            self._read(values.get(name) or "")

    def handle_endtag(self, tag: str) -> None:
        if self._within:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not _SILENT.intersection(self._within) and "nav-of-languages" not in self._within:
            self._read(data)

    def _read(self, text: str) -> None:
        for part in re.split(f"([{OPEN}{CLOSE}])", text):
            self._depth += (part == OPEN) - (part == CLOSE)
            if self._depth == 0 and part not in (OPEN, CLOSE):
                self.outside.append(part)


def not_translated(html: str, known: Iterable[str]) -> list[str]:
    """Return the words of a page that are neither in brackets nor known: names, the site's texts, a form's words."""
    longest_first = sorted((each for each in known if each), key=len, reverse=True)
    names = re.compile("|".join(map(re.escape, longest_first)))
    return [word for text in _Visible(html).outside for word in _WORD.findall(names.sub(" ", text))]
