"""A site's own Questionnaire from the clinician's hand to the chart: asked, reviewed, scored, written, seen again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import read_settings
from smart_app.demo.site import Site
from smart_app.publishing import publish_all

from .house import House
from .test_web_instruments import answered, sent

MakeHouse = Callable[..., House]
EXAMPLE = json.loads((Path(__file__).parents[2] / "docs" / "examples" / "session-feedback.json").read_text("utf-8"))
GIVEN = {
    "heard": "fully",
    "direction": "mostly",
    "method": "partly",
    "hope": "7",
    "helped": "plan",
    "practice": "2,5",
    "interrupted": "true",
    "about": "between",
    "minutes": "15",
}


def with_form(instruments: str, form: dict[str, Any] = EXAMPLE, more: str = "") -> Callable[[Site], None]:
    """Return what puts a form into a site's folder, and says what the site asks."""

    def change(site: Site) -> None:
        folder = site.settings.parent / "forms"
        folder.mkdir()
        (folder / "session-feedback.json").write_text(json.dumps(form), "utf-8")
        text = site.settings.read_text("utf-8")
        before, _, after = text.partition("[instruments]")
        site.settings.write_text(
            f'questionnaire_folder = "forms"\n{before}{more}\n[instruments]\n{instruments}\n[ehr.harbor]\n'
            + after.partition("[ehr.harbor]\n")[2],
            "utf-8",
        )

    return change


def flat(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the answers of a response by linkId."""
    found: dict[str, Any] = {}
    for item in items:
        found |= flat(item["item"]) if "item" in item else {item["linkId"]: (item.get("answer") or [None])[0]}
    return found


def test_from_the_hand_to_the_chart(make_house: MakeHouse) -> None:
    """The clinician hands a site's form over; what is answered stands in the EHR with the form's codes and scores."""
    house = make_house(change=with_form('on_request = ["session-feedback"]'))
    person, form = house.handed(form="session-feedback/all")
    review = answered(person, form, **GIVEN)
    key = sent(person, review)

    house.deliver()

    responses, observations = house.written(key)
    answers = flat(responses[0]["item"])
    assert "What got in the way" in form.text
    assert "not checked by FHIR Alliance" in form.text
    assert "Being listened to" in form.text
    assert "something between us" in review.text
    assert "fully<" in review.text
    assert answers["practice"] == {"valueDecimal": 2.5}
    assert answers["interrupted"] == {"valueBoolean": True}
    assert answers["minutes"] == {"valueInteger": 15}
    assert answers["ease"] is None
    assert responses[0]["questionnaire"] == f"{EXAMPLE['url']}|1.0.0"
    assert observations["session-feedback-overall"]["valueQuantity"]["value"] == 73
    assert observations["session-feedback-agreement"]["code"]["coding"][0]["system"].startswith("https://clinic")


def test_what_a_condition_leaves_out_is_not_kept(make_house: MakeHouse) -> None:
    """Answers to a group that is not asked after all are dropped before review, and are not in the chart."""
    house = make_house(change=with_form('on_request = ["session-feedback"]'))
    person, form = house.handed(form="session-feedback/all")
    review = answered(person, form, **{**GIVEN, "interrupted": "false"})
    key = sent(person, review)

    house.deliver()

    responses, _ = house.written(key)
    assert "something between us" not in review.text
    assert not flat(responses[0]["item"]).keys() & {"about", "minutes"}


def test_required_and_impossible_answers(make_house: MakeHouse) -> None:
    """A required question that is asked needs an answer, a number has to be in its bounds; the rest is kept."""
    house = make_house(change=with_form('on_request = ["session-feedback"]'))
    person, form = house.handed(form="session-feedback/all")

    again = answered(person, form, **{**GIVEN, "about": "", "hope": "11"})

    assert again.status == 422
    assert "Please answer this question" in again.text
    assert "Please give a number from 0 to 10." in again.text
    assert 'value="2.5"' in again.text


@pytest.mark.parametrize("ranged", [True, False])
def test_at_each_visit(make_house: MakeHouse, ranged: bool) -> None:
    """A site may ask its own form at each visit: the chart shows its score, how it is made, and whose it is."""
    form = json.loads(json.dumps(EXAMPLE))
    for item in () if ranged else form["item"][-2:]:
        item["extension"] = [each for each in item["extension"] if not each["url"].endswith("Value")]
    house = make_house(change=with_form('each_visit = "session-feedback"', form))
    person, page = house.handed(form="all")
    sent(person, answered(person, page, **GIVEN))
    house.deliver()

    _, chart = house.clinician()

    assert "supplied by the clinic" in chart.text
    assert "3.0" in chart.text
    assert ("{}; 0 to 4." if ranged else "{}.").format("%agreement.count(), {})") in chart.text
    assert "making a plan" in chart.text


def test_hostile_form_is_inert(make_house: MakeHouse) -> None:
    """Markup in a form's texts is text on the page, and an expression without end costs the score, not the answers."""
    form = json.loads(json.dumps(EXAMPLE))
    form["item"][0]["text"] = "<script>alert(1)</script> javascript:alert(2)"
    form["item"][-2]["extension"][-1]["valueExpression"]["expression"] = "(1).repeat($this + 1).count()"
    house = make_house(change=with_form('on_request = ["session-feedback"]', form))
    person, page = house.handed(form="session-feedback/all")
    key = sent(person, answered(person, page, **GIVEN))

    house.deliver()

    responses, observations = house.written(key)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert flat(responses[0]["item"])["hope"] == {"valueInteger": 7}
    assert observations["session-feedback-agreement"]["dataAbsentReason"]["coding"][0]["code"] == "error"


def test_free_text_says_who_reads_it(make_house: MakeHouse) -> None:
    """Where a site has switched free text on, the form says who reads it, and the text is in the response."""
    form = json.loads(json.dumps(EXAMPLE))
    form["item"].append({"linkId": "more", "text": "Anything else?", "type": "text"})
    more = '[free_text]\nreader = "Dr. Okafor"\nwithin = "two working days"'
    house = make_house(change=with_form('on_request = ["session-feedback"]', form, more))
    person, page = house.handed(form="session-feedback/all")
    key = sent(person, answered(person, page, **GIVEN, more="The room was cold."))

    house.deliver()

    responses, _ = house.written(key)
    assert "What you write is read by Dr. Okafor within two working days, not at once." in page.text
    assert flat(responses[0]["item"])["more"] == {"valueString": "The room was cold."}


def test_form_that_cannot_be_used(make_house: MakeHouse) -> None:
    """A site that asks a form with faults does not start, and is told that it is not installed."""
    with pytest.raises(InvalidSettings) as caught:
        make_house(change=with_form('on_request = ["session-feedback"]', {**EXAMPLE, "version": ""}))

    assert "no instrument session-feedback is installed" in str(caught.value)


def test_published_as_it_is(make_house: MakeHouse) -> None:
    """The form is published as the site wrote it, also one in another language than the pages, and once only."""
    form = {**EXAMPLE, "language": "de"}
    house = make_house(change=with_form("", form))
    settings = read_settings(house.site.settings)

    outcomes = [
        each.outcome for _ in range(2) for each in publish_all(settings) if each.canonical == f"{EXAMPLE['url']}|1.0.0"
    ]

    assert outcomes == ["created", "unchanged"]
