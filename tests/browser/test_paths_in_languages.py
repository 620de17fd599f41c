"""Every way to a form and through it, in two languages: on a phone and a desk, with and without a script."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest
from click.testing import CliRunner
from playwright.sync_api import BrowserContext, Page, expect

from smart_app.cli import main
from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from tests.languages.leftovers import english_left
from tests.ports import own_port
from tests.web.house import Clinic

from .axe import violations
from .conftest import NewContext
from .people import CORE, enter_portal
from .test_links_in_browser import DESK, PHONE, date_of

PATIENT: Final = "Maria Lopez"
THANKS: Final = {"en": "Thank you", "de": "Danke"}
GERMAN: Final = """
[site.languages.de]
reviewed_by = "Jo Park"
crisis_line = "Telefonseelsorge 0800 111 0 111"
someone_else = "Anlaufstelle, 555 0100"
"""


class Visitor(NamedTuple):
    """Somebody with a browser of their own; each page that they see is looked at by `look`."""

    site: Site
    context: BrowserContext
    language: str
    look: Callable[[Page], None]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site that has confirmed German, for all of these walks."""
    found = write_site(tmp_path_factory.mktemp("paths"), ehr_port=own_port(), app_port=own_port())
    written = found.settings.read_text("utf-8")
    reviewed = '[instruments]\nreviewed_by = {"visit-check-in-1.0.0.de" = "Jo Park"}\n'
    found.settings.write_text(written.replace("[instruments]\n", reviewed) + GERMAN, "utf-8")
    with running(found):
        yield found


def by_portal(visitor: Visitor) -> Page:
    """Sign in at the EHR's portal, and say how things are in general: that is asked at any time."""
    page = visitor.context.new_page()
    enter_portal(page, visitor.site, PATIENT)
    page.locator("a[href*='/start/'], a[href*='launch']").first.click()
    page.locator("button[value=allow]").click()
    visitor.look(page)
    page.locator("button[name=encounter][value=none]").click()
    return page


def by_link(visitor: Visitor) -> Page:
    """Open a link and type the birth date."""
    clinic = Clinic(visitor.site)
    clinician, chart = clinic.clinician()
    links = clinician.open(chart.url.replace("/chart", "/links"))
    made = clinician.submit(links, links.form("/links"), form="core")
    born = chart.text.partition("<span>born ")[2].partition("<")[0]
    page = visitor.context.new_page()
    page.goto(made.text.partition('class="copy" readonly value="')[2].partition('"')[0])
    visitor.look(page)
    for name, value in zip(("day", "month", "year"), date_of(f"born {born}"), strict=True):
        page.locator(f"input[name={name}]").fill(value)
    page.locator("main button.main").click()
    return page


def by_tablet(visitor: Visitor) -> Page:
    """Choose a language at a clinic's tablet, which starts in the site's own, type a code, and say who one is."""
    told = CliRunner().invoke(main, ["tablets", "add", "t", "--by", "Jo", "--settings", str(visitor.site.settings)])
    page = visitor.context.new_page()
    page.goto(f"{visitor.site.app_url}/kiosk")
    page.locator("#code").fill(told.output.partition(" type ")[2].split()[0])
    page.locator("main button.main").click()
    expect(page.locator("form[action='/kiosk']")).to_be_visible()
    if visitor.language != "en":
        page.locator(f"nav.languages a[lang={visitor.language}]").click()
    visitor.look(page)
    clinic = Clinic(visitor.site)
    page.locator("#code").fill(clinic.code(*clinic.clinician())[1])
    page.locator("form[action='/kiosk'] button.main").click()
    return _is_me(visitor, page)


def by_handover(visitor: Visitor) -> Page:
    """Open the one-time link in the waiting room, and say who one is."""
    clinic = Clinic(visitor.site)
    page = visitor.context.new_page()
    page.goto(clinic.code(*clinic.clinician())[0])
    visitor.look(page)
    page.locator("main button.main").click()
    return _is_me(visitor, page)


def as_therapist(visitor: Visitor) -> Page:
    """Open the view in a window of its own, and rate the visit as the patient would."""
    page = visitor.context.new_page()
    page.goto(visitor.site.ehr_url)
    page.get_by_role("button", name="Dr. Ada Okafor").click()
    page.goto(f"{visitor.site.ehr_url}/patients/maria-lopez/apps")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open FHIR Alliance in a new window").click()
    chart = opened.value
    expect(chart.locator("p.lead")).to_be_visible()
    visitor.look(chart)
    chart.locator(".tools a[href$='/form']").click()
    return chart


def _is_me(visitor: Visitor, page: Page) -> Page:
    expect(page.locator("form[action$='/confirm']")).to_be_visible()
    visitor.look(page)
    page.locator("form[action$='/confirm'] button").click()
    return page


PATHS: Final[Mapping[str, Callable[[Visitor], Page]]] = {
    "portal": by_portal,
    "link": by_link,
    "tablet": by_tablet,
    "handover": by_handover,
    "therapist": as_therapist,
}


@pytest.mark.parametrize("language", THANKS)
@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("path", PATHS)
def test_a_form_is_sent(site: Site, new_context: NewContext, path: str, size: Any, script: bool, language: str) -> None:
    """Each page says its language and holds to it, up to the thanks; axe finds nothing, and nothing runs out."""

    def look(page: Page) -> None:
        expect(page.locator("html")).to_have_attribute("lang", language)
        box = page.locator("body").bounding_box()
        assert box
        assert box["width"] <= size["width"]
        assert language == "en" or english_left(page.content(), language) == []
        assert not script or violations(page) == []

    context, _ = new_context(viewport=size, java_script_enabled=script, locale=language)

    page = PATHS[path](Visitor(site, context, language, look))

    expect(page.locator("#item-1")).to_be_visible()
    look(page)
    for link_id in CORE:
        page.locator(f"#item-{link_id} input[value='7']").check(force=True)
    page.locator("main button[value=review]").click()
    expect(page.locator("ol.answers")).to_be_visible()
    look(page)
    page.locator("main form[data-once] button.main").click()
    expect(page.locator("h1")).to_contain_text(THANKS[language])
    look(page)
