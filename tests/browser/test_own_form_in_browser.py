"""A site's own form in a browser: every kind of question, asked when its condition holds, from handover to chart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from tests.ports import own_port

from .axe import violations
from .conftest import NewContext
from .people import choose, launch, open_patient, open_results, question, send, sign_in, wait_until_in_chart

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "session-feedback.json"
FREE_TEXT = '[free_text]\nreader = "Dr. Okafor"\nwithin = "two working days"\n'


@pytest.fixture(scope="module")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site that asks its own form on request; it has a free text as well."""
    folder = tmp_path_factory.mktemp("own-site")
    found = write_site(folder, ehr_port=own_port(), app_port=own_port())
    form = json.loads(EXAMPLE.read_text("utf-8"))
    form["item"][2]["item"].append({"linkId": "more", "text": "Anything else?", "type": "text", "maxLength": 200})
    (folder / "forms").mkdir()
    (folder / "forms" / "session-feedback.json").write_text(json.dumps(form), "utf-8")
    text = found.settings.read_text("utf-8").replace('["gad-7", "phq-4"]', '["session-feedback"]')
    found.settings.write_text(f'questionnaire_folder = "forms"\n{text}{FREE_TEXT}', "utf-8")
    with running(found):
        yield found


@pytest.mark.parametrize("width", [390, 1280])
def test_from_handover_to_chart(own_site: Site, new_context: NewContext, width: int) -> None:
    """By clicking and typing: questions appear when their condition holds, and scores stand in the EHR's results."""
    clinician = new_context(viewport={"width": 1280, "height": 900})[0].new_page()
    sign_in(clinician, own_site)
    open_patient(clinician, own_site, "Maria Lopez" if width == 390 else "Thomas Reyes")
    app = launch(clinician)
    others = app.locator("details", has=app.locator("button[value='session-feedback/all']"))
    if others.count():
        others.locator("summary").click()
    app.locator("button[value='session-feedback/all']").click()
    link = str(app.get_by_role("link", name="Open in a new window").get_attribute("href"))
    patient = new_context(viewport={"width": width, "height": 844})[0].new_page()
    _begin(patient, link)

    _answer(patient)
    assert violations(patient) == []
    send(patient)
    wait_until_in_chart(patient)

    today = open_results(clinician)
    expect(today.locator("tr.depth-1", has_text="Session feedback, overall").first).to_contain_text("73")


def _begin(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.get_by_role("heading", name="Session feedback")).to_be_visible()
    expect(
        page.get_by_text("What you write is read by Dr. Okafor within two working days, not at once.")
    ).to_be_visible()


def _answer(page: Page) -> None:
    for link_id, label in {"heard": "Fully", "direction": "Mostly", "method": "Partly"}.items():
        choose(page, link_id, label)
    question(page, "hope").get_by_role("slider").fill("7")
    choose(page, "helped", "Making a plan")
    question(page, "practice").locator("input[type=text]").fill("2,5")
    question(page, "more").locator("textarea").fill("The room was cold.")
    expect(question(page, "about")).to_be_hidden()
    choose(page, "interrupted", "Yes")
    expect(question(page, "about")).to_be_visible()
    thanks = page.get_by_text("You can ask for five minutes about this")
    expect(thanks).to_be_hidden()
    choose(page, "about", "Something between us")
    expect(thanks).to_be_visible()
