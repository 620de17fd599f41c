"""Which regular expressions are safe: those that no text can make slow."""

import re

from fhir_alliance.fhirpath.tokens import ExpressionError

# Longer texts are not matched. A match tries at most every part of a text: a few tenths of a millisecond.
MAX_TEXT = 255

# A set or an escape stands for one character; what is left shows the structure.
_CHARACTER = re.compile(r"\[\^?(?:[^\[\]\\]|\\.)+\]|\\[^0-9]", re.DOTALL)
_AMBIGUOUS_SET = re.compile(r"--|&&|~~|\|\|")


def check_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern compiled; ExpressionError when it could take long on some text.

    It may choose between alternatives in one group, and repeat one character, or two when it starts with `^` and has no
    alternatives: more, inside or after each other, would make a backtracking engine try every combination.
    """
    structure = _CHARACTER.sub("x", pattern).replace("(?:", "(")
    if re.search(r"[\\\[\]]|\(\?|\)[*+?{]", structure) or structure.count("(") > 1 or _AMBIGUOUS_SET.search(pattern):
        raise ExpressionError(f"the pattern {pattern[:60]!r} has groups or sets that are not allowed here")
    repetitions = 2 if structure.startswith("^") and "|" not in structure else 1
    if len(re.findall(r"[*+?{]", structure)) > repetitions:
        raise ExpressionError(f"the pattern {pattern[:60]!r} repeats more than it may: it could take long to match")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError):
        raise ExpressionError(f"the pattern {pattern[:60]!r} is not a regular expression") from None
