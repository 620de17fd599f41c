"""A reason that was answered by mistake: opened again from the view, for whoever may answer it, and open everywhere."""

import re

from fhir_alliance.tables import audit
from fhir_alliance.tables import reasons as kept_reasons
from smart_app.demo.browser import Page, WebForm

from .conftest import MakeHouse
from .hooking import Caller
from .house import ADA, THOMAS, House, Person, handle_of
from .test_web_delivery import send
from .test_web_mine import mine, rows
from .test_web_reasons import KWAME, fall, quiet, reasons, reply


def again(chart: Page) -> WebForm:
    """Return the form that opens the first answered reason of a view again."""
    return next(form for form in chart.forms if form.action.endswith("/again"))


def answered(house: House, answer: str = "not relevant") -> tuple[Person, Page]:
    """Return a clinician at a view whose first reason was answered."""
    clinician, chart = house.clinician(THOMAS)
    return clinician, clinician.submit(chart, reply(chart), answer=answer)


def test_a_slip_can_be_mended(own: House) -> None:
    """An answered reason opens again where it stood, and takes another answer; the audit trail has all three."""
    clinician, chart = own.clinician(THOMAS)
    both = reasons(chart)
    chart = clinician.submit(chart, reply(chart), answer="not relevant")
    slipped = quiet(chart)

    chart = clinician.submit(chart, again(chart))
    opened = (reasons(chart), quiet(chart))
    chart = clinician.submit(chart, reply(chart), answer="talked about it")

    assert re.search(r"Not relevant: you, today at \d\d:\d\d\.", slipped)
    assert opened == (both, "")
    assert (len(reasons(chart)), "Talked about it: you" in quiet(chart)) == (1, True)
    noted = [row for row in own.rows(audit) if row["event"].startswith("reason.")]
    assert [(row["event"], row["outcome"]) for row in noted] == [
        ("reason.answered", "not-relevant"),
        ("reason.reopened", "not-relevant"),
        ("reason.answered", "talked"),
    ]
    assert {(row["actor"], row["patient"], row["launch"]) for row in noted} == {(ADA, THOMAS, handle_of(chart))}


def test_it_is_open_everywhere(make_house: MakeHouse) -> None:
    """What is open again is counted on the card, in the list of own patients and in the therapist's other window."""
    caller = Caller()
    house = make_house(change=caller.register)

    def told() -> list[str]:
        cards = caller.cards(house, patientId=THOMAS, userId=ADA)
        return [card["summary"] for card in cards if "Ratings" in card["summary"]]

    clinician, chart = house.clinician(THOMAS)
    before, both = told(), reasons(chart)
    for _ in both:
        chart = clinician.submit(chart, reply(chart), answer="not now")
    send(house, THOMAS)  # the list has his name from his form
    silent, listed = told(), rows(mine(house))["Thomas Reyes"]
    for _ in both:
        chart = clinician.submit(chart, again(chart))
    _, elsewhere = house.clinician(THOMAS)

    assert (silent, told()) == ([], before)
    assert "worth a look" not in listed
    assert "worth a look 2 reasons" in rows(mine(house))["Thomas Reyes"]
    assert (reasons(elsewhere), quiet(elsewhere)) == (both, "")


def test_a_second_press_does_nothing(own: House) -> None:
    """A page that still shows the answer opens nothing twice: the trail has it once."""
    clinician, chart = answered(own)
    form = again(chart)

    statuses = [clinician.post(chart, form).status_code for _ in range(2)]

    assert statuses == [303, 303]
    assert [row["event"] for row in own.rows(audit)].count("reason.reopened") == 1


def test_newer_data_leaves_it_as_it_was(own: House) -> None:
    """What a page of before opens again is not shown any more, and counts as open nowhere."""
    clinician, chart = answered(own)
    stale = again(chart)
    fall(own, THOMAS)
    newer = clinician.open(chart.url)

    after = clinician.submit(chart, stale)

    assert reasons(after) == reasons(newer)
    rested = [row for row in own.rows(kept_reasons) if stale.action.endswith(f"/{row['key']}/again")]
    assert [(row["answer"], row["raised"]) for row in rested] == [(None, False)]


def test_only_who_may_answer_opens_it_again(own: House) -> None:
    """Another patient's launch and a patient's hands open nothing, nor does a key that nobody has."""
    clinician, chart = answered(own)
    key = again(chart).action.split("/")[-2]
    colleague, kwame = own.clinician(KWAME)
    patient, form = own.handed(THOMAS)

    def post(person: Person, page: Page, reason: str) -> int:
        url = own.url(f"/l/{handle_of(page)}/reasons/{reason}/again")
        given = {"_csrf": own.token_of(person, handle_of(page))}
        return person.send("POST", url, given, Origin=own.site.app_url).status_code

    assert post(colleague, kwame, key) == 404
    assert post(patient, form, key) == 401
    assert post(clinician, chart, "none") == 404
    assert len([row for row in own.rows(kept_reasons) if row["answered_at"]]) == 1
