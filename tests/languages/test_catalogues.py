"""Every word that a person can meet is there in every language, whole, and in English easy to read."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from babel.messages import Message

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import TRANSLATED, ChartReaders, Readers, Rung, Shown
from smart_app.web.catalogues import catalogue
from smart_app.web.pages import audience_text

from .gathered import FOLDERS, KEYWORDS, WEB, messages, read
from .reading_grade import grade, syllables_of

PLACES = re.compile(r"%\(\w+\)s")
# A single short label has no grade: one long word would make it a text for scholars.
LABEL = 8
EASY = 6.0
# Parts of a text that is measured as it is read, as a whole.
IN_THE_AUDIENCE_TEXT = "will see your answers, usually before your next visit."
# Beside what patients are told, but only therapists are.
FOR_THERAPISTS = "The organisation can read them in the health record, too."


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_complete(language: str) -> None:
    """No message is missing, none is left over, none is a guess, and none is still English by oversight."""
    found = [each for each in read(language) if each.id]

    assert sorted(map(_id, found)) == sorted((each.one, each.many) for each in messages())
    assert [each.id for each in found if not all(_said(each)) or each.fuzzy] == []
    assert [each.id for each in found if each.id in _said(each) and len(PLACES.sub("", str(each.id)).split()) > 2] == []


def test_what_is_said_inside_other_words_is_gathered() -> None:
    """No sentence of the code escapes the catalogues, wherever it stands: Babel skips some places in f-strings."""
    calls = (node for file in _modules() for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    said = {
        node.args[0].value
        for node in calls
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS
        if node.args and isinstance(node.args[0], ast.Constant)
    }

    assert said - {each.one for each in messages()} == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_and_edges_of_its_message(language: str) -> None:
    """What is filled in stands in every language, and what is joined to other words has its space."""
    pairs = [pair for each in read(language) if each.id for pair in _pairs(each)]

    assert [text for text, said in pairs if set(PLACES.findall(text)) != set(PLACES.findall(said))] == []
    assert [text for text, said in pairs if text.startswith(" ") != said.startswith(" ")] == []
    assert [text for text, said in pairs if text.endswith(" ") != said.endswith(" ")] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_app_reads_the_very_file(language: str) -> None:
    """The catalogue that pages are made with holds the words of the .po file, with nothing compiled on disk."""
    assert catalogue(language).gettext("Not today") == read(language).get("Not today").string
    assert not list(WEB.rglob("*.mo"))


def test_the_formula_is_that_of_its_source() -> None:
    """A text counted by hand: 3 sentences, 14 words, 17 syllables."""
    text = "I felt at ease today. We spoke about my plan. That was very good."

    counted = {"ease": 1, "today": 2, "about": 2, "answers": 2, "table": 2, "closes": 2, "noted": 2, "asked": 1}
    assert {word: syllables_of(word) for word in counted} == counted
    assert grade([text]) == pytest.approx(0.39 * 14 / 3 + 11.8 * 17 / 14 - 15.59)


def test_every_english_text_of_patients_pages_is_easy() -> None:
    """Sentences are at reading grade 6 at most, each by itself, and the pages together."""
    texts = [PLACES.sub("5", each.one) for each in messages() if each.for_patients]
    sentences = [
        each
        for each in texts
        if len(each.split()) >= LABEL and IN_THE_AUDIENCE_TEXT not in each and each != FOR_THERAPISTS
    ]

    assert [(round(grade([each]), 1), each) for each in sentences if grade([each]) > EASY] == []
    assert grade(texts) <= EASY


@pytest.mark.parametrize("rung", [Rung.OBSERVATIONS, Rung.NOTE, Rung.HOLD])
@pytest.mark.parametrize("portal", Shown)
@pytest.mark.parametrize("proxies", Shown)
@pytest.mark.parametrize("staff", ChartReaders)
def test_what_is_told_before_the_form_is_easy(rung: Rung, portal: Shown, proxies: Shown, staff: ChartReaders) -> None:
    """Whoever reads the answers, the text that says so is at reading grade 6 at most."""
    readers = Readers(
        patient_portal=portal,
        proxies=proxies,
        chart_readers=staff,
        attested_by="Jo Park",
        attested_on=date(2026, 11, 24),
    )
    told = [
        audience_text(Rater.PATIENT, therapist="Dr. Lee", readers=each, rung=rung, passed_on=numbers)
        for each in (readers, None)
        for numbers in ((), (9,))
    ]

    assert [(round(grade([each]), 1), each) for each in told if grade([each]) > EASY] == []


def test_the_questions_of_our_own_form_are_easy() -> None:
    """What the visit check-in asks the patient is at reading grade 6 at most, read as a whole."""
    words = shipped().instrument("visit-check-in").wordings["en"]
    asked = [each[Rater.PATIENT] for each in words.items.values()] + [words.instructions[Rater.PATIENT]]

    assert grade(asked) <= EASY


def _id(message: Message) -> tuple[str, str]:
    """Return a message in English for one and for several, empty where that is the same."""
    return message.id if isinstance(message.id, tuple) else (str(message.id), "")


def _pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Yield what is said in English with what is said in the language, for one and then for several."""
    one, many = _id(message)
    for place, said in enumerate(_said(message)):
        yield (many if place else one), said


def _said(message: Message) -> tuple[str, ...]:
    """Return a message in its language, for each number where there are several."""
    return tuple(message.string) if isinstance(message.id, tuple) else (str(message.string),)


def _modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from folder.rglob("*.py")
