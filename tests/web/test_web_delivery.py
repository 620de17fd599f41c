"""The clinician's delivery page: this patient's forms, from the note in the view to what to do."""

from fhir_alliance.store import transaction
from fhir_alliance.tables import audit, submissions

from .house import AOIFE, CORE, MARIA, THOMAS, House


def send(house: House, patient: str) -> str:
    """Send a form from a handed-over device; returns its key."""
    person, page = house.handed(patient)
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    return person.submit(review, review.form("/send")).url.rpartition("/")[2]


def put(house: House, key: str, state: str, reason: str) -> None:
    """Put a form where a fault would have put it."""
    with transaction(house.services.engine) as connection:
        connection.execute(submissions.update().where(submissions.c.key == key).values(state=state, reason=reason))


def test_the_note_leads_to_what_is_not_in_the_chart(own: House) -> None:
    """A held form is a note in the view, a link, and a page with the reason and what to do; the reading is audited."""
    key = send(own, MARIA)
    put(own, key, "held", "not-allowed")
    clinician, chart = own.clinician(MARIA)

    page = clinician.open(chart.link("/delivery"))

    assert "1 form is not in the chart yet: the health record does not allow it" in chart.text
    assert page.status == 200
    for part in ("Maria Lopez", "Waits for somebody", "please tell your administrator", key, "Visit check-in (patient"):
        assert part in page.text
    assert [row["patient"] for row in own.rows(audit) if row["event"] == "delivery.read"] == [MARIA]


def test_it_is_this_patients_only(own: House) -> None:
    """Another patient's forms are not there, waiting or done."""
    theirs, mine = send(own, THOMAS), send(own, MARIA)
    own.deliver()
    clinician, chart = own.clinician(MARIA)

    page = clinician.open(chart.url.replace("/chart", "/delivery"))

    assert "in the chart" in page.text
    assert "Nothing waits" in page.text
    assert theirs not in page.text
    assert f"<code>{mine}" not in page.text


def test_a_form_that_is_not_installed_any_more_is_still_listed(own: House) -> None:
    """A site that has gone on to another version sees the old one by its canonical."""
    key = send(own, AOIFE)
    put(own, key, "held", "failed")
    with transaction(own.services.engine) as connection:
        connection.execute(submissions.update().values(form="https://example.invalid/q|0.1"))
    clinician, chart = own.clinician(AOIFE)

    page = clinician.open(chart.url.replace("/chart", "/delivery"))

    assert "https://example.invalid/q|0.1" in page.text


def test_no_answer_is_on_the_page(own: House) -> None:
    """States and reasons, and nothing of what was answered."""
    key = send(own, MARIA)
    put(own, key, "rejected", "invalid")
    clinician, chart = own.clinician(MARIA)

    page = clinician.open(chart.url.replace("/chart", "/delivery"))

    assert "Not taken by the health record" in page.text
    assert "I felt" not in page.text


def test_f34_each_form_of_a_visit_may_be_taken_back_there(own: House) -> None:
    """A held form and one in the chart each have the link; what is taken back, or was changed since, has none."""
    done = send(own, MARIA)
    own.deliver()
    held = send(own, MARIA)
    put(own, held, "held", "not-allowed")
    clinician, chart = own.clinician(MARIA)
    page = clinician.open(chart.link("/delivery"))
    before = [key for key in (done, held) if f"/sent/{key}/withdraw" in page.text]

    ask = clinician.open(page.link(f"/sent/{held}/withdraw"))
    clinician.submit(ask, ask.form("/withdraw"), cause="mistake")
    after = clinician.open(page.url).text

    assert before == [done, held]
    assert [key for key in (done, held) if f"/sent/{key}/withdraw" in after] == [done]
    assert after.count("/withdraw") == 1


def test_another_clinicians_form_has_no_link(own: House) -> None:
    """It is told where it is, and only whose visit it was may take it back."""
    key = send(own, MARIA)
    put(own, key, "held", "not-allowed")
    with transaction(own.services.engine) as connection:
        connection.execute(submissions.update().values(therapist="Practitioner/somebody-else"))
    clinician, chart = own.clinician(MARIA)

    page = clinician.open(chart.link("/delivery"))

    assert key in page.text
    assert "/withdraw" not in page.text
