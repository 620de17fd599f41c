"""A clinic's tablet takes codes, and shows nobody before, between and after them (T50, F38)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fhir_alliance.tables import drafts, launches, submissions, tablets
from smart_app.cli import main
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import CORE, SESSION, THOMAS, House, Person, code_of, handle_of
from .test_web_form import chosen
from .test_web_home import keep

TABLET = "__Host-ta_tab"


@pytest.fixture
def waiting(own: House) -> House:
    """Open a house of one test's own, whose site has tablets."""
    return own


def without_tablets(site: Site) -> None:
    """Turn a site's tablets off."""
    settings = site.settings.read_text("utf-8")
    site.settings.write_text(settings.replace("[tablets]\nenabled = true", "[tablets]\nenabled = false"), "utf-8")


def invite(house: House, name: str = "waiting room") -> str:
    """Make the code of a new tablet, as an administrator does."""
    settings = str(house.site.settings)
    done = CliRunner().invoke(main, ["tablets", "add", name, "--by", "Jo Park", "--settings", settings])
    assert done.exit_code == 0, done.output
    return done.output.partition(" type ")[2].partition(" ")[0]


def tablet(house: House) -> tuple[Person, Page]:
    """Return a registered tablet at its start."""
    device = Person()
    door = device.open(house.url("/kiosk"))
    return device, device.submit(door, door.form("/kiosk/register"), code=invite(house))


def type_code(device: Person, start: Page, code: str) -> Page:
    """Type a patient's code on a tablet."""
    return device.submit(start, start.form("/kiosk"), code=code)


def yes(device: Person, confirm: Page) -> Page:
    """Say "this is me"; returns the form."""
    return device.submit(confirm, confirm.form("/confirm"))


def test_without_the_switch_there_is_no_kiosk(make_house: MakeHouse) -> None:
    """A site that does not enable tablets has no page for them."""
    house = make_house(change=without_tablets)

    assert Person().open(house.url("/kiosk")).status == 404


def test_a_tablet_is_registered_once(waiting: House) -> None:
    """An administrator's code works once and for 15 minutes; a device without one takes no patient's code."""
    code, late, device, other = invite(waiting), invite(waiting, "late"), Person(), Person()
    _, short = waiting.code(*waiting.clinician())
    door = device.open(waiting.url("/kiosk"))

    start = device.submit(door, door.form("/kiosk/register"), code=code.lower())
    again = other.submit(door, door.form("/kiosk/register"), code=code)
    token = {"_csrf": waiting.token_of(other), "code": short}
    stranger = other.send("POST", waiting.url("/kiosk"), token, Origin=waiting.site.app_url)
    waiting.ahead = timedelta(minutes=16)
    too_late = other.submit(door, door.form("/kiosk/register"), code=late)

    assert "Do you have a code?" in start.text
    assert device.cookie(TABLET) not in repr(waiting.rows(tablets))
    assert [page.status for page in (again, too_late)] == [404, 404]
    assert stranger.status_code == 404


def test_the_cookie_of_a_tablet_opens_nothing(waiting: House) -> None:
    """With it alone no launch, no list and no administrator's page can be reached."""
    clinician, chart = waiting.clinician()
    device, start = tablet(waiting)
    paths = (f"/l/{handle_of(chart)}/chart", "/admin/", f"/l/{handle_of(chart)}/form")

    statuses = [device.open(waiting.url(path)).status for path in paths]

    assert statuses == [401, 401, 401]
    assert not any(name in start.text for name in ("Maria", "Thomas", "Okafor"))
    assert clinician.open(chart.url).status == 200


def test_after_a_form_the_tablet_waits_and_shows_nobody(waiting: House) -> None:
    """From the code to the receipt and back to the start: nothing of the patient can be gone back to (T50)."""
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())
    confirm = type_code(device, start, short)
    form = yes(device, confirm)
    review = device.submit(form, form.form("/form"), **CORE, action="review")
    receipt = device.submit(review, review.form("/send"))
    named = device.open(confirm.url)

    reply = device.send("GET", waiting.url("/kiosk"))
    back = device.land(reply)
    left = [device.open(page.url).status for page in (confirm, form, review, receipt)]

    assert "In one minute this tablet goes back to the start." in receipt.text
    assert named.url == receipt.url
    assert "Maria" not in named.text
    assert "Do you have a code?" in back.text
    assert device.cookie(SESSION) is None
    assert device.cookie(TABLET)
    assert left == [401] * 4
    assert type_code(device, back, short).status == 404
    assert len(waiting.rows(submissions)) == 1


def test_left_alone_the_answers_are_kept_for_the_same_code_here(waiting: House) -> None:
    """Gone back by itself, the tablet goes on with the same code, after asking who is there.

    No other device does, nor one that has got a copy of the cookie from before (T36).
    """
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())
    form = yes(device, type_code(device, start, short))
    copy = Person()
    copy.take_cookie(device, SESSION)
    device.submit(form, form.form("/form"), **CORE, action="review")
    back = device.open(waiting.url("/kiosk"))
    other, other_start = tablet(waiting)

    elsewhere = [type_code(other, other_start, short).status, entered(waiting, Person(), short).status]
    copied = copy.open(form.url).status
    confirm = type_code(device, back, short)
    again = yes(device, confirm)

    assert (elsewhere, copied) == ([404, 404], 401)
    assert "Is this you?" in confirm.text
    assert again.text.count(" checked") == len(CORE)


def test_ten_idle_minutes_clear_the_tablet_and_lose_no_answer(waiting: House) -> None:
    """The server shows nobody then (T42), keeps what the open page still sends, and the same code leads back to it."""
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())
    form = yes(device, type_code(device, start, short))
    keep(device, form, **{"1": "3"})

    waiting.ahead = timedelta(minutes=10, seconds=1)
    cleared = device.open(form.url)
    script = keep(device, form, **{"1": "3", "2": "5"})
    late = device.submit(form, form.form("/form"), **{"1": "3", "2": "5", "3": "7"}, action="review")
    waiting.ahead = timedelta(minutes=29)
    again = yes(device, type_code(device, device.open(waiting.url("/kiosk")), short))

    assert [page.status for page in (cleared, late)] == [401, 401]
    assert (script.status_code, script.json()) == (401, {"again": "/kiosk"})
    assert not any("Maria" in page.text for page in (cleared, late))
    assert "Type your code here again to go on where you were." in late.text
    assert late.link("/kiosk")
    assert chosen(again) == {"1": "3", "2": "5", "3": "7"}


def entered(house: House, person: Person, code: str) -> Page:
    """Type a code at the page for everybody."""
    enter = person.open(house.url("/handover/"))
    return person.submit(enter, enter.forms[0], code=code)


@pytest.mark.parametrize("way", ["/not-me", "decline"])
def test_not_me_and_not_today_end_it_for_good(waiting: House, way: str) -> None:
    """After "not you?" or "not today" the code is dead, nobody is shown, and the tablet stays one (F38)."""
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())
    form = yes(device, type_code(device, start, short))

    fields: dict[str, Any] = {"action": "decline"} if way == "decline" else {}
    reply = device.post(form, form.form("/form" if way == "decline" else way), **fields)
    back = device.open(waiting.url("/kiosk"))

    assert "Maria" not in reply.text
    assert "In one minute this tablet goes back to the start." in reply.text
    assert reply.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert type_code(device, back, short).status == 404
    assert waiting.rows(submissions) == []


def test_not_today_on_a_tablet_forgets_the_answers(waiting: House) -> None:
    """Nobody could go on with them there, so they are gone at once; the form itself can be handed over again."""
    device, start = tablet(waiting)
    clinician, chart = waiting.clinician()
    _, short = waiting.code(clinician, chart)
    form = yes(device, type_code(device, start, short))
    keep(device, form, **CORE)
    before = len(waiting.rows(drafts))

    device.post(form, form.form("/form"), action="decline")

    assert (before, waiting.rows(drafts)) == (1, [])
    _, again = waiting.code(*waiting.clinician())
    asked = yes(device, type_code(device, device.open(waiting.url("/kiosk")), again))
    assert chosen(asked) == {}


def test_a_form_left_for_too_long_is_closed(waiting: House) -> None:
    """After half an hour the code opens nothing any more, on this tablet either."""
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())
    type_code(device, start, short)

    waiting.ahead = timedelta(minutes=31)
    page = type_code(device, device.open(waiting.url("/kiosk")), short)

    assert (page.status, "This code" in page.text or "The code" in page.text) == (404, True)


def test_guessing_on_a_tablet_is_slowed_down(waiting: House) -> None:
    """After twenty codes in a minute nothing more is looked up, not even the right one."""
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())

    wrong = [type_code(device, start, "AAA-AAA").status for _ in range(20)]
    late = type_code(device, start, short)

    assert wrong == [404] * 20
    assert (late.status, code_of(late)) == (429, "request.too-many")


def test_two_patients_one_after_another(waiting: House) -> None:
    """The next patient's form holds nothing of the one before, whose launch cannot be reached from the tablet."""
    device, start = tablet(waiting)
    _, first = waiting.code(*waiting.clinician())
    _, second = waiting.code(*waiting.clinician(THOMAS))
    form = yes(device, type_code(device, start, first))
    device.submit(form, form.form("/form"), **CORE, action="review")

    other = yes(device, type_code(device, device.open(waiting.url("/kiosk")), second))

    assert " checked" not in other.text
    assert "Maria" not in other.text
    assert device.open(form.url).status == 401
    assert len(waiting.rows(drafts)) == 2


def test_a_removed_tablet_takes_no_code(waiting: House, tmp_path: Path) -> None:
    """What an administrator takes out is a stranger at once; the list shows who is left."""
    device, start = tablet(waiting)
    _, short = waiting.code(*waiting.clinician())
    settings = ["--settings", str(waiting.site.settings)]

    shown = CliRunner().invoke(main, ["tablets", "list", *settings]).output
    removed = CliRunner().invoke(main, ["tablets", "remove", "waiting room", "--by", "Jo Park", *settings])
    page = type_code(device, start, short)

    assert "waiting room" in shown
    assert removed.exit_code == 0
    assert (page.status, code_of(page)) == (404, "tablet.invalid")
    assert all(row["role"] == "clinician" for row in waiting.rows(launches))
