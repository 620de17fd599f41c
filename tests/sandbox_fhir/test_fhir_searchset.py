"""The Bundle a search answers with: links, pages, totals, and what was not understood."""

import re
from urllib.parse import quote, urlsplit

import pytest

from .conftest import Caller, problem
from .samples import ALLIANCE, BASE, observation

pytestmark = pytest.mark.usefixtures("filled")


def test_searchset(ehr: Caller) -> None:
    """The Bundle has a total, a self link of what took effect, and for each match its address and mode."""
    bundle = ehr.get("/Observation?identifier=urn:s|1&color=red&_format=json").json

    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    assert bundle["link"] == [{"relation": "self", "url": f"{BASE}/Observation?identifier=urn:s%7C1"}]
    assert bundle["entry"][0]["fullUrl"] == f"{BASE}/Observation/o1"
    assert bundle["entry"][0]["search"] == {"mode": "match"}


def test_nothing_found(ehr: Caller) -> None:
    """A search without results has no entry, not an empty one."""
    bundle = ehr.get("/Group").json

    assert bundle["total"] == 0
    assert "entry" not in bundle
    assert bundle["link"][0]["url"] == f"{BASE}/Group"


@pytest.mark.parametrize("control", ["_summary=count", "_count=0"])
def test_count_only(ehr: Caller, control: str) -> None:
    """A client that wants the number gets the number."""
    bundle = ehr.get(f"/Observation?{control}").json

    assert bundle["total"] == 6
    assert [link["relation"] for link in bundle["link"]] == ["self"]
    assert "entry" not in bundle


def test_pages_are_stable_while_others_write(ehr: Caller) -> None:
    """Following next links shows each match once, whatever is created or changed in between."""
    seen, url = [], f"{BASE}/Observation?patient=ada&_sort=-_id&_count=2"
    while url:
        parts = urlsplit(url)
        bundle = ehr.get(f"{parts.path.removeprefix('/fhir')}?{parts.query}").json
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        assert bundle["total"] == 5
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        ehr.put("/Observation/o9", observation(id="o9"))
        ehr.put("/Observation/o1", observation(id="o1", subject={"reference": "Patient/bo"}))

    assert seen == ["o5", "o4", "o2", "o1", "o0"]
    assert ehr.ids("/Observation?patient=ada&_sort=_id") == ["o0", "o2", "o4", "o5", "o9"]


def test_page_of_another_database(ehr: Caller) -> None:
    """A next link from before the sandbox was filled anew is 410."""
    assert problem(ehr.get("/Observation?_page=99999.2"))[0] == 410


def test_search_by_post(ehr: Caller) -> None:
    """POST _search takes parameters from the body and the URL."""
    form = f"code={quote(ALLIANCE + '|odd')}&_sort=_id".encode()

    response = ehr.post("/Observation/_search?patient=bo", form, Content_Type="application/x-www-form-urlencoded")

    assert [entry["resource"]["id"] for entry in response.json["entry"]] == ["o3"]


@pytest.mark.parametrize("query", ["color=red", "_summary=text", "patient=ada&_elements=id"])
def test_unknown_parameters(ehr: Caller, query: str) -> None:
    """What is not offered is left out, or refused and named when the client asks for strict handling."""
    lenient = ehr.get(f"/Observation?{query}")
    strict = ehr.get(f"/Observation?{query}", Prefer="handling=strict")

    assert lenient.status_code == 200
    assert query.rsplit("&", maxsplit=1)[-1] not in lenient.json["link"][0]["url"]
    assert problem(strict) == (400, "invalid")
    assert re.findall(r"\w+", query.rsplit("&", maxsplit=1)[-1])[0] in strict.text
