"""What an EHR grants decides what there is: a feature it does not allow is off from the start, in words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from smart_app.web.pages.notes import WITHHELD

from .house import CORE, House, code_of

MakeHouse = Callable[..., House]


def granting(client_id: str, **replaced: str) -> Callable[[Any], None]:
    """Return a change of a site: the EHR grants a client other letters for some types, or nothing of them."""

    def narrowed(scope: str) -> str:
        head, _, rest = scope.partition(".")
        kind = head.rpartition("/")[2]
        if kind not in replaced:
            return scope
        _, _, limit = rest.partition("?")
        return f"{head}.{replaced[kind]}{'?' + limit if limit else ''}" if replaced[kind] else ""

    def change(site: Any) -> None:
        config = json.loads(site.sandbox.read_text())
        client = next(each for each in config["clients"] if each["client_id"] == client_id)
        client["scopes"] = " ".join(filter(None, map(narrowed, client["scopes"].split())))
        site.sandbox.write_text(json.dumps(config))

    return change


@pytest.mark.parametrize(
    ("granted", "withheld", "answers"),
    [
        ({"Encounter": ""}, ["Encounter"], False),
        ({"Encounter": "r"}, ["Encounter"], False),
        ({"QuestionnaireResponse": "cu"}, ["QuestionnaireResponse"], False),
        ({"Encounter": "", "QuestionnaireResponse": "c"}, ["Encounter", "QuestionnaireResponse"], False),
        ({"Provenance": "", "DocumentReference": "", "Practitioner": "", "PractitionerRole": ""}, [], True),
        ({"online_access": ""}, [], True),
    ],
    ids=str,
)
def test_a_clinician_is_told_what_is_not_there(
    make_house: MakeHouse, granted: dict[str, str], withheld: list[str], answers: bool
) -> None:
    """The view opens, says what it may not read, never asks the EHR for it, and a form can be handed over (S25)."""
    house = make_house(change=granting("alliance-clinician", **granted))

    person, chart = house.clinician()

    asked = {call[1].split("?")[0].removeprefix("/fhir/") for call in house.traffic if call[2] == 200}
    assert chart.status == 200
    assert [kind for kind, words in WITHHELD.items() if words in chart.text] == withheld
    assert not asked & set(withheld)
    assert all(call[2] != 403 for call in house.traffic)
    assert ('aria-label="Answers by question"' in chart.text) is answers
    assert house.code(person, chart)[1]


@pytest.mark.parametrize(
    ("granted", "says"),
    [
        ({"Encounter": ""}, "No form is waiting"),
        ({"QuestionnaireResponse": "cu"}, "visit"),
        ({"online_access": ""}, "visit"),
    ],
    ids=str,
)
def test_a_patient_can_answer_with_less(make_house: MakeHouse, granted: dict[str, str], says: str) -> None:
    """Without visits, answers read back or a renewal, a patient still chooses "no visit" and sends a form."""
    house = make_house(change=granting("alliance-patient", **granted))

    person, visits = house.at_home()
    form = person.submit(visits, visits.form("/visit"), encounter="none")
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))

    assert says in visits.text
    assert receipt.status == 200
    assert "/receipt/" in receipt.url
    assert all(call[2] != 403 for call in house.traffic)


@pytest.mark.parametrize("kind", ["Patient", "QuestionnaireResponse", "Observation"])
def test_what_saving_needs_is_never_done_without(make_house: MakeHouse, kind: str) -> None:
    """Without one of the three permissions that saving needs the launch ends, in words."""
    house = make_house(change=granting("alliance-clinician", **{kind: "s"}))

    _, page = house.clinician()

    assert (page.status, code_of(page)) == (403, "launch.scope")
