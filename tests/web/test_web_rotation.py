"""`fhir-alliance keys` beside a running app: nobody who is filling in a form notices."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhir_alliance.resealing import SEALED, count_sealed
from fhir_alliance.tables import drafts, launches, pending_launches, submissions
from smart_app.cli import main

from .house import CORE, House, Person

MakeHouse = Callable[..., House]


def keys(house: House, *arguments: str) -> Result:
    """Run a command on the keys of a site."""
    return CliRunner().invoke(main, ["keys", *arguments, "--settings", str(house.site.settings)])


def test_rotation_under_open_pages(own: House) -> None:
    """A launch, a draft and a page that were opened before the rotation go on as if nothing had been."""
    house = own
    clinician, chart = house.clinician()
    patient, form = house.handed()
    review = patient.submit(form, form.form("/form"), **CORE, action="review")
    Person().open(house.url("/start/harbor"))
    before = keys(house, "list")

    rotated = keys(house, "rotate", "--by", "Jo Park")
    thanks = patient.submit(review, review.form("/send"))
    again = clinician.open(chart.url)
    tried = house.deliver()
    after = keys(house, "list")

    assert (rotated.exit_code, before.stdout.count("seals")) == (0, 1)
    assert (thanks.status, again.status, tried) == (200, 200, 1)
    (row,) = house.rows(submissions)
    assert (row["state"], row["key"]) == ("delivered", thanks.url.rpartition("/")[2])
    assert "k1              0 values  opens\n" in after.stdout
    assert set(count_sealed(house.services.engine)) == {"k2"}


def test_draft_and_permission_open_after_the_rotation(own: House) -> None:
    """Every kind of sealed value was there, is sealed again, and still opens."""
    house = own
    patient, form = house.handed()
    patient.submit(form, form.form("/form"), **CORE, action="review")
    before = patient.open(form.url)
    filled = {each.table.name for each in SEALED if house.rows(each.table)}

    keys(house, "rotate", "--by", "Jo Park")
    reopened = patient.open(form.url)

    assert {drafts.name, launches.name, pending_launches.name, "grants"} <= filled
    chosen = [page.text.count("checked") for page in (form, before, reopened)]
    assert chosen[1] == chosen[2] == chosen[0] + len(CORE)


def test_commands_say_what_is_wrong(own: House) -> None:
    """A value that does not open, a key that is needed, and a key file that is none end the commands with a reason."""
    house = own
    house.handed()
    path: Path = house.site.settings.parent / "vault.json"

    added = keys(house, "add")
    needed = keys(house, "retire", "k1", "--by", "Jo Park")
    with house.services.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE launches SET context = x'6b313a00'")
        connection.commit()
    spoilt = keys(house, "rotate", "--by", "Jo Park")
    unknown = keys(house, "retire", "k7", "--by", "Jo Park")
    path.write_text("{}")
    none = keys(house, "list")

    assert (added.exit_code, needed.exit_code, spoilt.exit_code, none.exit_code) == (0, 1, 1, 1)
    assert "k2 was added" in added.stdout
    assert "are sealed with k1" in needed.stderr
    assert "vault.json has no key k7. Nothing was changed; `keys list` shows which keys there are." in unknown.stderr
    assert "could not be used" not in unknown.stderr
    assert "does not open, and was left as it is" in spoilt.stderr
    assert "is no readable key file" in none.stderr


@pytest.mark.parametrize("database", ["mysql://x", "sqlite:////nowhere/at/all.db"])
def test_database_that_is_none(own: House, database: str) -> None:
    """Without its database nothing is changed, and the reason is told."""
    text = own.site.settings.read_text()
    line = next(each for each in text.splitlines() if each.startswith("database = "))
    own.site.settings.write_text(text.replace(line, f'database = "{database}"'))

    assert keys(own, "rotate", "--by", "Jo Park").exit_code == 1
