"""A therapist's own patients: their order, and what is said of each."""

from datetime import timedelta

from course_samples import NOW
from gallery import render
from mine_samples import OWN_PATIENTS, asked, mine, open_reasons, own_patient

from fhir_alliance.trajectory.seen import Look


def test_the_order_is_by_time_and_name_alone() -> None:
    """What closes first, then what opens first, then names: reasons, trouble and the last form move nobody (P9)."""
    names = [row.name.partition(" ")[0] for row in mine(*OWN_PATIENTS).rows]
    again = [row.name.partition(" ")[0] for row in mine(*reversed(OWN_PATIENTS)).rows]

    assert names == again == ["Maria", "Thomas", "Aoife", "Bartholomew", "Zoë"]

    plain = mine(own_patient("Ann"), own_patient("Bob", reasons=open_reasons(Look.ASK), last_sent=NOW))
    assert [row.name for row in plain.rows] == ["Ann", "Bob"]


def test_open_reasons_are_level_and_day() -> None:
    """The higher level first, each with how many there are and the day of the newest, and nothing more."""
    thomas = next(row for row in mine(*OWN_PATIENTS).rows if row.is_open)

    said = [(row.look, row.count, row.newest.text) for row in thomas.reasons]
    assert said == [(Look.ASK, 1, "Tue 10 Nov"), (Look.WORTH, 2, "Wed 11 Nov")]


def test_what_is_due_says_until_when() -> None:
    """Own forms and patients' forms in the order in which they close; what is not open yet says from when."""
    rows = {row.name: row for row in mine(*OWN_PATIENTS).rows}

    assert rows["Thomas Reyes"].due == (
        "Visit check-in (patient, short form), until tomorrow, 6:40 am",
        "Visit check-in (therapist, short form), until Sat 14 Nov, 7:40 am",
    )
    assert (rows["Aoife O’Brien"].due, rows["Aoife O’Brien"].later) == ((), "tomorrow, 4:40 pm")


def test_the_next_of_several_visits() -> None:
    """Of two visits to come the next one counts, for what is said and for the order."""
    soon = own_patient("Soon", asked=(asked(1, opens=90, closes=120), asked(2, opens=5, closes=50)))
    later = own_patient("Early", asked=(asked(3, opens=20, closes=60),))

    first, second = mine(later, soon).rows

    assert (first.name, first.later, second.name) == ("Soon", "today, 3:40 pm", "Early")


def test_trouble_is_told_in_words() -> None:
    """What is not in the chart is counted with its reason, as the view does."""
    (row,) = (row for row in mine(*OWN_PATIENTS).rows if row.stuck)

    assert row.stuck == (
        "2 forms are not in the chart yet, all for one reason: "
        "the health record does not allow it; please tell your administrator."
    )


def test_no_name_is_no_row() -> None:
    """Patients whose names are not kept any more are counted, not listed."""
    page = mine(own_patient("", last_sent=NOW - timedelta(days=90)))

    assert (page.rows, page.nameless) == ((), 1)


def test_nothing_leads_into_a_chart() -> None:
    """The only links of the list go back to the launch's own view, and it has no form at all (T41)."""
    html = render("mine").partition("<header")[2]

    links = {part.partition('"')[0] for part in html.split('href="')[1:]}
    assert links == {"/l/abc/chart"}
    assert "<form" not in html


def test_the_list_that_is_empty_says_why() -> None:
    """Nobody yet, and nobody known, are told apart."""
    assert "No patients yet" in render("mine-none")
    assert "does not say which practitioner you are" in render("mine-unknown")
