"""What figures of completion are made of: how each form came, on what it was answered, and where; nothing of whom."""

import csv
import json

import pytest
from click.testing import CliRunner

from fhir_alliance.tables import assignments, submissions
from smart_app.cli import main

from .house import MARIA, House, Person
from .test_web_home import begun
from .test_web_links import fill_in

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
PAD = "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
DESK = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"


@pytest.mark.parametrize(
    ("way", "browser", "expected"),
    [
        ("handed", PHONE, ("hand-over", "phone", "en")),
        ("linked", PAD, ("link", "tablet", "en")),
        ("home", DESK, ("portal", "computer", "en")),
    ],
)
def test_how_a_form_came(own: House, way: str, browser: str, expected: tuple[str, str, str]) -> None:
    """The way and the kind of device are kept with the answers; what the browser calls itself is not."""
    person, form = {"handed": own.handed, "linked": own.linked, "home": lambda: begun(own)}[way]()
    person.session.headers["User-Agent"] = browser
    fill_in(person, form)

    (row,) = own.rows(submissions)
    assert (row["mode"], row["device"], row["language"]) == expected
    assert browser not in repr(own.contents())


def test_the_clinic_of_a_visit_is_noted(own: House) -> None:
    """Each form has the organisation of its visit."""
    own.clinician(MARIA)

    assert {row["clinic"] for row in own.rows(assignments)} == {"Organization/harbor"}


def test_the_command_names_nobody(own: House) -> None:
    """Table, CSV and JSON have the same weeks, and neither a name nor an id of a patient."""
    person, form = own.handed(MARIA)
    fill_in(person, form)

    def run(*options: str) -> str:
        done = CliRunner().invoke(main, ["visits", "figures", "--settings", str(own.site.settings), *options])
        assert done.exit_code == 0, done.output
        return done.output

    table, lines, values = run(), list(csv.DictReader(run("--csv").splitlines())), json.loads(run("--json"))
    assert "Organization/harbor" in table
    assert "* not shown" in table
    assert {each["clinic"] for each in lines} == {each["clinic"] for each in values} == {"Organization/harbor"}
    assert "maria" not in f"{table}{lines}{values}".lower()
    assert run("--from", "2020-01-01", "--to", "2020-01-05") == "No form was due.\n"


def test_the_administrators_page(own: House) -> None:
    """It is one link away from the delivery page, names nobody, and is for who has signed in there."""
    fill_in(*own.handed(MARIA))
    person, home = own.admin()
    page = person.open(home.link("/admin/figures"))

    assert page.status == 200
    assert "harbor" in page.text
    assert "* not shown" in page.text
    assert "maria" not in page.text.lower()
    assert Person().open(page.url).status == 401


def test_an_ehr_that_is_not_there(own: House) -> None:
    """The command says which there are."""
    done = CliRunner().invoke(main, ["visits", "figures", "--settings", str(own.site.settings), "--ehr", "no"])

    assert (done.exit_code, done.output) == (1, "There is no EHR no: use harbor.\n")
