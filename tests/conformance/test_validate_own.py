"""All that we generate is valid: every form in every language, every kind of submission, and the synthetic record."""

from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from fhir_alliance.conformance.validator.findings import Severity
from fhir_alliance.instruments.catalogue import read_catalogue, shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from smart_app.sandbox.people.population import population

from .validating import JsonObject, errors, findings

Make = Callable[..., Submission]

WITH_WORDS = [each for each in shipped().instruments if each.wordings]
FORMS = [pytest.param(each, form, id=form.name) for each in WITH_WORDS for form in each.forms]


def answers_of(form: Form, share: float) -> dict[str, str]:
    """Answer the first part of a form's items, each with its last option or the end of its line."""
    items = form.items[: round(len(form.items) * share)]
    return {item.link_id: str(item.span.maximum) if item.span else item.options[-1].code for item in items}


def submissions(make: Make, instrument: Instrument, form: Form) -> Iterator[Submission]:
    """Yield a complete, a partial and a declined submission of a form, in each of its languages."""
    for language in instrument.wordings:
        for share, declined in ((1, False), (0.5, False), (0, True)):
            answers = Answers(given=answers_of(form, share), skipped=frozenset())
            yield make(
                answers.given,
                instrument=instrument,
                rater=form.rater,
                form=form.form,
                scores=Scorer(form).score(answers),
                declined=declined,
                language=language,
            )


@pytest.mark.parametrize(("instrument", "form"), FORMS)
def test_every_form_is_valid_in_every_language(instrument: Instrument, form: Form) -> None:
    """A published form breaks no rule, with the translations that nobody has reviewed yet as well."""
    for language in instrument.wordings:
        assert findings(build_questionnaire(instrument, form, language=language, unreviewed=True)) == []


@pytest.mark.parametrize(("instrument", "form"), FORMS)
def test_every_submission_is_valid(make_submission: Make, instrument: Instrument, form: Form) -> None:
    """What a submission writes breaks no rule of FHIR, US Core or SDC, and its response fits the form it answers."""
    for submission in submissions(make_submission, instrument, form):
        assert findings(write_bundle(submission)) == []


def pack(instrument: Instrument) -> dict[str, object]:
    """Make words for an instrument that a site has to bring them for; only their shape is right."""
    raters = [form.rater.value for form in instrument.forms]
    return {
        "instrument": instrument.name,
        "version": instrument.version,
        "language": "en",
        "provenance": {"author": "A licensed site", "method": "original"},
        "copyright": "© the holder, used with permission",
        "anchors": {"minimum": "least", "maximum": "most"},
        "sections": {item.section: "Our work" for item in instrument.items.values()},
        "forms": {form.form: "whole form" for form in instrument.forms},
        "raters": {rater: rater for rater in raters},
        "instructions": dict.fromkeys(raters, "Choose one."),
        "options": {o.code: f"Option {o.code}" for item in instrument.items.values() for o in item.options},
        "licence": {
            "holder": "The holder",
            "reference": "Letter 17",
            "modes": ["screen"],
            "item_text_in_ehr": False,
        },
        "items": {link_id: dict.fromkeys(raters, f"Placeholder {link_id}") for link_id in instrument.items},
    }


# A definition without any score is a draft: nothing is written of it.
RESTRICTED = [each for each in shipped().instruments if not each.wordings and each.scales]


@pytest.mark.parametrize("instrument", RESTRICTED, ids=lambda each: each.name)
def test_forms_with_words_of_a_site_are_valid(make_submission: Make, tmp_path: Path, instrument: Instrument) -> None:
    """A form with the words a site has a licence for, and what is written of it without those words, is valid."""
    (tmp_path / f"{instrument.name}.en.yaml").write_text(yaml.safe_dump(pack(instrument), sort_keys=False))
    catalogue = read_catalogue(files("questionnaires"), packs=tmp_path)
    worded = catalogue.instrument(instrument.name)
    assert catalogue.faults == ()

    for form in worded.forms:
        questionnaire = build_questionnaire(worded, form)
        assert findings(questionnaire) == []
        for submission in submissions(make_submission, worded, form):
            found = findings(write_bundle(submission), questionnaire)
            assert {each.rule for each in found} <= {"form-text"}
            assert not any(each.severity is Severity.ERROR for each in found)
            assert worded.validated or "is not validated" in str(write_bundle(submission))


def test_the_synthetic_record_is_valid() -> None:
    """What the sandbox EHR starts with is valid; every fifth resource stands for all."""
    record: list[JsonObject] = population(date(2026, 11, 24))

    found = {resource["id"]: errors(resource) for resource in record[::5]}

    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len({resource["resourceType"] for resource in record[::5]}) >= 4
