"""What a launch names beside the patient: objects, and the plain texts of version 2.0."""

from typing import Any

import pytest

from fhir_alliance.ehr.context import read_context

FORM = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-full|1.0.0"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([{"canonical": FORM}], ({"canonical": FORM},)),
        ([FORM], ({"canonical": FORM},)),
        (["ImagingStudy/1"], ({"reference": "ImagingStudy/1"},)),
        ([{"reference": "Task/1", "role": "x"}, FORM], ({"reference": "Task/1", "role": "x"}, {"canonical": FORM})),
        ([7, None, ["x"]], ()),
        ("ImagingStudy/1", ()),
        (None, ()),
    ],
)
def test_both_forms_of_fhir_context_are_read(given: Any, read: tuple[dict[str, str], ...]) -> None:
    """A plain text with a version names a form as an object with a canonical does; nonsense is left out (S36)."""
    assert read_context({"fhirContext": given}).fhir_context == read
