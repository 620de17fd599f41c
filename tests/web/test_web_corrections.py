"""A patient changes or takes back what was sent, and a clinician withdraws what is about the wrong person."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions

from .house import ADA, CORE, MARIA, THOMAS, House, Person, code_of

NINES = {**CORE, "1": "10", "2": "10", "3": "10", "4": "10", "5": "10", "6": "10"}


def sent(house: House, patient: str = MARIA) -> tuple[Person, Any]:
    """Let a patient at home answer about no visit in particular; returns the receipt."""
    person, visits = house.at_home(patient)
    form = person.submit(visits, visits.form("/visit"), encounter="none")
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    return person, person.submit(review, review.form("/send"))


def key_of(receipt: Any) -> str:
    """Return the key in a receipt's address."""
    return str(receipt.url.rpartition("/")[2])


def changed(person: Person, receipt: Any, answers: dict[str, str] = NINES) -> Any:
    """Change the answers from a receipt, up to the next receipt."""
    form = person.open(receipt.link("/change"))
    review = person.submit(form, form.form("/change"), **answers, action="review")
    return person.submit(review, review.form("/change/send"))


def score(house: House, key: str, patient: str = MARIA) -> tuple[str, str, Any]:
    """Return the status of the response of a form in the chart, of its core score, and that score's value."""
    responses, by_code = house.written(key, patient)
    core = by_code["core"] if "core" in by_code else next(each for each in by_code.values() if "hasMember" not in each)
    return responses[0]["status"], core["status"], core.get("valueQuantity", {}).get("value")


def test_changed_from_the_receipt(own: House) -> None:
    """The form opens with what was sent; the changed answers replace it in the chart, and the page says when."""
    person, receipt = sent(own)
    own.deliver()
    first = score(own, key_of(receipt))

    page = changed(person, receipt)
    waiting = person.open(page.url)
    own.deliver()

    assert first[:2] == ("completed", "final")
    assert score(own, key_of(receipt)) == ("amended", "amended", 10)
    assert "We have received your changed answers." in page.text
    assert "They are on their way to your chart." in waiting.text
    assert "They are in your chart now." in person.open(page.url).text.partition("<span>")[2]


def test_form_opens_with_what_was_sent(house: House) -> None:
    """Every answer stands as it was sent, nothing more, and leaving it changes nothing."""
    person, receipt = sent(house)

    form = person.open(receipt.link("/change"))

    for item, value in CORE.items():
        assert f'name="{item}" value="{value}" checked' in form.text
    assert form.text.count(" checked") == len(CORE)
    assert "Not today" not in form.text
    assert receipt.url in form.links


def test_taken_back_from_the_receipt(own: House) -> None:
    """The page says before what happens in the chart, and "taken back" in the chart only when that reads back (I5)."""
    person, receipt = sent(own)
    own.deliver()
    ask = person.open(person.open(receipt.url).link("/take-back"))

    page = person.submit(ask, ask.form("/take-back"), cause="mistake")
    before = person.open(page.url).text
    own.deliver()

    assert "marked as entered in error" in ask.text
    assert "You took these answers back" not in before
    said = before.partition('role="status"')[2].partition("</p>")[0].partition("<span>")[2]
    assert said.startswith("Taken back. As soon as your chart can be reached")
    assert score(own, key_of(receipt))[:2] == ("entered-in-error", "entered-in-error")
    assert "<span>In your chart they are marked" in person.open(page.url).text
    assert own.rows(submissions)[-1]["cause"] == "mistake"


def test_an_open_receipt_is_told_of_a_newer_one(own: House) -> None:
    """What asks for the state of a version that another one has overtaken hears so, and the state of that one."""
    person, receipt = sent(own)
    before = person.open(f"{receipt.url}/state").text
    page = changed(person, receipt)
    ask = person.open(page.link("/take-back"))
    taken = person.submit(ask, ask.form("/take-back"))

    states = [json.loads(person.open(f"{each.url}/state").text) for each in (receipt, page, taken)]

    assert json.loads(before) == {"state": "received", "newer": False}
    assert [each["newer"] for each in states] == [True, True, False]
    assert {each["state"] for each in states} == {"never_sent"}


def handed(house: House, patient: str = MARIA) -> Any:
    """Let a patient answer on a handed-over device; returns the receipt."""
    person, form = house.handed(patient)
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    return person.submit(review, review.form("/send"))


def test_clinician_sees_what_counts(own: House) -> None:
    """In the view the changed value stands in place of the first one, and what is taken back is not shown."""
    views = [own.clinician(THOMAS)[1].text]
    handed(own, THOMAS)
    own.deliver()
    views.append(own.clinician(THOMAS)[1].text)
    person, visits = own.at_home(THOMAS)
    receipt = changed(person, person.open(visits.link("/receipt/")))
    own.deliver()
    views.append(own.clinician(THOMAS)[1].text)
    ask = person.open(receipt.link("/take-back"))
    person.submit(ask, ask.form("/take-back"))
    own.deliver()
    views.append(own.clinician(THOMAS)[1].text)

    newest = [text.partition('class="scores"')[2].partition("</tbody>")[0] for text in views]
    assert newest[0] == newest[3] != newest[1]
    assert [">10.0<" in each for each in newest] == [False, False, True, False]


def test_window_closes(own: House) -> None:
    """After its time the page says so and whom to ask, and the server refuses what an old page still sends."""
    person, receipt = sent(own)
    form = person.open(receipt.link("/change"))
    token = {"_csrf": form.form("/change").hidden["_csrf"]}
    with transaction(own.services.engine) as connection:
        sent_at = own.now() - timedelta(hours=24, minutes=1)
        connection.execute(submissions.update().values(accepted_at=sent_at))

    page = person.open(receipt.url)
    reads = [person.open(page.url + path) for path in ("/change", "/change/review", "/take-back")]
    sends = [
        person.land(person.send("POST", page.url + path, token, Origin=own.site.app_url))
        for path in ("/change", "/change/send", "/take-back")
    ]

    assert "You could change these answers" in page.text
    assert "Patient relations, 555 0100." in page.text
    assert {(each.status, code_of(each)) for each in [*reads, *sends]} == {(409, "correction.too-late")}
    assert len(own.rows(submissions)) == 1


def test_site_may_switch_it_off(make_house: Callable[..., House]) -> None:
    """With a window of 0 hours nothing is offered."""

    def off(site: Any) -> None:
        text = site.settings.read_text()
        site.settings.write_text(text.replace("[ehr.harbor]\n", "[ehr.harbor]\nchange_window_hours = 0\n"))

    house = make_house(change=off)

    person, receipt = sent(house)

    assert "/change" not in receipt.text
    assert "You could change" not in receipt.text
    assert person.open(f"{receipt.url}/change").status == 409


def test_changed_from_a_later_launch(own: House) -> None:
    """The same patient comes back: "What you sent" leads to it; for another patient it does not exist (T45)."""
    _, receipt = sent(own)
    own.deliver()

    person, visits = own.at_home()
    page = changed(person, person.open(visits.link("/receipt/")))
    own.deliver()
    stranger, theirs = own.at_home(THOMAS)
    foreign = [
        stranger.open(f"{theirs.url.rpartition('/')[0]}/receipt/{key_of(each)}{path}")
        for each in (receipt, page)
        for path in ("", "/change", "/take-back")
    ]

    assert score(own, key_of(receipt)) == ("amended", "amended", 10)
    assert {(each.status, code_of(each)) for each in foreign} == {(404, "submission.unknown")}


def test_a_page_left_alone_keeps_what_was_changed(own: House) -> None:
    """What is sent after the session has ended is kept and nothing shown; signed in again the change goes on there."""
    person, receipt = sent(own)
    form = person.open(receipt.link("/change"))
    own.ahead = timedelta(minutes=31)

    late = person.submit(form, form.form("/change"), **NINES, action="review")

    assert late.status == 401
    assert "Your answers so far are kept." in late.text
    assert "Sign in again" in late.text
    assert "Maria" not in late.text
    own.ahead = timedelta(0)  # the EHR's clock is not ahead: who signs in there comes at its time
    again, home = own.at_home()
    reopened = again.open(again.open(home.link("/receipt/")).link("/change"))
    assert re.findall(r'name="(\d)" value="10" checked', reopened.text) == list("123456")


def test_handed_over_device_cannot_change_it(house: House) -> None:
    """Whoever has the device now sees no answers and no way to change them; the page says where that is possible."""
    person, form = house.handed()
    review = person.submit(form, form.form("/form"), **CORE, action="review")

    receipt = person.submit(review, review.form("/send"))

    assert "you can change your answers, or take them back. To do so, sign in" in receipt.text
    assert "/change" not in receipt.text
    for path in ("/change", "/take-back"):
        assert code_of(person.open(receipt.url + path)) == "session.none"


def test_second_tab_is_told(own: House) -> None:
    """Two pages of the same change: the second press is the first receipt, an older page is told (F30, F31)."""
    person, receipt = sent(own)
    form = person.open(receipt.link("/change"))
    review = person.submit(form, form.form("/change"), **NINES, action="review")
    ask = person.open(receipt.link("/take-back"))

    first = person.submit(review, review.form("/change/send"))
    again = person.submit(review, review.form("/change/send"))
    old = person.submit(ask, ask.form("/take-back"))

    assert again.url == first.url
    assert (old.status, code_of(old)) == (409, "correction.refused")
    assert len(own.rows(submissions)) == 2


def test_press_twice_to_take_back(own: House) -> None:
    """A second press shows the receipt of the first; there is nothing to change any more."""
    person, receipt = sent(own)
    ask = person.open(receipt.link("/take-back"))

    first = person.submit(ask, ask.form("/take-back"))
    again = person.submit(ask, ask.form("/take-back"))

    assert first.url == again.url
    assert "They were never written into your chart." in first.text
    assert "/change" not in first.text
    assert [row["state"] for row in own.rows(submissions)] == ["replaced", "delivered"]


@pytest.mark.parametrize("bad", [{"1": "11"}, {"key": "another"}])
def test_change_that_cannot_be_kept(house: House, bad: dict[str, str]) -> None:
    """An answer outside its options, and a page older than the draft, are shown again with what was filled in."""
    person, receipt = sent(house)
    form = person.open(receipt.link("/change"))
    fields = {**CORE, **bad}

    page = person.land(person.post(form, form.form("/change"), **fields))

    assert page.status in (409, 422)
    assert page.form("/change").action == form.form("/change").action


def test_change_to_no_answer_is_asked_about(own: House) -> None:
    """All answers skipped: the review asks once, and then the record says that the person chose not to answer."""
    person, receipt = sent(own)
    own.deliver()
    form = person.open(receipt.link("/change"))

    review = person.submit(form, form.form("/change"), action="review")
    unasked = person.land(person.post(review, review.form("/change/send"), declined=""))
    page = person.submit(review, review.form("/change/send"))
    own.deliver()

    assert "Send without answers?" in review.text
    assert unasked.url == review.url
    assert "you did not answer today" in page.text
    assert score(own, key_of(receipt)) == ("amended", "amended", None)


def test_clinician_withdraws_the_wrong_persons_form(own: House) -> None:
    """The page names patient, form and day and asks why; then the form is withdrawn, and the trail says by whom."""
    key = key_of(handed(own))
    own.deliver()
    clinician, chart = own.clinician()
    ask = clinician.open(chart.link("/withdraw"))

    unsure = clinician.submit(ask, ask.form("/withdraw"))
    done = clinician.submit(ask, ask.form("/withdraw"), cause="wrong-person")
    again = clinician.submit(ask, ask.form("/withdraw"), cause="wrong-person")
    own.deliver()
    after = clinician.open(done.url)
    where = clinician.open(after.link("/delivery"))

    assert all(part in ask.text for part in ("Maria Lopez, born", "Visit check-in"))
    assert "Please choose a reason." in unsure.text
    assert "being withdrawn" in done.text
    # Nothing is in the chart yet: the view leaves it out all the same, and what it answered is due again.
    first, then = (page.text.partition('<p class="lead">')[2].partition("</p>")[0] for page in (chart, done))
    assert first.startswith("Last answer")
    assert first != then == after.text.partition('<p class="lead">')[2].partition("</p>")[0]
    assert "Due at this visit: the short form" in done.text
    assert (done.url, again.url) == (chart.url, chart.url)
    assert score(own, key)[:2] == ("entered-in-error", "entered-in-error")
    assert "withdrawn." in after.text
    assert "It no longer counts: it was taken back." in where.text
    assert "<strong>In the chart</strong>" not in where.text
    row = own.rows(submissions)[-1]
    assert (row["cause"], row["asked_by"]) == ("wrong-person", ADA)


def test_a_patient_is_told_who_took_answers_back(own: House) -> None:
    """What the clinic withdrew is not said to be taken back by the patient; the clinician reads before that it is."""
    (person, receipt), (clinician, chart) = sent(own, THOMAS), own.clinician(THOMAS)
    ask = clinician.open(f"{chart.url.rpartition('/')[0]}/sent/{key_of(receipt)}/withdraw")
    clinician.submit(ask, ask.form("/withdraw"), cause="mistake")

    page = person.open(receipt.url)

    assert "On the receipt Thomas can see that the clinic took these answers back." in ask.text
    assert "The clinic took these answers back." in page.text
    assert "You took these answers back" not in page.text


def test_a_rating_of_the_therapist_has_no_receipt_for_the_patient(own: House) -> None:
    """Who withdraws a rating of their own reads nothing of what the patient will see."""
    clinician, chart = own.clinician()
    form = clinician.open(chart.link("/form"))
    review = clinician.submit(form, form.form("/form"), **CORE, action="review")
    key = key_of(clinician.submit(review, review.form("/send")))

    ask = clinician.open(f"{chart.url.rpartition('/')[0]}/sent/{key}/withdraw")

    assert "Withdraw this form?" in ask.text
    assert "On the receipt" not in ask.text


def test_clinician_withdraws_only_what_they_see(own: House) -> None:
    """Another patient's form does not exist, nor does an older version that was changed since."""
    person, receipt = sent(own)
    clinician, chart = own.clinician(THOMAS)
    foreign = clinician.open(f"{chart.url.rpartition('/')[0]}/sent/{key_of(receipt)}/withdraw")
    changed(person, receipt)
    hers, view = own.clinician()

    old = hers.open(f"{view.url.rpartition('/')[0]}/sent/{key_of(receipt)}/withdraw")

    assert (foreign.status, code_of(foreign)) == (404, "submission.unknown")
    assert (old.status, code_of(old)) == (409, "correction.refused")


def test_taking_back_while_the_ehr_is_away(own: House) -> None:
    """Patient and clinician read that it is taken back, and when it goes to the chart; once it can, it does (F01)."""
    (person, receipt), theirs = sent(own), key_of(handed(own, THOMAS))
    own.deliver()
    ask = person.open(receipt.link("/take-back"))
    clinician, chart = own.clinician(THOMAS)
    question = clinician.open(chart.link("/withdraw"))
    own.stop_ehr()

    taken = person.submit(ask, ask.form("/take-back"))
    withdrawn = [clinician.submit(question, question.form("/withdraw"), cause="mistake") for _ in range(2)]
    own.deliver()
    still = clinician.open(withdrawn[0].url)
    own.start_ehr()
    own.ahead = timedelta(minutes=1)
    own.deliver()

    assert taken.status == 200
    assert "Taken back. As soon as your chart can be reached" in taken.text
    assert [each.url for each in withdrawn] == [chart.url.replace("/chart", "/delivery")] * 2
    told = re.compile(
        r"<strong>Taken back</strong> since .*\. It goes to the chart when the health record can be reached\."
    )
    assert all(told.search(each.text) for each in (*withdrawn, still))
    assert score(own, key_of(receipt))[:2] == ("entered-in-error", "entered-in-error")
    assert own.written(theirs, THOMAS)[0][0]["status"] == "entered-in-error"
