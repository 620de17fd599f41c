"""One patient, two therapists one after the other: each sees the ratings of their own visits, from a new baseline."""

import re
from datetime import date
from html import unescape

from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import ADA, House

DANIEL, JAMES = "daniel-brooks", "Practitioner/james-calloway"
FIRST, SECOND = range(1, 13), range(13, 26)
OTHERS = "Only visits with you are shown. This patient also sees somebody else, whose ratings stay with them."


def held(house: House, visits: range) -> set[str]:
    """Return the days of some of Daniel's visits."""
    store = house.ehr.extensions["sandbox_store"]
    return {store.read("Encounter", f"{DANIEL}-v{number}")["period"]["start"][:10] for number in visits}


def shown(page: Page) -> set[str]:
    """Return the days of the ratings that a view has, all of them in its table of scores."""
    table = page.text.partition("<h2>Scores by visit</h2>")[2].partition("</section>")[0]
    return set(re.findall(r'<time datetime="(\d{4}-\d\d-\d\d)', table))


def mean(house: House, visits: range) -> float:
    """Return the mean core score of some of Daniel's visits, in the chart."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.search("Observation", [("patient", DANIEL), ("_count", "500")]).resources
    at = {f"Encounter/{DANIEL}-v{number}" for number in visits}
    core = [each for each in found if each["code"]["coding"][0]["code"] == "visit-check-in-core"]
    values = [each["valueQuantity"]["value"] for each in core if each["encounter"]["reference"] in at]
    assert len(values) == len(visits)
    return float(sum(values) / len(values))


def centre(page: Page) -> float:
    """Return the middle of the usual range of a first line, which says that it is of visits 1 to 5."""
    said = page.text.replace("\u00a0", " ")
    found = re.search(r"the usual (\d+\.\d) to (\d+\.\d) \(visits 1 to 5\)", said)
    assert found is not None
    return (float(found[1]) + float(found[2])) / 2


def test_each_sees_their_own(house: House) -> None:
    """Twelve visits with the first therapist, then thirteen with the second: neither sees a rating of the other's."""
    _, first = house.clinician(DANIEL, ADA)
    _, second = house.clinician(DANIEL, JAMES)

    assert shown(first) <= held(house, FIRST)
    assert shown(second) <= held(house, SECOND)
    assert min(len(shown(first)), len(shown(second))) > 10
    assert date.fromisoformat(max(shown(first))) < date.fromisoformat(min(shown(second)))
    assert all(OTHERS in each.text for each in (first, second))
    # Nor where they look together, which has the same series.
    assert shown_together(house, ADA).isdisjoint(held(house, SECOND))


def shown_together(house: House, user: str) -> set[str]:
    """Return the days of the ratings on the page for both."""
    person, chart = house.clinician(DANIEL, user)
    page = person.open(chart.link("/together"))
    found = set(re.findall(r'<time datetime="(\d{4}-\d\d-\d\d)', page.text.partition("<main")[2]))
    assert found
    return found


def allow(site: Site) -> None:
    """Let clinicians see the visits with others."""
    settings = site.settings.read_text("utf-8")
    site.settings.write_text(settings.replace("[instruments]", "other_therapists = true\n\n[instruments]"), "utf-8")


def test_others_are_seen_where_the_site_allows_it(make_house: MakeHouse, house: House) -> None:
    """On a page of its own stand the other's ratings from their own baseline: no guess, no single answer, no reason."""
    allowed = make_house(change=allow)
    person, chart = allowed.clinician(DANIEL, JAMES)

    page = person.open(chart.link("/others"))

    assert OTHERS not in chart.text
    assert shown(chart) <= held(allowed, SECOND)
    said = unescape(page.text.partition("<main")[2])
    assert re.search(r"<h2>With (Dr\. )?Ada Okafor</h2>\s*<p>Last answer \(", said)
    assert "James" not in said
    assert abs(centre(page) - mean(allowed, FIRST[:5])) <= 0.051
    for left_out in ("guess", "I felt at ease", "worth a look", "You could ask"):
        assert left_out not in said
    # Without the setting there is no way to the page, and its address is that of the view.
    other, before = house.clinician(DANIEL, JAMES)
    assert "/others" not in before.text
    assert other.open(before.url.replace("/chart", "/others")).url == before.url


def test_a_new_therapist_starts_a_new_baseline(house: House) -> None:
    """Each usual range is that of the first five visits with this therapist, and of nobody else's."""
    _, first = house.clinician(DANIEL, ADA)
    _, second = house.clinician(DANIEL, JAMES)

    assert abs(centre(first) - mean(house, FIRST[:5])) <= 0.051
    assert abs(centre(second) - mean(house, SECOND[:5])) <= 0.051
    assert centre(first) - centre(second) > 1
