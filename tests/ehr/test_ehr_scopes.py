"""The scope grammar, old and new."""

import pytest

from fhir_alliance.ehr.scopes import allows, as_v1

CASES = [
    ("user/Observation.crus", "Observation", "c", "user", True),
    ("user/Observation.rs", "Observation", "c", "user", False),
    ("user/Observation.c", "Observation", "r", "user", False),
    ("user/Observation.crus?category=http://x|survey", "Observation", "s", "user", True),
    ("user/Observation.write", "Observation", "c", "user", True),
    ("user/Observation.write", "Observation", "r", "user", False),
    ("user/Observation.read", "Observation", "s", "user", True),
    ("user/Observation.read", "Observation", "u", "user", False),
    ("user/Observation.*", "Observation", "d", "user", True),
    ("user/*.rs", "Patient", "r", "user", True),
    ("user/*.*", "Patient", "u", "user", True),
    ("patient/Observation.rs", "Observation", "r", "user", False),
    ("system/Questionnaire.crus", "Questionnaire", "u", "system", True),
    ("user/ObservationX.rs", "Observation", "r", "user", False),
    ("user/Observation.sr", "Observation", "r", "user", False),
    ("user/Observation.", "Observation", "r", "user", False),
    ("user/Observation.rs?", "Observation", "r", "user", False),
    ("user/Observation.rs extra", "Observation", "r", "user", False),
    ("xuser/Observation.rs", "Observation", "r", "user", False),
    ("http://smarthealthit.org/fhir/scopes/user/Observation.rs", "Observation", "r", "user", True),
    ("https://evil.example.invalid/user/Observation.rs", "Observation", "r", "user", False),
    ("launch", "Observation", "r", "user", False),
    ("openid", "*", "r", "user", False),
]


@pytest.mark.parametrize(("scope", "resource_type", "interaction", "level", "expected"), CASES)
def test_one_scope(scope: str, resource_type: str, interaction: str, level: str, expected: bool) -> None:
    """A scope allows exactly what its grammar says, and nonsense allows nothing."""
    assert allows([scope], resource_type, interaction, level) is expected


def test_any_granted_scope_will_do() -> None:
    """Scopes add up, since servers may split what was asked for."""
    granted = frozenset({"openid", "user/Observation.c", "user/Observation.rs"})

    assert allows(granted, "Observation", "c", "user")
    assert allows(granted, "Observation", "s", "user")
    assert not allows([], "Observation", "s", "user")


def test_v1_says_the_same_with_less_detail() -> None:
    """Letters become read and write, filters go, repeats go, and what is no resource scope stays as it is."""
    scopes = [
        "openid",
        "user/Patient.r",
        "user/Aa.cud?x=y",
        "user/Bb.crus",
        "user/Bb.rs",
        "user/Cc.read",
        "patient/*.*",
    ]

    assert as_v1(scopes) == [
        "openid", "user/Patient.read", "user/Aa.write", "user/Bb.read", "user/Bb.write", "user/Cc.read",
        "patient/*.read", "patient/*.write",
    ]  # fmt: skip
