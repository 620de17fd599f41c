"""Unsafe requests come from our own pages only, and reading changes nothing."""

from collections.abc import Iterator

import pytest

from fhir_alliance.tables import drafts

from .house import CORE, THOMAS, House, Person, code_of, handle_of
from .test_web_proxy import proxy

FOREIGN = {
    "no header at all": {},
    "another origin": {"Origin": "http://evil.example.invalid"},
    "the EHR's origin": {"Origin": "http://127.0.0.1:8080"},
    "an opaque origin": {"Origin": "null"},
    "a longer origin": {"Origin": "{app}.example.invalid"},
    "a referer only": {"Referer": "{app}/"},
    "another site": {"Sec_Fetch_Site": "cross-site", "Origin": "{app}"},
    "a sibling site": {"Sec_Fetch_Site": "same-site", "Origin": "{app}"},
    "typed by hand": {"Sec_Fetch_Site": "none", "Origin": "{app}"},
}


class Door:
    """One route that posts, with a browser that may use it and the fields of an honest request."""

    def __init__(self, house: House, person: Person, path: str, handle: str = "", **fields: str) -> None:
        self.person = person
        self.url = house.url(f"/l/{handle}/{path}" if handle else path)
        self.fields = {**fields, "_csrf": house.token_of(person, handle, admin=path.startswith("/admin/"))}


@pytest.fixture(scope="module")
def doors(house: House) -> dict[str, Door]:
    """Open one live launch per role, and stand before every route that posts."""
    clinician, chart = house.clinician()
    link, short = house.code(clinician, chart)
    lasting = house.link(clinician, chart)
    confirming = Person()
    start = confirming.open(house.code(*house.clinician())[0])
    confirm = handle_of(confirming.submit(start, start.forms[0]))
    filling, form = house.handed()
    hidden = form.form("/form").hidden
    home, visits = house.at_home()
    relative, who = proxy(house)
    leaving, asked = proxy(house)
    stranger = Person()
    admin, entering = house.admin()[0], house.admin_link()
    return {
        "/l/<handle>/handover": Door(house, clinician, "handover", handle_of(chart), form="core"),
        "/l/<handle>/filing": Door(house, clinician, "filing", handle_of(chart), digest="none"),
        "/l/<handle>/alerts/<int:alert>": Door(house, clinician, "alerts/1", handle_of(chart)),
        "/l/<handle>/asking": Door(house, clinician, "asking", handle_of(chart), asked="planned"),
        "/l/<handle>/asking/again": Door(house, clinician, "asking/again", handle_of(chart)),
        "/l/<handle>/reasons/<key>": Door(house, clinician, "reasons/none", handle_of(chart), answer="not now"),
        "/l/<handle>/reasons/<key>/again": Door(house, clinician, "reasons/none/again", handle_of(chart)),
        "/l/<handle>/agreed": Door(house, clinician, "agreed", handle_of(chart), choice="pace"),
        "/l/<handle>/agreed/<key>": Door(house, clinician, "agreed/none", handle_of(chart), outcome="helped"),
        "/l/<handle>/confirm": Door(house, confirming, "confirm", confirm),
        "/l/<handle>/not-me": Door(house, confirming, "not-me", confirm),
        "/l/<handle>/form": Door(house, filling, "form", handle_of(form), **hidden, **CORE, action="review"),
        "/l/<handle>/form/keep": Door(house, filling, "form/keep", handle_of(form), **hidden, **CORE),
        "/l/<handle>/send": Door(house, filling, "send", handle_of(form), **hidden, declined="yes"),
        "/l/<handle>/visit": Door(house, home, "visit", handle_of(visits), encounter="none"),
        **corrections(house),
        "/l/<handle>/here": Door(house, relative, "here", handle_of(who)),
        "/l/<handle>/not-here": Door(house, leaving, "not-here", handle_of(asked)),
        "/admin/enter/<link>": Door(house, Person(), entering.removeprefix(house.site.app_url)),
        "/admin/leave": Door(house, admin, "/admin/leave"),
        "/admin/retry": Door(house, admin, "/admin/retry", code="invalid", ehr="harbor"),
        "/admin/forms/<key>/retry": Door(house, admin, "/admin/forms/none/retry"),
        "/admin/forms/<key>/release": Door(house, admin, "/admin/forms/none/release", said="mended"),
        "/l/<handle>/links": Door(house, clinician, "links", handle_of(chart), form="core"),
        "/l/<handle>/links/<link>/revoke": Door(house, clinician, "links/none/revoke", handle_of(chart)),
        "/link/<link>": Door(house, stranger, lasting.removeprefix(house.site.app_url), **house.born()),
        "/kiosk": Door(house, stranger, "/kiosk", code=short),
        "/kiosk/register": Door(house, stranger, "/kiosk/register", code="AAA-AAA-AAAA"),
        "/handover/": Door(house, stranger, "/handover/", code=short),
        "/handover/<link>": Door(house, stranger, link.removeprefix(house.site.app_url)),
    }


def corrections(house: House) -> dict[str, Door]:
    """Stand before what changes or takes back a form that was sent: a patient at home, and a clinician."""
    home, visits = house.at_home(THOMAS)
    form = home.submit(visits, visits.form("/visit"), encounter="none")
    review = home.submit(form, form.form("/form"), **CORE, action="review")
    receipt = home.submit(review, review.form("/send"))
    key, handle = receipt.url.rpartition("/")[2], handle_of(receipt)
    change = home.open(receipt.link("/change"))
    hidden = change.form("/change").hidden
    clinician, chart = house.clinician(THOMAS)
    own = f"receipt/{key}"
    return {
        "/l/<handle>/receipt/<key>/change": Door(
            house, home, f"{own}/change", handle, **hidden, **CORE, action="review"
        ),
        "/l/<handle>/receipt/<key>/change/send": Door(house, home, f"{own}/change/send", handle, **hidden),
        "/l/<handle>/receipt/<key>/take-back": Door(house, home, f"{own}/take-back", handle, cause="mistake"),
        "/l/<handle>/sent/<key>/withdraw": Door(
            house, clinician, f"sent/{key}/withdraw", handle_of(chart), cause="mistake"
        ),
    }


def posting(house: House) -> set[str]:
    """Return every route of the app that takes more than reading."""
    safe = {"GET", "HEAD", "OPTIONS"}
    return {rule.rule for rule in house.app.url_map.iter_rules() if (rule.methods or set()) - safe}


def test_the_table_of_doors_is_complete(house: House, doors: dict[str, Door]) -> None:
    """Every route that posts is tried here: a new one must be put into the table.

    Left aside are those for programs, which read no cookie: a browser can do nothing there in a person's name.
    """
    programs = {
        "/fhir/auth/token",
        "/cds-services/<service>",
        "/cds-services/<service>/feedback",
        "/ehr-notify/<ehr>",
    }
    assert posting(house) == {*doors, *programs}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_request_from_elsewhere_is_stopped(house: House, doors: dict[str, Door], case: str) -> None:
    """However good its cookie and token, a request that is not from our own page changes nothing (T38)."""
    headers = {name: value.format(app=house.site.app_url) for name, value in FOREIGN[case].items()}
    before = house.contents("audit")

    for rule, door in doors.items():
        page = door.person.land(door.person.send("POST", door.url, door.fields, **headers))
        assert (page.status, code_of(page)) == (403, "request.foreign"), rule

    assert house.contents("audit") == before


def wrong_tokens(house: House, door: Door, doors: dict[str, Door]) -> Iterator[str]:
    """Yield tokens that are not this route's: none, forged, altered, another handle's, another session's."""
    yield from ("", "x", door.fields["_csrf"] + "x", door.fields["_csrf"][:-3])
    yield house.token_of(door.person, "another")
    yield house.token_of(Person(), "another")
    yield from (other.fields["_csrf"] for other in doors.values() if other.person is not door.person)


def test_a_token_of_another_page_is_stopped(house: House, doors: dict[str, Door]) -> None:
    """Right origin, wrong token: nothing changes; each token fits one session and one launch."""
    before = house.contents("audit")

    for rule, door in doors.items():
        for token in wrong_tokens(house, door, doors):
            fields = {**door.fields, "_csrf": token}
            page = door.person.land(door.person.send("POST", door.url, fields, Origin=house.site.app_url))
            assert (page.status, code_of(page)) == (403, "request.foreign"), rule

    assert house.contents("audit") == before


@pytest.mark.parametrize("headers", [{"Origin": "{app}"}, {"Sec_Fetch_Site": "same-origin"}])
def test_our_own_pages_get_through(house: House, headers: dict[str, str]) -> None:
    """The same kind of request from our own page is answered, by fetch metadata or by its exact origin."""
    named = {name: value.format(app=house.site.app_url) for name, value in headers.items()}
    person, form = house.handed()
    honest = Door(house, person, "form", handle_of(form), **form.form("/form").hidden, **CORE, action="review")

    reply = person.send("POST", honest.url, honest.fields, **named)

    assert reply.status_code == 303
    assert reply.headers["Location"].endswith("/review")


def reading(house: House, doors: dict[str, Door]) -> Iterator[tuple[Person, str]]:
    """Yield every page that is read, for everybody who has a launch open."""
    for door in {id(each.person): each for each in doors.values()}.values():
        handle = door.url.split("/l/")[1].split("/")[0] if "/l/" in door.url else "none"
        for rule in house.app.url_map.iter_rules():
            path = rule.rule.replace("<handle>", handle).replace("<name>", "harbor")
            path = path.replace("<path:filename>", "app.js").replace("<key>", "x").replace("<int:alert>", "1")
            path = path.replace("<link>", doors["/handover/<link>"].url.rpartition("/")[2])
            yield door.person, house.url(path)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_changes_nothing(house: House, doors: dict[str, Door], method: str) -> None:
    """Every page read by everybody, even with a method override, leaves all that is kept as it was (T39).

    Left aside are the audit trail, launches that wait, and the blank draft that opening a form begins.
    """
    before = house.contents("audit", "pending_launches", "drafts")
    filled = [row for row in house.rows(drafts) if row["version"]]
    asked = len(house.traffic)

    for person, url in reading(house, doors):
        person.send(method, f"{url}?_method=POST", X_HTTP_Method_Override="POST", Origin=house.site.app_url)

    assert house.contents("audit", "pending_launches", "drafts") == before
    assert [row for row in house.rows(drafts) if row["version"]] == filled
    assert {call[0] for call in list(house.traffic)[asked:]} <= {"GET"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_other_method_is_offered(house: House, doors: dict[str, Door], method: str) -> None:
    """Methods that no page uses are refused everywhere, even from our own origin."""
    before = house.contents("audit")

    for door in doors.values():
        page = door.person.land(door.person.send(method, door.url, door.fields, Origin=house.site.app_url))
        assert page.status in (403, 404, 405)

    assert house.contents("audit") == before
