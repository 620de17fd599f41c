"""The grammar of scopes."""

from typing import Any

import pytest

from smart_app.sandbox.fhir.access import Scope, read_scope


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("patient/Patient.r", ("patient", "Patient", "r", ())),
        ("user/*.cruds", ("user", "*", "cruds", ())),
        (
            "system/Observation.rs?category=a|b&code=c",
            ("system", "Observation", "rs", (("category", "a|b"), ("code", "c"))),
        ),
        ("user/Observation.rs?category=a%7Cb", ("user", "Observation", "rs", (("category", "a|b"),))),
        ("patient/*.read", ("patient", "*", "rs", ())),
        ("user/Observation.write", ("user", "Observation", "cud", ())),
        ("system/*.*", ("system", "*", "cruds", ())),
        ("openid", None),
        ("launch/patient", None),
        ("patient/Patient.", None),
        ("patient/Patient.sr", None),
        ("patient/Patient.rr", None),
        ("patient/patient.r", None),
        ("team/Patient.r", None),
        ("patient/Patient.r?", None),
        ("patient/Patient.r x", None),
    ],
)
def test_grammar(text: str, scope: tuple[Any, ...] | None) -> None:
    """SMART v2 scopes and the three v1 forms are read; letters out of order and other words grant nothing."""
    names = ("level", "resource_type", "permissions", "filters")

    assert read_scope(text) == (Scope(**dict(zip(names, scope, strict=True))) if scope else None)
