"""SMART scopes: what is granted of what was asked."""

import pytest

from smart_app.sandbox.auth.scopes import has_filtered_write, in_words, negotiate, parse

SURVEY = "category=http://terminology.hl7.org/CodeSystem/observation-category|survey"


@pytest.mark.parametrize(
    ("requested", "registered", "granted"),
    [
        ("user/Patient.r", "user/Patient.r", "user/Patient.r"),
        ("user/Patient.rs", "user/Patient.r", "user/Patient.r"),
        ("user/Patient.cruds", "user/Patient.us", "user/Patient.us"),
        ("user/Patient.c", "user/Patient.r", ""),
        ("user/Patient.r", "patient/Patient.r", ""),
        ("user/Patient.r", "user/Observation.r", ""),
        ("user/*.rs", "user/Patient.r user/Observation.crus", "user/Patient.r user/Observation.rs"),
        ("user/Patient.r", "user/*.cruds", "user/Patient.r"),
        ("user/*.r", "user/*.r", "user/*.r"),
        ("user/Observation.rs", f"user/Observation.rs?{SURVEY}", f"user/Observation.rs?{SURVEY}"),
        (f"user/Observation.rs?{SURVEY}", "user/Observation.rs", f"user/Observation.rs?{SURVEY}"),
        ("user/Observation.rs?category=other", f"user/Observation.rs?{SURVEY}", ""),
        ("user/Patient.r user/Patient.r", "user/Patient.r", "user/Patient.r"),
        ("user/Patient.read", "user/Patient.cruds", "user/Patient.read"),
        ("user/Patient.write user/Patient.*", "user/*.cruds", "user/Patient.write user/Patient.*"),
        ("user/*.read", "user/Patient.rs", "user/Patient.read"),
        ("user/Patient.read", "user/Patient.r", "user/Patient.r"),
        ("user/Patient.write", "user/Patient.crus", "user/Patient.cu"),
        ("user/Patient.*", "user/Patient.read", "user/Patient.rs"),
        ("user/Patient.rs", "user/Patient.read", "user/Patient.rs"),
        ("user/Patient.write", "user/Patient.read", ""),
        ("user/Patient.read", "patient/Patient.read", ""),
        ("user/Observation.read", f"user/Observation.rs?{SURVEY}", f"user/Observation.rs?{SURVEY}"),
        (f"user/Observation.read?{SURVEY}", "user/Observation.rs", ""),
        ("user/Patient.reads user/Patient.Read", "user/Patient.rs", ""),
        ("user/Patient.sr", "user/Patient.rs", ""),
        ("user/Patient.", "user/Patient.r", ""),
        ("system/Patient.r", "system/Patient.r user/Patient.r", ""),
        ("openid fhirUser", "openid", "openid"),
        ("launch/patient openid", "launch/patient openid", "openid"),
        ("", "user/Patient.r", ""),
    ],
)
def test_only_what_is_registered_is_granted(requested: str, registered: str, granted: str) -> None:
    """A request is narrowed to the registered scopes and to the kind of launch; the rest is left out."""
    scopes = negotiate(requested, registered, special=("openid", "fhirUser"), levels=("patient", "user"))

    assert " ".join(scopes) == granted


def test_a_scope_is_written_as_it_was_read() -> None:
    """Taking a resource scope apart and writing it again gives the same text."""
    texts = [f"patient/Observation.crus?{SURVEY}", "user/*.read", "system/Group.write", "patient/*.*"]

    assert [str(parse(text)) for text in texts] == texts


def test_scopes_are_said_in_words() -> None:
    """The consent page names acts and things, whose they are, the limits, and does not hide an unknown scope."""
    words = in_words(
        [
            f"user/Observation.crus?{SURVEY}",
            "patient/Patient.r",
            "system/Group.s",
            "patient/*.read",
            "openid",
            "new/scope",
        ]
    )

    assert words == [
        "Add, see, change and search results (only survey) that you can reach in this EHR",
        "See personal details of this patient",
        "Search Group",
        "See and search everything in the record of this patient",
        "Know that it is you",
        "new/scope",
    ]


@pytest.mark.parametrize(
    ("scope", "filtered"),
    [
        ("user/Observation.crus?category=survey", True),
        ("openid user/Observation.rs?category=survey", False),
        ("user/Observation.crus", False),
        ("launch", False),
    ],
)
def test_a_filtered_write_is_recognised(scope: str, filtered: bool) -> None:
    """Only a filter on what may be written counts."""
    assert has_filtered_write(scope) is filtered
