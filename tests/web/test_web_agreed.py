"""What a patient and a therapist agreed to try: chosen on the view, looked at again at a later visit."""

import re
from datetime import timedelta
from html import unescape

from fhir_alliance.tables import agreements, audit
from fhir_alliance.talks.kept import Act, Pair
from smart_app.demo.browser import Page, WebForm

from .house import ADA, THOMAS, House, Person


def agreed(chart: Page) -> str:
    """Return in words what a view says of agreements."""
    part = chart.text.partition('<section class="agreed"')[2].partition("<details>")[0].partition(">")[2]
    words = " ".join(re.sub(r"<[^>]+>", " ", part).split())
    return re.sub(r" ([.:])", r"\1", words)


def again(chart: Page) -> WebForm:
    """Return the form that says how it went."""
    return next(form for form in chart.forms if "/agreed/" in form.action)


def with_agreement(house: House) -> tuple[Person, Page]:
    """Let the two agree at today's visit; returns the clinician at the view after it."""
    clinician, chart = house.clinician(THOMAS)
    return clinician, clinician.submit(chart, chart.form("/agreed"), choice="pace")


def with_agreement_before(house: House) -> tuple[Person, Page]:
    """Let the two have agreed at an earlier visit; returns the clinician at the view."""
    pair = Pair(ehr="harbor", patient=THOMAS, therapist=ADA)
    act = Act(by=ADA, launch="l", at=house.now() - timedelta(days=1), kept_until=house.now() + timedelta(days=9))
    house.services.agreements.agree(pair, "Encounter/before", "pace", "Change the pace", act)
    return house.clinician(THOMAS)


def test_agreed_and_changed(own: House) -> None:
    """The last choice of a visit counts; it is kept once, sealed and audited, and can be taken back."""
    clinician, chart = with_agreement(own)
    assert agreed(chart) == "Agreed at this visit Change the pace."

    chart = clinician.submit(chart, chart.form("/agreed"), choice="way")
    chart = clinician.submit(chart, chart.form("/agreed"), choice="way")

    assert agreed(chart) == "Agreed at this visit Change how we work."
    (row,) = own.rows(agreements)
    assert b"Change" not in row["choice"]
    chart = clinician.submit(chart, chart.form("/agreed"), choice="")
    assert (agreed(chart), own.rows(agreements)) == ("", [])
    noted = [row["outcome"] for row in own.rows(audit) if row["event"] == "agreement.changed"]
    assert noted == ["agreed", "agreed", "taken-back"]


def test_looked_at_again(own: House) -> None:
    """At a later visit it is asked how it went; the last word counts, and something new can be agreed beside it."""
    clinician, chart = with_agreement_before(own)
    assert agreed(chart) == "Agreed yesterday Change the pace. Looked at again: Helped Did not help Not tried"

    chart = clinician.submit(chart, again(chart), outcome="not tried")
    chart = clinician.submit(chart, again(chart), outcome="helped")
    chart = clinician.submit(chart, chart.form("/agreed"), choice="us")

    assert agreed(chart).startswith(
        "Agreed yesterday Change the pace. Looked at again: helped. Change to: Did not help"
    )
    assert agreed(chart).endswith("Agreed at this visit Talk about the two of us.")


def test_what_is_not_offered(own: House) -> None:
    """Words that no page offers, no choice at all, and an agreement of others change nothing."""
    clinician, chart = with_agreement(own)
    form = chart.form("/agreed")
    before = own.rows(agreements)
    token = {"_csrf": own.token_of(clinician, chart.url.split("/")[-2])}

    assert clinician.post(chart, form, choice="free text").status_code == 400
    assert clinician.post(chart, form).status_code == 400
    reply = clinician.send("POST", f"{form.action}/x", {**token, "outcome": "helped"}, Origin=own.site.app_url)
    assert reply.status_code == 404
    assert own.rows(agreements) == before


def test_both_look_at_the_patients_own_answers(own: House) -> None:
    """Look together shows the patient's answers, chart and agreements, and nothing that anybody else said or found."""
    clinician, chart = with_agreement_before(own)
    left_out = ("'s guess", "usual range", "worth a look", "you could ask", "rupture", "why?", "in the record")
    view = unescape(chart.text.partition("<main")[2].lower())
    assert [words for words in left_out if words not in view] == []

    page = clinician.open(chart.link("/together"))

    assert "Agreed yesterday" in " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
    assert "I felt at ease with my therapist today." in page.text
    assert 'class="patient"' in page.text
    said = unescape(page.text.partition("<main")[2].lower())
    assert [words for words in left_out if words in said] == []


def test_together_says_what_could_not_be_read(own: House) -> None:
    """When the EHR gives a part of the chart only, the page for both says so, as the view does."""
    clinician, chart = own.clinician(THOMAS)
    whole = clinician.open(chart.link("/together"))
    store = own.ehr.extensions["sandbox_store"]
    score = store.search("Observation", [("patient", THOMAS), ("category", "survey"), ("_count", "1")]).resources[0]
    odd = {name: value for name, value in score.items() if name not in ("id", "meta", "identifier")}
    store.create({**odd, "derivedFrom": {"not": "a list"}})

    part = clinician.open(chart.link("/together"))

    said = "Not everything could be read from the health record."
    assert said in clinician.open(chart.url).text
    assert [said in page.text for page in (whole, part)] == [False, True]
    assert 'class="patient"' in part.text


def test_a_year_later_it_is_gone(own: House) -> None:
    """What was agreed is not kept for ever."""
    with_agreement(own)

    own.services.keeping.purge(own.now() + timedelta(days=366))

    assert own.rows(agreements) == []
