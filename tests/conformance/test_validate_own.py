"""All that we generate is valid: every form in every language, every kind of submission, and the synthetic record."""

from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from fhir_alliance.conformance.validator.findings import Severity
from fhir_alliance.instruments.catalogue import Catalogue, installed, read_catalogue, shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers, asked_only
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
    """Yield a complete submission of a form in each of its languages, a partial one, and a declined one."""
    first, *_ = instrument.wordings
    for language, share in [*((each, 1.0) for each in instrument.wordings), (first, 0.5), (first, 0.0)]:
        answers = Answers(given=answers_of(form, share), skipped=frozenset())
        yield make(
            answers.given,
            instrument=instrument,
            rater=form.rater,
            form=form.form,
            scores=Scorer(form).score(answers),
            declined=not answers.given,
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


@pytest.mark.parametrize("interrupted", ["true", "false"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_site_s_own_form_is_valid(make_submission: Make, interrupted: str, share: float) -> None:
    """A Questionnaire that a site has written, and what is written of it, break no rule and fit each other."""
    folder = Path(__file__).parents[2] / "docs" / "examples"
    instrument = installed(None, own_forms=folder).instrument("session-feedback")
    form = instrument.forms[0]
    questionnaire = build_questionnaire(instrument, form)
    given = asked_only(form, answers_of(form, share) | ({"interrupted": interrupted, "about": "room"} if share else {}))

    bundle = write_bundle(make_submission(given, instrument=instrument, form="all", declined=not given))

    assert findings(questionnaire) == []
    assert findings(bundle, questionnaire) == []


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


@pytest.fixture(scope="module")
def licensed(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Read the catalogue of a site that has words for everything."""
    folder = tmp_path_factory.mktemp("words")
    for each in RESTRICTED:
        (folder / f"{each.name}.en.yaml").write_text(yaml.safe_dump(pack(each), sort_keys=False))
    return read_catalogue(files("questionnaires"), packs=folder)


@pytest.mark.parametrize("name", [each.name for each in RESTRICTED])
def test_forms_with_words_of_a_site_are_valid(make_submission: Make, licensed: Catalogue, name: str) -> None:
    """A form with the words a site has a licence for, and what is written of it without those words, is valid."""
    worded = licensed.instrument(name)
    assert licensed.faults == ()

    for form in worded.forms:
        questionnaire = build_questionnaire(worded, form)
        assert findings(questionnaire) == []
        for submission in submissions(make_submission, worded, form):
            found = findings(write_bundle(submission), questionnaire)
            assert {each.rule for each in found} <= {"form-text"}
            assert not any(each.severity is Severity.ERROR for each in found)
            assert worded.validated or "is not validated" in str(write_bundle(submission))


def test_the_synthetic_record_is_valid() -> None:
    """What the sandbox EHR starts with is valid; every eleventh resource stands for all."""
    record: list[JsonObject] = population(date(2026, 11, 24))

    found = {resource["id"]: errors(resource) for resource in record[::11]}

    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len({resource["resourceType"] for resource in record[::11]}) >= 4
