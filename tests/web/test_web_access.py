"""Who may see what: every page of a launch, for every role, and for everybody it does not belong to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from .house import AOIFE, CORE, MARIA, THOMAS, House, Person, code_of, handle_of


class Route(NamedTuple):
    """One page of a launch."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody with a live launch of their own and a receipt in it."""

    person: Person
    handle: str
    key: str


EVERYBODY = {
    Route("GET", ""), Route("GET", "form"), Route("POST", "form"), Route("GET", "review"), Route("POST", "send"),
    Route("GET", "receipt/<key>"), Route("GET", "receipt/<key>/state"), Route("POST", "form/keep"),
}  # fmt: skip
CHANGE = {
    Route(method, f"receipt/<key>/{path}")
    for method, path in (
        ("GET", "change"), ("POST", "change"), ("GET", "change/review"), ("POST", "change/send"),
        ("GET", "take-back"), ("POST", "take-back"),
    )
}  # fmt: skip
WITHDRAW = {Route("GET", "sent/<key>/withdraw"), Route("POST", "sent/<key>/withdraw")}
ALERT = Route("POST", "alerts/<int:alert>")
AGAIN = Route("POST", "reasons/<key>/again")
TALK = {Route("POST", "reasons/<key>"), AGAIN, Route("POST", "agreed"), Route("POST", "agreed/<key>")}
WHO = {Route("GET", "confirm"), Route("POST", "confirm"), Route("POST", "not-me")}
MAY = {
    "clinician": EVERYBODY
    | {
        Route("GET", "chart"),
        Route("GET", "chart.pdf"),
        Route("GET", "filing"),
        Route("GET", "filing.pdf"),
        Route("POST", "filing"),
        Route("GET", "together"),
        Route("GET", "others"),
        Route("GET", "delivery"),
        Route("GET", "mine"),
        Route("GET", "handover"),
        Route("POST", "handover"),
        ALERT,
    }
    | TALK
    | {
        Route("GET", "asking"),
        Route("POST", "asking"),
        Route("POST", "asking/again"),
        Route("GET", "links"),
        Route("POST", "links"),
        Route("POST", "links/<link>/revoke"),
    }
    | WITHDRAW,
    "patient": EVERYBODY | WHO | {Route("GET", "visits"), Route("POST", "visit")} | CHANGE,
    "handover": EVERYBODY | WHO | {Route("GET", "visits"), Route("POST", "visit")},
    "link": EVERYBODY | WHO,
}
# What a proxy does not reach is in test_web_proxy.py.
PROXY = {Route("GET", "who"), Route("POST", "here"), Route("POST", "not-here")}


@pytest.fixture(scope="module")
def visitors(house: House) -> dict[str, Visitor]:
    """Open a launch of each role, each with a form sent."""
    clinician, chart = house.clinician(AOIFE)
    form = clinician.open(chart.url.replace("/chart", "/form"))
    home, visits = house.at_home(THOMAS)
    chosen = home.submit(visits, visits.form("/visit"), encounter="none")
    opened = {"clinician": (clinician, form), "patient": (home, chosen), "handover": house.handed(MARIA)}
    opened["link"] = house.linked(MARIA)
    return {role: _sent(*each) for role, each in opened.items()}


def _sent(person: Person, form: object) -> Visitor:
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))
    return Visitor(person=person, handle=handle_of(receipt), key=receipt.url.rpartition("/")[2])


def routes(house: House) -> Iterator[Route]:
    """Yield every page of a launch that the app has."""
    for rule in house.app.url_map.iter_rules():
        if rule.rule.startswith("/l/<handle>/"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield Route(method, rule.rule.removeprefix("/l/<handle>/"))


def ask(house: House, person: Person, route: Route, *, handle: str, key: str) -> tuple[int, str, str]:
    """Return status, error code and page of a request that carries a good token for this browser and handle."""
    data = {"_csrf": house.token_of(person, handle), "action": "review", "encounter": "none", "form": "core"}
    url = house.url(f"/l/{handle}/{route.path.replace('<key>', key).replace('<int:alert>', '1')}")
    reply = person.send(route.method, url, data if route.method == "POST" else None, Origin=house.site.app_url)
    text = re.sub(r'nonce="[^"]+"|· [0-9a-f]{8}|value="[^"]+"', "", reply.text)
    return reply.status_code, (re.findall(r"For support: <code>([a-z.-]+)", reply.text) or [""])[0], text


def test_the_table_of_pages_is_complete(house: House) -> None:
    """Every page of a launch is in the table below by role: a new one must be put there."""
    assert set(routes(house)) == MAY["clinician"] | MAY["patient"] | MAY["handover"] | MAY["link"] | PROXY


@pytest.mark.parametrize("role", ["clinician", "patient", "handover", "link"])
def test_a_role_sees_its_own_pages_only(house: House, visitors: dict[str, Visitor], role: str) -> None:
    """With its own live launch a role reaches its pages; every other page does not exist for it (T48)."""
    mine = visitors[role]
    denied = set(routes(house)) - MAY[role]

    statuses = {each: ask(house, mine.person, each, handle=mine.handle, key=mine.key)[:2] for each in denied}
    reached = {
        each: ask(house, mine.person, each, handle=mine.handle, key=mine.key)[0]
        for each in MAY[role]
        if each.path != "not-me" and each not in (ALERT, AGAIN)
    }

    assert set(statuses.values()) == {(401, "session.none")}
    assert all(status in (200, 303, 400, 409) for status in reached.values()), reached


def test_a_handle_of_somebody_else_is_worth_nothing(house: House, visitors: dict[str, Visitor]) -> None:
    """Each page of each launch, asked for by each other person, is the same 401 page, word for word (T45, T50).

    What was posted has no links to read its page otherwise; apart from these it is one page, too.
    """
    strangers = [("stranger", Person()), *((role, each.person) for role, each in visitors.items())]
    bodies = set()

    for owner, theirs in visitors.items():
        for who, person in strangers:
            for route in MAY[owner] if who != owner else ():
                status, code, body = ask(house, person, route, handle=theirs.handle, key=theirs.key)
                assert (status, code) == (401, "session.none"), (who, owner, route)
                bodies.add((route.method, body))

    assert sorted(method for method, _ in bodies) == ["GET", "POST"]
    assert ("GET", ask(house, Person(), Route("GET", "chart"), handle="a" * 43, key="x")[2]) in bodies


def test_a_receipt_belongs_to_its_launch(house: House, visitors: dict[str, Visitor]) -> None:
    """Another launch's receipt, under one's own handle, is not there, like one that never was."""
    mine, theirs = visitors["clinician"], visitors["handover"]

    answers = [
        ask(house, mine.person, Route("GET", path), handle=mine.handle, key=key)
        for path in ("receipt/<key>", "receipt/<key>/state")
        for key in (theirs.key, "7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10", "x")
    ]

    assert {answer[:2] for answer in answers} == {(404, "submission.unknown")}
    assert len({answer[2] for answer in answers}) == 1


def test_a_page_address_needs_its_session(house: House) -> None:
    """An address copied out of the chart opens nothing in another browser."""
    _, chart = house.clinician()

    page = Person().open(chart.url)

    assert (page.status, code_of(page)) == (401, "session.none")
    assert "Maria" not in page.text
