"""How hard an English text is to read."""

import re
from collections.abc import Iterable
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
_SENTENCE_END: Final = re.compile(r"[.?!:;]+(?=\s|$)")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_SILENT: Final = re.compile(r"[^aeiouy]e$|[^aeiouytd]ed$|[^aeiouysxzhcg]es$")
_LE: Final = re.compile(r"[^aeiouy]le$")


def grade(texts: Iterable[str]) -> float:
    """Return the Flesch-Kincaid grade of texts: 0.39 words/sentence + 11.8 syllables/word - 15.59.

    Source: Kincaid, Fishburne, Rogers, Chissom: Derivation of New Readability Formulas for Navy Enlisted Personnel,
    Research Branch Report 8-75, 1975. Each text is at least one sentence.
    """
    texts = list(texts)
    words = [word for text in texts for word in _WORD.findall(text)]
    sentences = sum(max(len(_SENTENCE_END.findall(text)), 1) for text in texts)
    syllables = sum(map(syllables_of, words))
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def syllables_of(word: str) -> int:
    """Return how many syllables a word has, by its groups of vowels without a silent e."""
    plain = word.lower().replace("'", "").replace("’", "")
    groups = len(_VOWELS.findall(plain))
    silent = bool(_SILENT.search(plain)) and not _LE.search(plain)
    return max(groups - silent, 1)
