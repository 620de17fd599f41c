"""What a launch names beside the patient: objects, and the plain texts of version 2.0."""

from typing import Any

import pytest

from fhir_alliance.ehr.context import named, read_context

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


def test_items_of_another_role_are_not_meant() -> None:
    """What a launch names is its items without a role or with the role launch; an item must name something (S36)."""
    items = [
        {"canonical": FORM},
        {"reference": "Task/1", "role": "launch"},
        {"canonical": FORM, "role": "https://roles.example.invalid/other"},
        {"identifier": {"value": "7"}},
        {"canonical": 7},
    ]

    assert list(named(items)) == [FORM, "Task/1"]


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), ("alliance.abc", "alliance.abc"), ('{"a": 1}', '{"a": 1}'), (7, ""), ("ä", ""), ("a" * 2049, "")],
)
def test_app_context_is_an_opaque_text(given: Any, read: str | None) -> None:
    """Any bounded plain text is passed on as it is; what is none is empty, so that it is noticed (C04)."""
    assert read_context({"appContext": given}).app_context == read
