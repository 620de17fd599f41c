"""Nothing is written to a patient other than the one shown."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
NOTHING = {"QuestionnaireResponse": 0, "Observation": 0, "Provenance": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"birthDate": "1988-03-05"},
        {"name": [{"use": "official", "given": ["Mario"], "family": "Lopez"}]},
        {"identifier": [{"system": "urn:oid:2.16.840.1.113883.19.5", "value": "MRN-4822"}]},
        {"identifier": []},
        {"active": False},
        {"link": [{"other": {"reference": "Patient/omar"}, "type": "replaced-by"}]},
    ],
)
def test_f35_changed_patient_is_held(site: "Site", ehr: "FakeEhr", accept: Accept, change: dict[str, Any]) -> None:
    """A patient merged, inactive or changed since the form was shown gets nothing written (F35)."""
    key = accept()
    ehr.put({**ehr.resources["Patient"]["maria-lopez"], **change})

    site.deliver()

    assert (site.standing(key), ehr.count(), ehr.posts) == (("held", "patient-changed"), NOTHING, [])


@pytest.mark.parametrize("status", [404, 410])
def test_f16_patient_who_is_gone_is_held(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any], status: int
) -> None:
    """A patient who no longer exists gets nothing written (F16)."""
    key = accept()
    ehr.read_faults["Patient/maria-lopez"] = make_fault(status=status)

    site.deliver()

    assert (site.standing(key), ehr.posts) == (("held", "patient-gone"), [])


def test_patient_of_an_odd_shape_is_tried_again(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A Patient that cannot be read as one is no proof of anything: nothing is sent."""
    key = accept()
    ehr.put({**ehr.resources["Patient"]["maria-lopez"], "name": "Maria"})

    site.deliver()

    assert (site.standing(key), ehr.posts) == (("accepted", "ehr.unreachable"), [])


@pytest.mark.parametrize("subject", ["Patient/omar-haddad", "https://other.example.invalid/Patient/maria-lopez"])
def test_f36_encounter_of_another_patient_is_held(site: "Site", ehr: "FakeEhr", accept: Accept, subject: str) -> None:
    """An encounter of somebody else is never written to (F36)."""
    key = accept()
    ehr.put({**ehr.resources["Encounter"]["maria-lopez-v14"], "subject": {"reference": subject}})

    site.deliver()

    assert (site.standing(key), ehr.posts) == (("held", "encounter-mismatch"), [])


def test_encounter_that_is_gone_is_held(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """An encounter that no longer exists is a person's decision."""
    key = accept()
    ehr.read_faults["Encounter/maria-lopez-v14"] = make_fault(status=410)

    site.deliver()

    assert (site.standing(key), ehr.posts) == (("held", "encounter-gone"), [])


def test_absolute_references_of_the_same_server_are_the_same(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A server that answers with absolute, versioned references means the same patient."""
    key = accept()
    absolute = f"{ehr.origin}/fhir/Patient/maria-lopez/_history/3"
    ehr.put({**ehr.resources["Encounter"]["maria-lopez-v14"], "subject": {"reference": absolute}})

    site.deliver()

    assert site.standing(key) == ("delivered", None)
