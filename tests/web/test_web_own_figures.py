"""A clinic's own figures: with them reliable fall, disagreement and early mean are reasons, and say whose they are."""

import io
from html import unescape

import pytest
from pypdf import PdfReader

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.tables import submissions
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import CORE, THOMAS, House
from .test_web_reasons import KWAME, reasons

# Who rates unlike their therapist, and how far off the last guess was.
DIFFERING = {
    "david-cohen": ("Practitioner/ruth-abramowitz", "David rated 4.3 below the therapist; 0.7 above is usual."),
    "rebecca-stone": ("Practitioner/mei-ling-chen", "Rebecca rated 4.8 above the therapist; 0.7 above is usual."),
    "alex-morgan": ("Practitioner/james-calloway", "Alex rated 3.8 below the therapist; 0.7 above is usual."),
}


def with_figures(mean: str = "7.5", between: str = "1.2") -> str:
    """Return a file of figures of the check-in, rated by both."""
    entry = """
  - instrument: visit-check-in
    version: 1.0.0
    rater: {rater}
    score: core
    people: 143
    sd: 1.5
    reliability: 0.9
    kind: alpha
    population: first ratings at this clinic
    source: computed here"""
    early = f"\n    early: {{people: 143, mean: {mean}, between: {between}, within: 0.7}}"
    return f"reviewed_by: Dr. Okafor\nfigures:{entry.format(rater='patient')}{early}{entry.format(rater='therapist')}\n"


def own_figures(site: Site) -> None:
    """Give a site figures of its own."""
    (site.settings.parent / "figures.yaml").write_text(with_figures(), "utf-8")
    site.settings.write_text(f'figures_file = "figures.yaml"\n{site.settings.read_text("utf-8")}', "utf-8")


def test_a_reliable_fall(make_house: MakeHouse) -> None:
    """A fall beyond the error of measurement is told as one, with the clinic's figures and who they are of."""
    house = make_house(change=own_figures)

    _, chart = house.clinician(THOMAS)

    assert "More than the error of measurement." in reasons(chart)[0]
    assert reasons(chart)[0].startswith("worth a look ")  # the check-in is unvalidated
    assert "Rule: reliable fall, rule set v2; core score." in chart.text
    assert (
        "Standard deviation 1.5, reliability 0.9 (alpha), so an error of 0.4743; first ratings at this clinic, "
        "143 people; computed here."
    ) in chart.text


@pytest.mark.parametrize("patient", DIFFERING)
def test_a_reliable_disagreement(patient: str, make_house: MakeHouse, house: House) -> None:
    """Who rates far from what the therapist guesses, visit after visit, is a reason there, and only with figures."""
    therapist, difference = DIFFERING[patient]

    _, chart = make_house(change=own_figures).clinician(patient, therapist)
    _, before = house.clinician(patient, therapist)

    (found,) = map(unescape, reasons(chart))
    assert found.startswith(f"worth a look {difference}")
    assert "visits that both rated, by more than error explains." in found
    assert "the therapist; 0.7 above is usual" not in before.text


def test_an_early_mean(make_house: MakeHouse) -> None:
    """A patient whose first ratings lie far under those of the clinic has that as a reason, with both means."""

    def high(site: Site) -> None:
        own_figures(site)
        (site.settings.parent / "figures.yaml").write_text(with_figures(mean="9.9", between="0.5"), "utf-8")

    house = make_house(change=high)
    store = house.ehr.extensions["sandbox_store"]
    assert reasons(house.clinician(KWAME)[1]) == []  # twelve visits are no early ones
    for number in range(5, 12):
        store.update({**store.read("Encounter", f"{KWAME}-v{number}"), "status": "entered-in-error"})

    _, chart = house.clinician(KWAME)

    (found,) = reasons(chart)
    assert found.startswith("worth a look The first 4 ratings have a mean of 7.8.")
    assert "Clinic: mean 9.9, standard deviation 0.5 between people and 0.7 from visit to visit; 143" in chart.text


def test_what_limits_the_scores(make_house: MakeHouse, house: House) -> None:
    """Where a clinic has a reliable change nothing says that there is none: not the view, its PDF, nor the chart."""
    published = "Unvalidated: no norms, no cut-offs, no reliable-change value; not a diagnosis, not for emergencies."
    mine = make_house(change=own_figures)

    told = {}
    for each in (house, mine):
        person, chart = each.clinician(THOMAS)
        pdf = person.send("GET", chart.url.replace("/chart", "/chart.pdf")).content
        (sheet,) = PdfReader(io.BytesIO(pdf)).pages
        told[each] = unescape(chart.text), " ".join(sheet.extract_text().split())
        patient, form = each.handed(THOMAS)
        review = patient.submit(form, form.form("/form"), **CORE, action="review")
        patient.submit(review, review.form("/send"))
        each.deliver()

    here = f"As published: “{published}” Here a change of more than 1.3148 is reliable: this clinic's own figures, "
    assert all(f"{here}from 143 people." in text for text in told[mine])
    assert all(published in text and "As published" not in text for text in told[house])
    assert _limits(house) == {published}
    assert _limits(mine) == {
        f"As published: “{published}” Reliable change here: the clinic's own figures, from 143 people."
    }


def _limits(house: House) -> set[str]:
    """Return what the Observations of today's form say of its questionnaire."""
    (sent,) = house.rows(submissions)
    _, scores = house.written(sent["key"], THOMAS)
    return {note["text"] for each in scores.values() for note in each["note"]}


def test_figures_of_what_is_not_asked(make_house: MakeHouse) -> None:
    """A file that nobody has looked at lets no site start: the fault is told by file and line."""

    def unseen(site: Site) -> None:
        own_figures(site)
        text = with_figures().replace("Dr. Okafor", '""')
        (site.settings.parent / "figures.yaml").write_text(text, "utf-8")

    with pytest.raises(InvalidSettings, match=r"figures\.yaml:1: reviewed_by: needs the name"):
        make_house(change=unseen)
