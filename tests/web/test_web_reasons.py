"""Reasons to look on the clinician's view: named, checkable, of this therapist's own series, answered once."""

import re
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import update

from fhir_alliance.store import transaction
from fhir_alliance.tables import audit
from fhir_alliance.tables import reasons as kept_reasons
from fhir_alliance.visits.wishes import Wish
from smart_app.demo.browser import Page, WebForm
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .hooking import Caller
from .house import ADA, CORE, THOMAS, House
from .test_web_blind import blind, rate

KWAME = "kwame-boateng"


def reasons(chart: Page) -> list[str]:
    """Return the open reasons of a view, each with its level."""
    part = chart.text.partition('<section class="reasons"')[2].partition("</section>")[0]
    found = re.findall(r'<div class="reason" ?[^>]*>\s*<p>(.*?)</p>', part, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


def fall(house: House, patient: str = KWAME) -> None:
    """Let a patient who was steady answer low about today's visit, and bring it into the chart."""
    person, form = house.handed(patient)
    review = person.submit(form, form.form("/form"), **dict.fromkeys(CORE, "2"), action="review")
    person.submit(review, review.form("/send"))
    house.deliver()


def test_a_reason_with_its_inputs(house: House) -> None:
    """A fall that stayed is a reason of the lower level, as nothing is validated, and opens to its rule and numbers."""
    _, chart = house.clinician(THOMAS)

    low, fallen = reasons(chart)
    said = r"The last 2 answered visits \(.*\) lie below the usual range of visits 1–5, the last one by \d\.\d\."
    assert re.fullmatch(f"worth a look {said}.*", low)
    assert re.fullmatch(r"worth a look Fell from \d\.\d to \d\.\d \(visit 12, .*\) and has not come back yet\.", fallen)
    assert "Rule: below the usual range, rule set v2; core score." in chart.text
    assert "First ratings: visit 1: " in chart.text
    assert "ask this visit" not in chart.text


def test_a_card_for_the_therapist_alone(make_house: MakeHouse) -> None:
    """Open reasons are one card for the therapist who was shown them, by level and day, until they have an answer."""
    caller = Caller()
    house = make_house(change=caller.register)

    def told(user: str) -> list[str]:
        found = [card["summary"] for card in caller.cards(house, patientId=THOMAS, userId=user)]
        return [each for each in found if "Ratings" in each]

    before = told(ADA)
    person, chart = house.clinician(THOMAS)
    (shown,), others = told(ADA), told("Practitioner/somebody-else")
    while reasons(chart):
        chart = person.submit(chart, reply(chart), answer="not now")

    assert before == others == []
    assert re.fullmatch(r"Ratings of the visits: worth a look\. Open: 2, the newest of \d+ \w{3} \d{4}\.", shown)
    assert told(ADA) == []


def test_no_reason_without_one(house: House) -> None:
    """Who rates steadily has no list at all."""
    _, chart = house.clinician(KWAME)

    assert reasons(chart) == []


def test_what_is_hidden_is_no_reason(make_house: MakeHouse) -> None:
    """A rating that the therapist may not see yet raises nothing; once both have rated it does."""
    house = make_house(change=blind)
    fall(house)

    clinician, chart = house.clinician(KWAME)
    after = rate(clinician, chart)

    assert reasons(chart) == []
    assert any(each.startswith("worth a look Fell from ") for each in reasons(after))


def test_another_therapists_series_is_no_reason(house: House) -> None:
    """A colleague who opens the chart sees no reason out of ratings that are not about them."""
    _, own = house.clinician("grace-kim")

    assert reasons(own) == []
    assert "Grace rated" not in own.text


def test_answers_that_stand_out_are_shown_once(own: House) -> None:
    """What the patient said was harder stands among the reasons, with their level, and nowhere else."""
    person, form = own.handed(KWAME)
    given = {**CORE, "harder": "a-little"}
    review = person.submit(form, form.form("/form"), **given, action="review")
    person.submit(review, review.form("/send"))
    own.deliver()

    _, chart = own.clinician(KWAME)

    listed = chart.text.partition('<section class="reasons"')[2].partition("</section>")[0]
    assert '<span class="level">worth a look</span>' in listed
    assert listed.count("<strong>a little</strong>") == chart.text.count("<strong>a little</strong>") == 1


@pytest.mark.parametrize(
    ("never", "found"), [(False, ["worth a look No answers from the last 2 visits (12 and 13)."]), (True, [])]
)
def test_missed_forms(own: House, never: bool, found: list[str]) -> None:
    """Two visits whose form nobody answered are a reason, but not with a patient who is not to be asked."""
    store = own.ehr.extensions["sandbox_store"]
    visits = store.search("Encounter", [("patient", KWAME), ("_sort", "date"), ("_count", "500")]).resources
    for days in (2.5, 3):
        start = (own.now() - timedelta(days=days)).isoformat(timespec="seconds")
        store.create({**visits[0], "period": {"start": start}})
    own.services.wishes.keep("harbor", KWAME, Wish(never=never), by="Practitioner/x", launch="l", at=own.now())

    _, chart = own.clinician(KWAME)

    assert reasons(chart) == found


def reply(chart: Page) -> WebForm:
    """Return the form with the answers to the first open reason of a view."""
    return next(form for form in chart.forms if "/reasons/" in form.action)


def quiet(chart: Page) -> str:
    """Return the lines of the answered reasons of a view, empty where there is none."""
    return chart.text.partition('<section class="quiet-reasons"')[2].partition("</section>")[0]


def test_an_answered_reason_is_quiet(own: House) -> None:
    """It leaves the list for a quiet line below, with what was said, by whom and when; audited, the answer sealed."""
    clinician, chart = own.clinician(THOMAS)
    first, other = reasons(chart)

    after = clinician.submit(chart, reply(chart), answer="talked about it")

    assert reasons(after) == [other]
    assert re.search(r"Talked about it: you, today at \d\d:\d\d\.", quiet(after))
    assert first.removeprefix("worth a look ").partition(" below")[0] in quiet(after)
    (noted,) = [row for row in own.rows(audit) if row["event"] == "reason.answered"]
    assert (noted["actor"], noted["patient"], noted["outcome"]) == ("Practitioner/ada-okafor", THOMAS, "talked")
    (row,) = [row for row in own.rows(kept_reasons) if row["answered_at"]]
    assert b"talked" not in row["answer"]


def test_newer_data_opens_it_again(own: House) -> None:
    """A new low rating is another reason, open; the one before stays answered and is not shown any more."""
    clinician, chart = own.clinician(THOMAS)
    while chart.text.count('name="answer" value="not now"'):
        chart = clinician.submit(chart, reply(chart), answer="not now")
    assert reasons(chart) == []

    fall(own, THOMAS)
    again = clinician.open(chart.url)

    assert any(" below the usual range " in each for each in reasons(again))
    assert quiet(again) == ""


def last_scores(house: House, patient: str) -> list[dict[str, Any]]:
    """Return the core scores that a patient has given, newest first."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.search("Observation", [("patient", patient), ("_sort", "-date"), ("_count", "500")]).resources
    return [each for each in found if each["code"]["coding"][0]["code"] == "visit-check-in-core"]


def amend(house: House, score: dict[str, Any], change: float) -> None:
    """Let the chart have another value in place of a score, at the same visit."""
    quantity = {**score["valueQuantity"], "value": score["valueQuantity"]["value"] + change}
    house.ehr.extensions["sandbox_store"].update({**score, "status": "amended", "valueQuantity": quantity})


def test_an_amended_rating_opens_it_again(own: House) -> None:
    """Another value at the same visit is other facts: what was answered to the old ones is not said of the new."""
    clinician, chart = own.clinician(THOMAS)
    while reasons(chart):
        chart = clinician.submit(chart, reply(chart), answer="not now")
    newest, _, earlier = last_scores(own, THOMAS)[:3]

    # A rating in between, that neither the first five nor the last two are, is none of the facts of a low rating.
    amend(own, earlier, -0.1)
    between = clinician.open(chart.url)
    amend(own, newest, -0.1)
    after = clinician.open(chart.url)

    assert reasons(between) == []
    assert [" below the usual range " in each for each in reasons(after)].count(True) == 1
    assert "below the usual range" not in quiet(after)
    (row,) = [row for row in own.rows(kept_reasons) if row["reason"] == "below the usual range"]
    assert (row["answer"], row["answered_by"], row["answered_at"]) == (None, None, None)
    clinician.submit(after, reply(after), answer="talked about it")
    assert "Talked about it" in quiet(clinician.open(chart.url))


def test_facts_are_sealed_and_read_from_before(own: House) -> None:
    """What a reason rests on is in no row as it is; an answer from before facts were kept stays an answer."""
    clinician, chart = own.clinician(THOMAS)
    chart = clinician.submit(chart, reply(chart), answer="not now")
    kept = own.rows(kept_reasons)
    assert all(row["facts"] and b"." not in row["facts"][:4] and b".000000" not in row["facts"] for row in kept)

    with transaction(own.services.engine) as connection:
        connection.execute(update(kept_reasons).values(facts=None))
    after = clinician.open(chart.url)

    assert (reasons(after), quiet(after)) == (reasons(chart), quiet(chart))
    assert all(row["facts"] for row in own.rows(kept_reasons))


def test_two_windows_store_one_answer(own: House) -> None:
    """Two different answers sent at once to one reason: one of them is kept, once, and both windows see it."""
    clinician, chart = own.clinician(THOMAS)
    form = reply(chart)
    answers = ("talked about it", "not relevant")

    threads = [Thread(target=clinician.post, args=(chart, form), kwargs={"answer": each}) for each in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([row for row in own.rows(kept_reasons) if row["answered_at"]]) == 1
    assert len([row for row in own.rows(audit) if row["event"] == "reason.answered"]) == 1


def test_answers_that_nobody_offers(own: House) -> None:
    """An unknown word, another patient's reason and a patient's hands change nothing."""
    clinician, chart = own.clinician(THOMAS)
    form = reply(chart)
    _, other = own.clinician(KWAME)

    assert clinician.post(chart, form, answer="whatever").status_code == 400
    elsewhere = f"{other.url.removesuffix('/chart')}/reasons/{form.action.rpartition('/')[2]}"
    colleague, kwame = own.clinician(KWAME)
    stolen = {"_csrf": own.token_of(colleague, kwame.url.split("/")[-2]), "answer": "not now"}
    path = elsewhere.replace(other.url.split("/")[-2], kwame.url.split("/")[-2])
    assert colleague.send("POST", path, stolen, Origin=own.site.app_url).status_code == 404
    patient, page = own.handed(THOMAS)
    handle = page.url.split("/")[-2]
    own_path = own.url(f"/l/{handle}/reasons/{form.action.rpartition('/')[2]}")
    given = {"_csrf": own.token_of(patient, handle), "answer": "not now"}
    assert patient.send("POST", own_path, given, Origin=own.site.app_url).status_code == 401
    assert [row for row in own.rows(kept_reasons) if row["answered_at"]] == []


def test_kept_until_its_date(own: House) -> None:
    """A year after it was answered nothing of it is left."""
    clinician, chart = own.clinician(THOMAS)
    clinician.submit(chart, reply(chart), answer="not now")

    own.services.keeping.purge(own.now() + timedelta(days=364))
    before = len(own.rows(kept_reasons))
    own.services.keeping.purge(own.now() + timedelta(days=366))

    assert (before, own.rows(kept_reasons)) == (2, [])


def test_questions_to_ask(make_house: MakeHouse) -> None:
    """Each reason has its questions; a site's own words stand in place of ours."""

    def own_words(site: Site) -> None:
        (site.settings.parent / "talks.yaml").write_text(
            'questions:\n  below the usual range:\n    - "How are we doing?"\n', "utf-8"
        )
        site.settings.write_text(f'talks_file = "talks.yaml"\n{site.settings.read_text("utf-8")}', "utf-8")

    house = make_house(change=own_words)

    _, chart = house.clinician(THOMAS)

    assert "You could ask: “How are we doing?”</p>" in chart.text
    assert "You could ask: “Was there a time with me that did not feel right?” · “What did you need" in chart.text


def test_answers_that_never_differ(house: House) -> None:
    """Who always answers 10 has no reason for that; the view says once that it says little, and is not praised."""
    _, chart = house.clinician("wilhelmina-featherstonehaugh", "Practitioner/ruth-abramowitz")
    _, steady = house.clinician(KWAME)

    assert chart.text.count("Same answers to everything for 5 visits: this says little.") == 1
    assert reasons(chart) == []
    assert "says little" not in steady.text
