"""How the EHR wants us to look: on every page of a launch, asked without a token, and never in the way of one."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from smart_app.demo.site import Site

from .house import CORE, House, Person, handle_of
from .test_web_context import launched

SANDBOX = "--paper: #f6f4ee;"
STYLE_PATH = "/auth/smart-style.json"


@pytest.fixture
def make_styled(make_house: Callable[..., House]) -> Callable[[str], House]:
    """Open a house whose site says this of styles."""

    def make(line: str) -> House:
        def change(site: Site) -> None:
            text = site.settings.read_text()
            site.settings.write_text(text.replace("allow_private = true\n", f"allow_private = true\n{line}\n", 1))

        return make_house(change=change)

    return make


def asked(house: House) -> list[Any]:
    """Return the requests for the style document."""
    return [call for call in house.traffic if call[1] == STYLE_PATH]


def test_every_page_after_the_launch_looks_as_the_ehr_wants(house: House) -> None:
    """The chart view, a refusal in it, the handed-over form and its thank-you have the EHR's colours and fonts."""
    clinician, chart = house.clinician()
    refused = clinician.open(house.url(f"/l/{handle_of(chart)}/receipt/nothing"))
    person, form = house.handed()
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    thanks = person.submit(review, review.form("/send"))
    home = Person().open(house.url("/"))

    shown = [page.text for page in (chart, refused, form, review, thanks)]
    assert refused.status == 404
    assert all(SANDBOX in text and '--body: "Georgia", serif' in text for text in shown)
    assert SANDBOX not in home.text


def test_a_style_needs_nothing_the_policy_forbids(house: House) -> None:
    """The look stands in the one style element that carries the nonce."""
    person, chart = house.clinician()

    reply = person.send("GET", chart.url)

    nonce = re.search(r"style-src 'self' 'nonce-([\w-]+)';", reply.headers["Content-Security-Policy"])
    assert nonce is not None
    inside = reply.text.partition(f'<style nonce="{nonce[1]}">')[2].partition("</style>")[0]
    assert SANDBOX in inside
    assert "style=" not in reply.text


def test_the_style_is_kept_encrypted_and_asked_for_once(own: House) -> None:
    """Two launches ask once, and nothing of the look stands in the database as it is."""
    own.clinician()
    own.clinician()

    stored = [row["context"] for row in own.contents()["launches"]]
    assert len(asked(own)) == 1
    assert len(stored) == 2
    assert not any(b"f6f4ee" in context for context in stored)


@pytest.mark.parametrize("line", ["style_origins = []", 'style_origins = ["https://styles.example.invalid"]'])
def test_a_site_decides_where_styles_may_come_from(make_styled: Callable[[str], House], line: str) -> None:
    """An EHR that names a style elsewhere opens as always, in our own look, and the style is not asked for."""
    house = make_styled(line)

    _, chart = house.clinician()

    assert chart.status == 200
    assert "Core score by visit" in chart.text
    assert SANDBOX not in chart.text
    assert asked(house) == []


@pytest.mark.parametrize("answer", [b"<html>", b'{"color_text": "#ffffff", "font_family_body": "x;}"}', None])
def test_a_bad_style_never_stops_a_launch(
    own: House, answer: bytes | None, monkeypatch: pytest.MonkeyPatch, quiet_log: list[dict[str, str]]
) -> None:
    """A page instead of a style, hostile values, or a refusal: the launch opens in our own look."""
    views = own.ehr.view_functions
    monkeypatch.setitem(views, "sandbox_auth.smart-style", lambda: (answer, 200) if answer else ("", 500))

    _, chart = launched(own, [])

    noted = [each for each in quiet_log if each["event"] == "style.ignored"]
    assert chart.status == 200
    assert "Core score by visit" in chart.text
    assert "--ink: #ffffff" not in chart.text
    assert "x;}" not in chart.text
    assert len(noted) == (b"{" not in (answer or b""))
