"""Who is told that they will see the answers: what the site attests, else the most that may be (P1)."""

import itertools
import re
from datetime import date

import pytest

from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import ChartReaders, Readers, Rung, Shown
from smart_app.web.pages import audience_text

ATTESTED = [
    Readers(
        patient_portal=portal, proxies=proxies, chart_readers=staff, attested_by="Jo", attested_on=date(2026, 11, 24)
    )
    for portal, proxies, staff in itertools.product(Shown, Shown, ChartReaders)
]
EVERY_TEXT = [(rater, readers, rung) for rater, readers, rung in itertools.product(Rater, (None, *ATTESTED), Rung)]


def text(rater: Rater = Rater.PATIENT, readers: Readers | None = None, rung: Rung = Rung.OBSERVATIONS) -> str:
    """Return the text for a patient of Dr. Okafor."""
    return audience_text(rater, therapist="Dr. Okafor", readers=readers, rung=rung)


def grade(words: str) -> float:
    """Return the Flesch-Kincaid grade; a syllable is a group of vowels, but for a silent e at the end."""
    plain = words.replace("Dr. ", "Dr ")
    sentences = len(re.findall(r"[.:]", plain))
    tokens = re.findall(r"[a-z']+", plain.lower())
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<![l])e\b", "", each)))) for each in tokens)
    return 0.39 * len(tokens) / sentences + 11.8 * syllables / len(tokens) - 15.59


def test_without_an_attestation_the_most_that_may_be_is_said() -> None:
    """Nobody has said that anybody is kept out, so everybody is named."""
    told = text()

    assert "Everyone who can open your chart may see them there." in told
    assert "family members and others who can use your portal" in told
    assert told.startswith("Dr. Okafor will see your answers, usually before your next visit. They go into your")


@pytest.mark.parametrize(
    ("portal", "proxies", "staff", "said"),
    [
        (
            "shown",
            "shown",
            "everyone",
            "All staff who can open your chart may see them there. You can see them in your",
        ),
        ("shown", "hidden", "care-team", "Others who use it for you cannot."),
        ("hidden", "shown", "care-team", "does not show them to you, but others who use it for you can see them."),
        (
            "hidden",
            "hidden",
            "care-team",
            "Only staff who treat you may see them there. Your portal does not show them.",
        ),
    ],
)
def test_what_is_attested_is_said(portal: str, proxies: str, staff: str, said: str) -> None:
    """Portal, proxies and staff are told as the site attests them."""
    readers = Readers(
        patient_portal=Shown(portal),
        proxies=Shown(proxies),
        chart_readers=ChartReaders(staff),
        attested_by="Jo",
        attested_on=date(2026, 11, 24),
    )

    assert said in text(readers=readers)
    assert "Everyone who can open" not in text(readers=readers)


def test_each_attestation_has_a_text_of_its_own() -> None:
    """No two attestations and raters are told alike, nor the first rung and the two on which scores alone are filed."""
    texts = {text(*each) for each in EVERY_TEXT if each[2] is not Rung.HOLD}

    assert len(texts) == 2 * 9 * 2
    assert text(rung=Rung.NOTE) == text(rung=Rung.FLOWSHEET)
    assert {text(Rater.PATIENT, readers, Rung.HOLD) for readers in (None, *ATTESTED)} == {text(rung=Rung.HOLD)}


def test_where_nothing_is_written_nothing_else_is_said() -> None:
    """On the held rung the answers are not called a part of the record; on the flowsheet only the scores are."""
    held, row = text(rung=Rung.HOLD), text(rung=Rung.FLOWSHEET)

    assert "kept in this app, not in your health record" in held
    assert "portal" not in held
    assert "Scores made from them go into your health record." in row


def test_every_text_is_easy_to_read() -> None:
    """No text for patients is above grade 6, and what cannot be skipped over is in each: no duty, nobody watches."""
    for_patients = [text(*each) for each in EVERY_TEXT if each[0] is Rater.PATIENT]

    assert [each for each in for_patients if grade(each) > 6] == []
    assert all("You can skip any question or say no." in each for each in for_patients)
    assert all("Nobody watches this form live." in each for each in for_patients)
