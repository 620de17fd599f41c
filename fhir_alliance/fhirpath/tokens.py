"""An expression's text as tokens."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple


class ExpressionError(ValueError):
    """The expression is not what can be evaluated here; the message says why, and where."""


class Token(NamedTuple):
    """One word of an expression: its kind, its text, and the position it starts at, counted from 1."""

    kind: str
    text: str
    at: int


END = "end"
MAX_TOKENS = 2000

_TOKEN = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*\*/)+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>`(?:[^`\\]|\\.)*`)
    |(?P<variable>%(?:[A-Za-z_][A-Za-z0-9_]*|`[^`\\]+`|'[^'\\]+'))
    |(?P<special>\$(?:this|index|total)\b)
    |(?P<symbol><=|>=|!=|[-+*/&|<>=.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/", "r": "\r", "n": "\n", "t": "\t", "f": "\f"}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of an expression without white space and comments, at last one of kind END."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"{text[at]!r} at {at + 1} is not understood")
        kind = str(match.lastgroup)
        if kind != "space":
            yield Token(kind, _read(kind, match.group()), at + 1)
        at = match.end()
    yield Token(END, "", len(text) + 1)


def _read(kind: str, text: str) -> str:
    if kind in ("string", "quoted"):
        return _ESCAPE.sub(_unescape, text[1:-1])
    return text[1:].strip("`'") if kind in ("variable", "special") else text


def _unescape(match: re.Match[str]) -> str:
    escape = match.group(1)
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    if escape not in _ESCAPED:
        raise ExpressionError(f"\\{escape} is no escape of FHIRPath: write \\\\{escape}")
    return _ESCAPED[escape]


class Cursor:
    """Reads the tokens of an expression one after the other; ExpressionError when they are too many."""

    def __init__(self, text: str) -> None:
        self._tokens = list(islice(tokens(text), MAX_TOKENS + 1))
        self._next = 0
        if len(self._tokens) > MAX_TOKENS:
            raise ExpressionError(f"it has more than {MAX_TOKENS} words and signs")

    @property
    def _ahead(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        """Return the token ahead and go on; the last one stays ahead."""
        token = self._ahead
        self._next += token.kind != END
        return token

    def _is(self, text: str) -> bool:
        return self._ahead.kind == "symbol" and self._ahead.text == text

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise unexpected(self._ahead, f", expected {text!r}")
        self._take()


def unexpected(token: Token, more: str = "") -> ExpressionError:
    """Return the error for a token that cannot stand where it does."""
    if token.kind == END:
        return ExpressionError(f"it ends too early{more}")
    return ExpressionError(f"{token.text!r} at {token.at} is not expected there{more}")
