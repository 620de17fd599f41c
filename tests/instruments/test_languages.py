"""The visit check-in speaks five languages; a translation is published only when a named person has reviewed it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.words import LicenceRecord, Rater, Wording

CHECK_IN = shipped().instrument("visit-check-in")
TRANSLATED = ("de", "es", "fr", "hi")
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
FORMS = pytest.mark.parametrize("form", CHECK_IN.forms, ids=lambda form: form.name)
LANGUAGES = pytest.mark.parametrize("language", TRANSLATED)
NO_TEXT_IN_EHR = LicenceRecord(
    holder="The holder",
    reference="Letter 17",
    expires=None,
    modes=frozenset({"screen"}),
    translation_source="The holder",
    item_text_in_ehr=False,
)


def items_of(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk all items."""
    for item in resource.get("item", []):
        yield item
        yield from items_of(item)


def texts_of(resource: dict[str, Any]) -> dict[str, str]:
    """Return the title and the text of every item by linkId."""
    return {"title": resource["title"], **{item["linkId"]: item["text"] for item in items_of(resource)}}


def said_in(element: dict[str, Any]) -> dict[str, str]:
    """Return the translations that stand beside a string, by language; fail when they have another shape."""
    found = {}
    for extension in element["extension"]:
        language, content = extension["extension"]
        assert extension == {
            "url": TRANSLATION,
            "extension": [
                {"url": "lang", "valueCode": language["valueCode"]},
                {"url": "content", "valueString": content["valueString"]},
            ],
        }
        found[language["valueCode"]] = content["valueString"]
    return found


def sentences(words: Wording) -> list[str]:
    """Return all that a person reads on a form."""
    names = [*words.sections.values(), *words.forms.values(), *words.raters.values(), *words.scores.values()]
    asked = [text for texts in words.items.values() for text in texts.values()]
    around = [words.title, words.caveat, *words.anchors, *words.instructions.values(), *words.options.values()]
    return names + asked + around


def with_words(language: str, **changes: Any) -> Instrument:
    """Return the visit check-in with one language changed."""
    words = replace(CHECK_IN.wordings[language], **changes)
    return replace(CHECK_IN, wordings={**CHECK_IN.wordings, language: words})


def without_words(resource: Any) -> Any:
    """Return a resource with every word of a language taken out, to compare what is left."""
    spoken = {"text", "title", "display", "description", "copyright", "language"}
    if isinstance(resource, dict):
        return {key: without_words(value) for key, value in resource.items() if key not in spoken}
    return [without_words(each) for each in resource] if isinstance(resource, list) else resource


def test_languages() -> None:
    """English is the original; the four others are translations that nobody has reviewed."""
    found = {name: (words.method, words.reviewed_by) for name, words in CHECK_IN.wordings.items()}

    assert found == {"en": ("original", ""), **dict.fromkeys(TRANSLATED, ("translation", ""))}


@LANGUAGES
def test_words_can_be_read(language: str) -> None:
    """Every text has letters and no stray spaces, questions and statements end as sentences do."""
    words = CHECK_IN.wordings[language]

    for text in sentences(words):
        assert any(letter.isalpha() for letter in text)
        assert text == " ".join(text.split(" ")).strip()
    for link_id, texts in words.items.items():
        ending = "?" if link_id in ("harder", "talk") else ".।"
        assert all(text[-1] in ending for text in texts.values())


@LANGUAGES
def test_each_item_says_something_else(language: str) -> None:
    """No two scored items of a form share a text, and the therapist is asked in other words than the patient."""
    items = {name: texts for name, texts in CHECK_IN.wordings[language].items.items() if name.isdigit()}

    for rater in Rater:
        assert len({texts[rater] for texts in items.values()}) == len(items)
    assert all(texts[Rater.PATIENT] != texts[Rater.THERAPIST] for texts in items.values())


def test_hindi_is_written_in_devanagari() -> None:
    """No Latin letter is left in what a Hindi reader is shown."""
    assert not [text for text in sentences(CHECK_IN.wordings["hi"]) if any("a" <= each <= "z" for each in text.lower())]


@LANGUAGES
@FORMS
def test_whole_form_in_a_language(form: Form, language: str) -> None:
    """A form built in a language passes the model, says so, and has no English text left in title or items."""
    english = texts_of(build_questionnaire(CHECK_IN, form))

    resource = build_questionnaire(CHECK_IN, form, language=language)

    assert Questionnaire.model_validate(resource).language == language
    assert texts_of(resource).keys() == english.keys()
    assert not [link_id for link_id, text in texts_of(resource).items() if text == english[link_id]]


@LANGUAGES
@FORMS
def test_only_the_words_differ(form: Form, language: str) -> None:
    """Codes, order, numbers, conditions and score expressions are those of the English form."""
    resource = build_questionnaire(CHECK_IN, form, language=language)

    assert without_words(resource) == without_words(build_questionnaire(CHECK_IN, form))


@LANGUAGES
def test_options_in_a_language(language: str) -> None:
    """The worded options are in the language of the form; numbers stay numbers."""
    words = CHECK_IN.wordings[language]
    resource = build_questionnaire(CHECK_IN, CHECK_IN.forms[0], language=language)
    by_link_id = {item["linkId"]: item for item in items_of(resource)}

    displays = {
        link_id: [option["valueCoding"]["display"] for option in by_link_id[link_id]["answerOption"]]
        for link_id in ("1", "harder")
    }

    assert displays["harder"] == [words.options[code] for code in ("no", "a-little", "yes")]
    assert displays["1"] == [str(number) for number in range(11)]


@FORMS
def test_unreviewed_translations_are_not_published(form: Form) -> None:
    """What is published carries no translation as long as nobody has reviewed one."""
    published = json.dumps(build_questionnaire(CHECK_IN, form))

    assert TRANSLATION not in published
    assert '"_' not in published


@FORMS
def test_unreviewed_translations_on_request(form: Form) -> None:
    """Asked for, the form carries all other languages on title, groups, questions, scores, and passes the model."""
    resource = build_questionnaire(CHECK_IN, form, unreviewed=True)

    assert Questionnaire.model_validate(resource).language == "en"
    carried = {
        "title": said_in(resource["_title"]),
        **{item["linkId"]: said_in(item["_text"]) for item in items_of(resource)},
    }
    for language in TRANSLATED:
        expected = texts_of(build_questionnaire(CHECK_IN, form, language=language))
        assert {link_id: texts[language] for link_id, texts in carried.items()} == expected
    assert all(tuple(texts) == TRANSLATED for texts in carried.values())


def test_translated_options() -> None:
    """Worded options carry their translations inside the Coding; numbers, which need none, carry nothing."""
    resource = build_questionnaire(CHECK_IN, CHECK_IN.forms[0], unreviewed=True)
    codings = {
        item["linkId"]: [option["valueCoding"] for option in item["answerOption"]]
        for item in items_of(resource)
        if "answerOption" in item
    }

    a_little = codings["harder"][1]

    assert said_in(a_little["_display"]) == {"de": "ein wenig", "es": "un poco", "fr": "un peu", "hi": "थोड़ा"}
    assert all("_display" in coding for link_id in ("harder", "talk") for coding in codings[link_id])
    assert not [
        coding for link_id in codings if link_id.isdigit() for coding in codings[link_id] if "_display" in coding
    ]


def test_a_reviewed_translation_is_published() -> None:
    """The language that a named person has reviewed is carried, and no other."""
    resource = build_questionnaire(with_words("de", reviewed_by="Dr. Jana Beck"), CHECK_IN.forms[0])

    strings = [resource["_title"], *(item["_text"] for item in items_of(resource))]

    assert {language for string in strings for language in said_in(string)} == {"de"}


def test_words_that_may_not_be_in_the_ehr_are_no_translation() -> None:
    """A reviewed translation whose licence keeps its words out of the EHR is never carried, asked for or not."""
    kept_out = with_words("de", reviewed_by="Dr. Jana Beck", record=NO_TEXT_IN_EHR)

    published = build_questionnaire(kept_out, CHECK_IN.forms[0])
    asked_for = build_questionnaire(kept_out, CHECK_IN.forms[0], unreviewed=True)

    assert "_title" not in published
    assert set(said_in(asked_for["_title"])) == {"es", "fr", "hi"}


def test_a_form_in_another_language_carries_the_rest() -> None:
    """A form never carries its own language as a translation."""
    resource = build_questionnaire(CHECK_IN, CHECK_IN.forms[0], language="de", unreviewed=True)

    assert set(said_in(resource["_title"])) == {"en", "es", "fr", "hi"}
