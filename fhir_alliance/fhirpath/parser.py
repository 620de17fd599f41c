"""An expression's text as a tree: strict, in one pass, and refusing what may not be evaluated here."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from fhir_alliance.fhirpath.patterns import check_pattern
from fhir_alliance.fhirpath.syntax import (
    FUNCTIONS,
    TYPE_TESTS,
    TYPES,
    At,
    Call,
    Chain,
    Expression,
    Literal,
    Member,
    Node,
    Path,
    Sign,
    Special,
    TypeTest,
    Variable,
)
from fhir_alliance.fhirpath.tokens import END, Cursor, ExpressionError, Token, unexpected

MAX_LENGTH = 8 * 1024
MAX_DEPTH = 64

# FHIRPath's operators by their precedence, the loosest first (FHIRPath 2.0, section 8.1).
_LEVELS = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "!="),
    ("<", "<=", ">", ">="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
_LEVEL = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}


def parse(text: str, variables: Collection[str]) -> Expression:
    """Return an expression that may use these `%variables`.

    Raises ExpressionError when it does not parse, is too long or too deep, calls a function that is not in FUNCTIONS,
    has a pattern that could be slow, or starts a path where form fillers disagree on what it starts from.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH} characters")
    parser = _Parser(text, frozenset(variables))
    return Expression(text, parser.whole(), frozenset(parser.used))


class _Parser(Cursor):
    """Reads tokens by recursive descent; `_each` counts the functions around that say what a bare path starts from."""

    def __init__(self, text: str, variables: frozenset[str]) -> None:
        super().__init__(text)
        self._variables = variables
        self._depth = 0
        self._each = 0
        self.used: set[str] = set()
        self._terms: Mapping[str, Callable[[Token], Node]] = {
            "number": lambda token: Literal((Decimal(token.text) if "." in token.text else int(token.text),)),
            "string": lambda token: Literal((token.text,)),
            "name": self._name,
            "quoted": self._name,
            "variable": self._variable,
            "special": self._special,
            "symbol": self._symbol,
        }

    def whole(self) -> Node:
        """Return the tree of all tokens."""
        node = self._expression(0)
        if self._ahead.kind != END:
            raise unexpected(self._ahead)
        return node

    def _expression(self, least: int) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"it is nested deeper than {MAX_DEPTH}")
        node = self._signed()
        while (level := self._operator()) >= least:
            operator = self._take().text
            if operator in TYPE_TESTS:
                node = Path((node, TypeTest(operator, self._type())))
            else:
                node = _chained(node, operator, self._expression(level + 1), level)
        self._depth -= 1
        return node

    def _operator(self) -> int:
        """Return the precedence of the operator ahead, -1 when there is none."""
        return _LEVEL.get(self._ahead.text, -1) if self._ahead.kind in ("symbol", "name") else -1

    def _signed(self) -> Node:
        signs = []
        while self._is("-") or self._is("+"):
            signs.append(self._take().text)
        node = self._path()
        return Sign("-" if signs.count("-") % 2 else "+", node) if signs else node

    def _path(self) -> Node:
        steps = [self._term()]
        while self._is(".") or self._is("["):
            if self._take().text == "[":
                steps.append(At(self._expression(0)))
                self._expect("]")
            else:
                steps.append(self._step(self._take(), after=True))
        return Path(tuple(steps)) if len(steps) > 1 else steps[0]

    def _term(self) -> Node:
        token = self._take()
        if token.kind == END:
            raise unexpected(token)
        return self._terms[token.kind](token)

    def _name(self, token: Token) -> Node:
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal((token.text == "true",))
        if not self._each and not (token.text == "iif" and self._is("(")):
            raise ExpressionError(f"{token.text} at {token.at} starts a path from nowhere: write %resource before it")
        return self._step(token, after=False)

    def _variable(self, token: Token) -> Node:
        if token.text not in self._variables:
            known = ", ".join(f"%{name}" for name in sorted(self._variables))
            raise ExpressionError(f"%{token.text} at {token.at} is not known here; known are {known}")
        self.used.add(token.text)
        return Variable(token.text)

    def _special(self, token: Token) -> Node:
        if not self._each:
            raise ExpressionError(f"${token.text} at {token.at} stands outside of a function that gives it a value")
        return Special(token.text)

    def _symbol(self, token: Token) -> Node:
        if token.text == "{":
            self._expect("}")
            return Literal(())
        if token.text != "(":
            raise unexpected(token)
        node = self._expression(0)
        self._expect(")")
        return node

    def _step(self, token: Token, *, after: bool) -> Node:
        """Read a member, a function or a type test; `after` says whether a path stands before it."""
        if token.kind not in ("name", "quoted"):
            raise unexpected(token)
        if not self._is("("):
            return Member(token.text)
        self._take()
        if token.text in TYPE_TESTS:
            test = TypeTest(token.text, self._type())
            self._expect(")")
            return test
        if token.text not in FUNCTIONS:
            raise ExpressionError(f"{token.text}() at {token.at} is not available here")
        return self._call(token, about_it=after and token.text == "iif")

    def _call(self, token: Token, *, about_it: bool) -> Node:
        takes = FUNCTIONS[token.text]
        gives_start = takes.each or about_it
        self._each += gives_start
        arguments = []
        while not self._is(")"):
            arguments.append(self._expression(0))
            if not self._is(")"):
                self._expect(",")
        self._take()
        self._each -= gives_start
        if not takes.least <= len(arguments) <= takes.most:
            raise ExpressionError(f"{token.text}() at {token.at} has {len(arguments)} arguments")
        if token.text == "matches":
            _check_matches(token, arguments[0])
        return Call(token.text, tuple(arguments))

    def _type(self) -> str:
        name = self._take()
        if name.text in ("FHIR", "System") and self._is("."):
            self._take()
            name = self._take()
        for each in TYPES:
            if name.kind in ("name", "quoted") and each.lower() == name.text.lower():
                return each
        raise ExpressionError(f"the type {name.text!r} at {name.at} is none of {', '.join(TYPES)}")


def _chained(left: Node, operator: str, right: Node, level: int) -> Node:
    """Join operands; a chain of the same precedence grows, which is what joining from the left means."""
    if isinstance(left, Chain) and _LEVEL[left.rest[0][0]] == level:
        return Chain(left.first, (*left.rest, (operator, right)))
    return Chain(left, ((operator, right),))


def _check_matches(token: Token, pattern: Node) -> None:
    written = pattern.values[0] if isinstance(pattern, Literal) and pattern.values else None
    if not isinstance(written, str):
        raise ExpressionError(f"matches() at {token.at} needs its pattern written out")
    check_pattern(written)
