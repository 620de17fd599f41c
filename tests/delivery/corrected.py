"""A form of eleven answers that is sent, changed and taken back, for the tests of corrections."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest

from fhir_alliance.delivery.correcting import Cause, Correction
from fhir_alliance.delivery.receipts import Receipt
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.corrections import at_first_time
from fhir_alliance.records.submission import Submission

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}
SEVENS = {str(item): "7" for item in range(1, 12)}
NINES = {str(item): "9" for item in range(1, 12)}
FORM, SECOND, THIRD = (str(UUID(int=number)) for number in (1, 2, 3))
MARIA = {"ehr": "harbor", "patient": "maria-lopez"}

Change = Callable[..., Receipt]

# What an EHR does is the same whatever the store is.
ONE_STORE = pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)


@pytest.fixture
def send(site: "Site", make_submission: Callable[..., Submission]) -> Callable[..., Submission]:
    """Accept the first version of a form."""

    def make(**fields: Any) -> Submission:
        submission = make_submission(SEVENS, form="full", key=FORM, **fields)
        site.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=site.grant())
        return submission

    return make


@pytest.fixture
def amend(site: "Site", make_submission: Callable[..., Submission]) -> Change:
    """Accept other answers to it, given a minute later."""

    def make(given: dict[str, str] = NINES, *, key: str = SECOND, seen: int = 1, **fields: Any) -> Receipt:
        first = make_submission(SEVENS, form="full", key=FORM)
        later = {"authored": site.clock.pass_by(minutes=1), "scored": site.clock.now, **fields}
        submission = make_submission(given, form="full", key=key, **later)
        bundle = at_first_time(write_bundle(replace(submission, key=FORM)), write_bundle(first))
        asked = Correction(form_key=FORM, seen=seen, cause=Cause.MISTAKE, asked_by="Patient/maria-lopez")
        return site.corrections.amend(submission, orjson.dumps(bundle), asked, grant=site.grant())

    return make


@pytest.fixture
def withdraw(site: "Site") -> Change:
    """Accept that it is taken back."""

    def make(*, key: str = SECOND, seen: int = 1, **about: Any) -> Receipt:
        asked = Correction(form_key=FORM, seen=seen, cause=Cause.WRONG_PERSON, asked_by="Practitioner/ada-okafor")
        return site.corrections.withdraw(key, asked, **{**MARIA, **about}, launch="launch-9", grant=site.grant())

    return make


def core_score(ehr: "FakeEhr") -> dict[str, Any]:
    """Return the first score of the chart."""
    return next(each for each in ehr.resources["Observation"].values() if "valueQuantity" in each)


def answered(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a response that have a chosen answer, wherever they stand."""
    inner = [each for item in response.get("item", []) for each in answered(item)]
    coded = [each for each in response.get("item", []) if "valueCoding" in each.get("answer", [{}])[0]]
    return [*coded, *inner]
