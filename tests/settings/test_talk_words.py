"""Questions to ask about each reason: ours easy to read and without blame, a site's own in their place."""

import re
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import read_settings
from fhir_alliance.talks.words import AS_GIVEN, TalkWords, talk_words
from fhir_alliance.trajectory.seen import Name
from smart_app.demo.site import write_site
from tests.languages.reading_grade import grade

BLAME = re.compile(r"\bwhy\b|strained|\bpoor|\brisk|wrong|fault|problem|well done|!", re.IGNORECASE)


def own(folder: Path, text: str) -> TalkWords:
    """Return the words where a site has a file of its own."""
    file = folder / "talks.yaml"
    file.write_text(text)
    return talk_words(file)


def test_every_reason_has_questions() -> None:
    """Each reason has two or three; they are questions, easy to read, and blame nobody."""
    words = talk_words()

    assert set(words.questions) == {*Name, AS_GIVEN}
    asked = [question for each in words.questions.values() for question in each]
    assert {len(each) for each in words.questions.values()} <= {2, 3}
    assert all(each.endswith("?") for each in asked)
    texts = [*asked, *words.agreements.values()]
    assert [each for each in texts if BLAME.search(each)] == []
    assert {each: round(grade([each]), 1) for each in texts if grade([each]) > 6} == {}


def test_a_site_says_it_in_its_own_words(tmp_path: Path) -> None:
    """What a site's file has goes before ours; what it leaves out is ours."""
    words = own(tmp_path, "questions:\n  slow slide:\n    - How are we doing?\n")

    assert words.questions[Name.SLIDE] == ("How are we doing?",)
    assert words.questions[Name.LOW] == talk_words().questions[Name.LOW]
    assert words.agreements == talk_words().agreements


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """A reason there is none of, too many questions and too few things to try are told together, with their lines."""
    text = """questions:
  feeling low: ["How are you?"]
  slow slide: ["A?", "B?", "C?", "D?"]
agreements:
  - {id: a, text: One}
  - {id: A B, text: ""}
"""
    with pytest.raises(InvalidSettings) as caught:
        own(tmp_path, text)

    told = "\n".join(caught.value.faults)
    assert "talks.yaml:2: questions.feeling low: is no reason; reasons are: below the usual range, " in told
    assert "talks.yaml:3: questions.slow slide: needs one to three questions" in told
    assert "talks.yaml:6: agreements.1.id: " in told
    assert "talks.yaml:6: agreements.1.text: " in told


@pytest.mark.parametrize(
    ("ids", "fault"), [("abc", "needs four to seven"), ("abcdefgh", "needs four to seven"), ("abca", "have one id")]
)
def test_things_to_try(tmp_path: Path, ids: str, fault: str) -> None:
    """Four to seven different ones can be chosen from at a glance."""
    lines = "".join(f"  - {{id: {each}, text: Thing {each}}}\n" for each in ids)

    with pytest.raises(InvalidSettings, match=fault):
        own(tmp_path, f"agreements:\n{lines}")


def test_the_file_is_named_in_the_settings(tmp_path: Path) -> None:
    """Its path is relative to the settings' folder; without one our words are used."""
    file = write_site(tmp_path, ehr_port=18080, app_port=18081).settings
    before = read_settings(file).talks_file
    file.write_text(f'talks_file = "ours.yaml"\n{file.read_text()}')

    assert (before, read_settings(file).talks_file) == (None, tmp_path / "ours.yaml")
