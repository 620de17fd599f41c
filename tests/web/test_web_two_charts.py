"""Two charts in one browser share a cookie and nothing else."""

from random import Random

import pytest

from fhir_alliance.tables import submissions

from .house import AOIFE, CORE, MARIA, THOMAS, House, Person, code_of, handle_of

NAMES = {MARIA: "Maria Lopez", THOMAS: "Thomas Reyes", AOIFE: "Aoife O&#39;Brien"}


def three_charts(house: House) -> tuple[Person, dict[str, str]]:
    """Return one clinician's browser with three charts open, and the handle of each."""
    person, chart = house.clinician(MARIA)
    handles = {MARIA: handle_of(chart)}
    for patient in (THOMAS, AOIFE):
        handles[patient] = handle_of(person.open(house.launch_url(person, patient)))
    return person, handles


@pytest.mark.parametrize("seed", range(2))
def test_f37_pages_of_open_charts_never_mix(house: House, seed: int) -> None:
    """Whatever order the tabs are used in, each page shows its own patient and nobody else's name (F37)."""
    person, handles = three_charts(house)
    chance = Random(seed)  # noqa: S311  # wanted the same every time

    for _ in range(30):
        patient = chance.choice(list(handles))
        path = chance.choice(["", "form", "review", "form", "chart"])
        page = person.open(house.url(f"/l/{handles[patient]}/{path}"))

        assert page.status == 200
        assert {name for name in NAMES.values() if name in page.text} == {NAMES[patient]}


def test_answers_go_to_the_patient_of_their_own_tab(house: House) -> None:
    """Two therapist's forms filled in by turns are written to their own patients, with their own answers (T41)."""
    person, handles = three_charts(house)
    forms = {patient: person.open(house.url(f"/l/{handles[patient]}/form")) for patient in (MARIA, THOMAS)}
    values = {MARIA: "3", THOMAS: "9"}
    reviews = {
        patient: person.submit(page, page.form("/form"), **dict.fromkeys(CORE, values[patient]), action="review")
        for patient, page in forms.items()
    }

    for page in reversed(reviews.values()):
        person.submit(page, page.form("/send"))
    house.deliver()

    for patient, page in reviews.items():
        responses, observations = house.written(page.form("/send").hidden["key"], patient)
        assert [each["subject"]["reference"] for each in responses] == [f"Patient/{patient}"]
        assert observations["visit-check-in-therapist-core"]["valueQuantity"]["value"] == int(values[patient])


def test_a_form_posted_under_another_handle_is_refused(house: House) -> None:
    """The token of one chart's page does not fit another chart's address: nothing is kept, under neither."""
    person, handles = three_charts(house)
    form = person.open(house.url(f"/l/{handles[MARIA]}/form")).form("/form")
    before = house.contents("audit")

    form.action = form.action.replace(handles[MARIA], handles[THOMAS])
    page = person.submit(person.open(house.url(f"/l/{handles[MARIA]}/form")), form, **CORE, action="review")

    assert (page.status, code_of(page)) == (403, "request.foreign")
    assert house.contents("audit") == before


def test_a_key_of_another_chart_sends_nothing(house: House) -> None:
    """The key of one chart's draft, posted under another chart, neither sends nor shows anything."""
    person, handles = three_charts(house)
    reviews = {}
    for patient in (MARIA, THOMAS):
        page = person.open(house.url(f"/l/{handles[patient]}/form"))
        reviews[patient] = person.submit(page, page.form("/form"), **CORE, action="review")
    key = reviews[MARIA].form("/send").hidden["key"]
    sent = len(house.rows(submissions))

    page = person.submit(reviews[THOMAS], reviews[THOMAS].form("/send"), key=key)

    assert "/receipt/" not in page.url or page.status == 404
    assert len(house.rows(submissions)) == sent
