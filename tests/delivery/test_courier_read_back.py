"""Only what reads back as it was sent counts as delivered."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]


def set_field(kind: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    """Make a server that changes fields of one resource type as it stores it."""
    return lambda resource: resource.update(fields) if resource["resourceType"] == kind else None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_field("QuestionnaireResponse", subject={"reference": "Patient/omar"}), ("held", "subject-rewritten")),
        (set_field("QuestionnaireResponse", status="in-progress"), ("held", "changed-by-ehr")),
        (set_field("QuestionnaireResponse", identifier=None), ("held", "identifier-changed")),
        (set_field("QuestionnaireResponse", meta={}), ("delivered", "label-dropped")),
        (set_field("QuestionnaireResponse", meta="x"), ("unknown", "ehr.unreachable")),
        (set_field("Observation", status="preliminary"), ("held", "changed-by-ehr")),
        (set_field("Observation", valueQuantity={"value": 6.9}), ("held", "changed-by-ehr")),
        (set_field("Observation", meta={}), ("delivered", "label-dropped")),
        (set_field("Observation", identifier=[]), ("unknown", "not-read-back")),
        (set_field("Observation", identifier="x"), ("unknown", "ehr.unreachable")),
    ],
)
def test_f20_f21_what_the_ehr_changed_is_noticed(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    change: Callable[[dict[str, Any]], None],
    expected: tuple[str, str],
) -> None:
    """Subject, status, values, identifiers and labels must read back as sent (F20, F21)."""
    key = accept()
    ehr.change = change

    site.deliver()

    assert site.standing(key) == expected


def test_observation_moved_to_another_patient_is_noticed(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """One score under another patient is enough to raise the alarm, before anything else is compared (I3)."""
    key = accept()
    elsewhere = {"reference": "https://other.example.invalid/Patient/maria-lopez"}
    ehr.change = set_field("Observation", subject=elsewhere)
    ehr.search = lambda kind, params: list(ehr.resources.get(kind, {}).values())  # type: ignore[method-assign]

    site.deliver()

    assert site.standing(key) == ("held", "subject-rewritten")


def test_lost_identifier_and_lost_answer_are_not_written_twice(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """A response that lost its identifier is recognised by form and second, and left to a person."""
    key = accept()
    ehr.change = set_field("QuestionnaireResponse", identifier=None)
    ehr.search = lambda kind, params: list(ehr.resources.get(kind, {}).values())  # type: ignore[method-assign]
    ehr.faults.append(make_fault(status=None))
    site.deliver()
    ehr.commit({"entry": [{**each, "request": {"url": each["request"]["url"]}} for each in ehr.posts[0]["entry"]]})

    site.deliver(minutes=15)

    assert (site.standing(key), len(ehr.posts)) == (("held", "identifier-changed"), 1)


@pytest.mark.parametrize("kind", ["QuestionnaireResponse", "Observation"])
def test_f09_duplicates_are_left_to_a_person(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any], kind: str
) -> None:
    """When the chart holds something of ours twice, nobody picks one (F09)."""
    key = accept()
    ehr.faults.append(make_fault(status=None, commit=True))
    site.deliver()
    ehr.put({**next(iter(ehr.resources[kind].values())), "id": "copy"})

    site.deliver(minutes=15)

    assert (site.standing(key), len(ehr.posts)) == (("held", "possible-duplicate"), 1)


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("Observation", 403, ("held", "cannot-read-back")),
        ("Observation", 404, ("unknown", "not-read-back")),
        ("Observation", 500, ("unknown", "ehr.refused")),
        ("QuestionnaireResponse/questionnaireresponse-1", 410, ("unknown", "not-read-back")),
    ],
)
def test_chart_that_does_not_read_back(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    make_fault: Callable[..., Any],
    path: str,
    status: int,
    expected: tuple[str, str],
) -> None:
    """Without read-back nobody says "in the chart", and nothing is sent again."""
    key = accept()
    ehr.read_faults[path] = make_fault(status=status)

    site.deliver()
    first = site.standing(key)
    site.deliver(hours=1)

    assert (first, site.standing(key), len(ehr.posts)) == (expected, expected, 1)
