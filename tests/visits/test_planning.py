"""A site's settings and a record, as the schedule sees them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import AskSettings, ScheduleSettings
from fhir_alliance.visits.due import Answered, SeenVisit
from fhir_alliance.visits.planning import asked_form, covering, newest_forms, plan
from fhir_alliance.visits.reading import answered_forms, seen_visits

CHECK_IN = shipped().instrument("visit-check-in")
CORE, FULL = (asked_form(CHECK_IN.form(Rater.PATIENT, name)) for name in ("core", "full"))
GUESS = asked_form(CHECK_IN.form(Rater.THERAPIST, "core"))


def test_the_default_is_what_the_instrument_advises() -> None:
    """Short form at each visit, long form at visits 3, 4 and every sixth, therapist at 3, 4 and after a flag."""
    rules = plan(ScheduleSettings(), CHECK_IN, shipped().instrument).rules

    assert [(rule.form, rule.when) for rule in rules] == [
        (CORE, Advice(visits=frozenset({1}), then_every=1)),
        (GUESS, Advice(visits=frozenset({3, 4}), after_flag=True)),
        (FULL, Advice(visits=frozenset({3, 4}), then_every=6)),
    ]
    assert (FULL.covers(CORE), CORE.covers(FULL), FULL.covers(GUESS)) == (True, False, False)


def test_without_advice_the_first_form_is_for_each_visit() -> None:
    """An instrument that says nothing is asked at every visit."""
    gad = shipped().instrument("gad-7")

    (rule,) = plan(ScheduleSettings(), gad, shipped().instrument).rules

    assert (rule.form.url, rule.when.names(1), rule.when.names(7)) == (gad.forms[0].url, True, True)


@pytest.mark.parametrize(
    ("ask", "named"),
    [({"every": 2}, [2, 4, 6, 8]), ({"visits": (1, 3), "every": 2}, [1, 3, 5, 7]), ({"visits": (2,)}, [2])],
)
def test_a_site_says_it_otherwise(ask: dict[str, Any], named: list[int]) -> None:
    """What a site asks replaces the advice: every n-th visit, from where it says or from the n-th on."""
    settings = ScheduleSettings(ask=(AskSettings(instrument="gad-7", form="all", rater="patient", **ask),))

    (rule,) = plan(settings, CHECK_IN, shipped().instrument).rules

    assert [number for number in range(1, 9) if rule.when.names(number)] == named


def test_of_several_versions_the_newest_is_asked() -> None:
    """A form is known by its address; 1.10.0 is newer than 1.9.0 whatever the order in which they were read."""
    older, newer = (replace(CHECK_IN.forms[0], version=version) for version in ("1.9.0", "1.10.0"))
    versions = [replace(CHECK_IN, version=form.version, forms=(form,)) for form in (newer, older)]

    assert newest_forms(versions) == {older.url: newer}


def test_longer_forms_answer_shorter_ones() -> None:
    """The long form answers the short one, each rater's form its own, and no other instrument's."""
    forms = newest_forms([CHECK_IN, shipped().instrument("gad-7")])

    answers = covering(forms.values())

    assert answers[CORE.url] == {CORE.url, FULL.url}
    assert answers[FULL.url] == {FULL.url}
    assert {GUESS.url} < answers[GUESS.url]


@pytest.mark.parametrize("name", ["type", "class", "location", "serviceProvider"])
@pytest.mark.parametrize("odd", ["room 4", 7, None, [], [None], ["x"], [[]], {}, {"coding": "x"}, [{"coding": [7]}]])
def test_odd_elements_are_read_around(name: str, odd: Any) -> None:
    """An element of another shape than FHIR's has nothing to say, and neither hides the visit nor stops another."""
    period = {"start": "2026-11-24T10:00:00+00:00"}
    about = {"resourceType": "Encounter", "subject": {"reference": "Patient/p"}, "period": period, "status": "finished"}
    sound = {**about, "id": "2", "serviceProvider": {"reference": "Organization/day"}}

    found = seen_visits([{**about, "id": "1", name: odd}, sound], patient="p")

    assert [each.encounter for each in found] == ["Encounter/1", "Encounter/2"]
    assert (found[0].kinds, found[0].roles, found[0].clinics) == (frozenset(), frozenset(), frozenset())
    assert found[1].clinics == {"Organization/day"}


@pytest.mark.parametrize("where", ["type", "location", "participant"])
@pytest.mark.parametrize(
    "odd", [{"coding": [{"code": {}}]}, {"location": {"reference": 7}}, {"type": [{"coding": {}}]}]
)
def test_odd_values_inside_are_read_around(where: str, odd: Any) -> None:
    """What is no text deep inside an element is no code and no reference."""
    encounter = {"id": "1", "subject": {"reference": "Patient/p"}, "period": {"start": "2026-11-24T10:00:00+00:00"}}

    (found,) = seen_visits([{**encounter, where: [odd]}], patient="p")

    assert (found.kinds, found.roles, found.clinics) == (frozenset(), frozenset(), frozenset())


def test_encounters_become_visits() -> None:
    """Codes of type, class and participants, clinic and times are read; what is undated or of others is left out."""
    encounter = {
        "resourceType": "Encounter",
        "id": "1",
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"coding": [{"code": "therapy"}, {"display": "no code"}]}, {"text": "words only"}],
        "subject": {"reference": "Patient/maria"},
        "participant": [
            {"type": [{"coding": [{"code": "PPRF"}]}], "individual": {"reference": "Practitioner/ada"}},
            {"individual": {"reference": "RelatedPerson/x"}},
        ],
        "period": {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T09:50:00Z"},
        "serviceProvider": {"reference": "Organization/day"},
        "location": [{"location": {"reference": "Location/7"}}, {}],
    }

    seen = seen_visits(
        [encounter, {**encounter, "period": {}}, {**encounter, "subject": {"reference": "Patient/ben"}}],
        patient="maria",
    )

    assert seen == (
        SeenVisit(
            encounter="Encounter/1",
            start=datetime(2026, 3, 2, 9, tzinfo=UTC),
            end=datetime(2026, 3, 2, 9, 50, tzinfo=UTC),
            status="finished",
            therapist="Practitioner/ada",
            kinds=frozenset({"AMB", "therapy"}),
            roles=frozenset({"PPRF"}),
            clinics=frozenset({"Organization/day", "Location/7"}),
        ),
    )


def test_responses_become_answered_forms() -> None:
    """A response counts for its form whatever its version; drafts, withdrawn ones and other forms do not."""
    response = {
        "status": "completed",
        "questionnaire": f"{CORE.url}|0.9.0",
        "encounter": {"reference": "Encounter/1"},
        "authored": "2026-03-02T09:45:00Z",
    }
    changes: tuple[dict[str, Any], ...] = (
        {"status": "in-progress"},
        {"status": "entered-in-error"},
        {"questionnaire": "https://elsewhere/form|1"},
        {"authored": None},
    )

    found = answered_forms([response, *({**response, **change} for change in changes)], {CORE.url: CORE})

    assert found == (Answered(form=CORE, encounter="Encounter/1", at=datetime(2026, 3, 2, 9, 45, tzinfo=UTC)),)


def test_a_version_that_is_no_answer_does_not_count() -> None:
    """Of a response that was looked at and not scored, that version alone is no answer: a later one may be."""
    response = {"id": "a", "status": "completed", "questionnaire": CORE.url, "authored": "2026-03-02T09:45:00Z"}
    versions = [{**response, "meta": {"versionId": number}} for number in ("1", "2")]

    found = [answered_forms([each], {CORE.url: CORE}, frozenset({("a", "1")})) for each in versions]

    assert [len(each) for each in found] == [0, 1]
