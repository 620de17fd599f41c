"""Which form a response of others answers."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_alliance.harvest.forms import Forms, Refusal
from fhir_alliance.instruments.definition import Instrument

URL = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core"


def later(instrument: Instrument) -> Instrument:
    """Return another version of an instrument."""
    forms = tuple(replace(form, version="1.1.0") for form in instrument.forms)
    return replace(instrument, version="1.1.0", forms=forms)


def response(questionnaire: str) -> dict[str, Any]:
    """Return a response without answers."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "questionnaire": questionnaire,
        "status": "completed",
        "authored": "2026-11-12T10:42:07-05:00",
        "subject": {"reference": "Patient/p"},
    }


@pytest.mark.parametrize(("named", "version"), [(URL, "1.0.0"), (f"{URL}|1.0.0", "1.0.0")])
def test_only_version(check_in: Instrument, named: str, version: str) -> None:
    """As long as there was one version a response need not name it."""
    _, form = Forms([check_in]).read(response(named))

    assert (form.url, form.version) == (URL, version)


def test_several_versions(check_in: Instrument) -> None:
    """With two versions a response that names none is left to a person, the others go by theirs."""
    forms = Forms([check_in, later(check_in)])

    with pytest.raises(Refusal) as caught:
        forms.read(response(URL))

    assert caught.value.reason == "which-version"
    assert [forms.read(response(f"{URL}|{each}"))[1].version for each in ("1.0.0", "1.1.0")] == ["1.0.0", "1.1.0"]


def test_form_without_a_score(check_in: Instrument) -> None:
    """A form that has no key is nothing to score, and that is told."""
    unscored = replace(check_in, forms=tuple(replace(form, scales=()) for form in check_in.forms))

    with pytest.raises(Refusal) as caught:
        Forms([unscored]).read(response(URL))

    assert caught.value.faults == ("questionnaire: visit-check-in has no score, because its key is not known",)


def test_what_is_searched_for(check_in: Instrument) -> None:
    """Both the address alone and each pinned version are asked for."""
    canonicals = list(Forms([check_in, later(check_in)]).canonicals)

    assert canonicals[:3] == [URL, f"{URL}|1.0.0", f"{URL}|1.1.0"]
    assert response(f"{URL}|7") in Forms([check_in])
    assert response("https://elsewhere.example.invalid/q") not in Forms([check_in])
