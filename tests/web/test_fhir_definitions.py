"""The public part of our FHIR endpoint: definitions by id and canonical, as published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from fhir.resources.R4B import get_fhir_model_class

from fhir_alliance.conformance.contents import choose, definitions, edition_of, forms_of
from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.settings import read_settings
from fhir_alliance.terms import ALLIANCE, ALLIANCE_PANEL
from smart_app.demo.site import Site
from smart_app.publishing import ready_instruments
from tests.conformance.validating import findings
from tests.packs import wai_sr

from .house import House

MakeHouse = Callable[..., House]
Json = dict[str, Any]
KINDS = ("Questionnaire", "CodeSystem", "ValueSet", "StructureDefinition")
FORM = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core"


def get(house: House, path: str, **headers: str) -> requests.Response:
    """Read from the endpoint, as a program without a browser's session does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(house.url(f"/fhir{path}"), headers=named, allow_redirects=False, timeout=30)


def listed(house: House, path: str) -> list[Json]:
    """Return the resources of a search, over all its pages."""
    found: list[Json] = []
    bundle = get(house, path).json()
    while True:
        found += [entry["resource"] for entry in bundle.get("entry", [])]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            return found
        bundle = requests.get(following[0], timeout=30).json()


def link(bundle: Json, relation: str = "self") -> tuple[str, list[tuple[str, str]]]:
    """Return path and parameters of a link of a bundle."""
    parts = urlsplit(next(each["url"] for each in bundle["link"] if each["relation"] == relation))
    return parts.path, parse_qsl(parts.query)


def refused(reply: requests.Response) -> tuple[int, str, str]:
    """Return status, type and issue code of a refusal."""
    body = reply.json()
    assert body["resourceType"] == "OperationOutcome"
    assert findings(body) == []
    assert reply.headers["Cache-Control"] == "no-store"
    return reply.status_code, reply.headers["Content-Type"], body["issue"][0]["code"]


FHIR_JSON = "application/fhir+json"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def test_what_is_published_is_served(house: House) -> None:
    """The forms are those that publishing sends, of the instruments the site asks and no other."""
    asked = {"visit-check-in", "gad-7", "phq-4"}
    ready = ready_instruments(read_settings(house.site.settings))

    served = listed(house, "/Questionnaire")

    assert served == [form for each in ready if each.name in asked for form in forms_of(each)]
    assert len(served) >= 4


def test_what_is_packed_is_served(house: House) -> None:
    """Profiles, codes and value sets are those of the FHIR package, without the answers of what is not asked."""
    chosen = choose(installed(None), today=house.now().date())
    packed = [each for each in definitions(edition_of(chosen), chosen) if each["resourceType"] in KINDS[1:]]

    for kind in KINDS[1:]:
        served = listed(house, f"/{kind}")
        assert all(each in packed for each in served)
        left_out = [each for each in packed if each["resourceType"] == kind and each not in served]
        assert all(each["id"].endswith("-answers") for each in left_out)


def test_what_is_not_asked_is_not_served(make_house: MakeHouse) -> None:
    """An instrument that a site does not ask has no form and no answers here, though its codes stay explained."""
    house = make_house(change=lambda site: edit(site.settings, '["gad-7", "phq-4"]', '["gad-7"]'))

    assert get(house, "/Questionnaire/gad-7-patient-all-1-0-0").status_code == 200
    assert get(house, "/Questionnaire/phq-4-patient-all-1-0-0").status_code == 404
    assert get(house, "/CodeSystem/phq-4-answers").status_code == 404
    assert "phq-4" in get(house, "/CodeSystem/alliance").text


@pytest.mark.parametrize("kind", KINDS)
def test_everything_served_is_valid(house: House, kind: str) -> None:
    """Each resource passes our validator and is read by another implementation, and is the same by its id."""
    for each in listed(house, f"/{kind}"):
        assert findings(each) == []
        get_fhir_model_class(kind).model_validate(each)
        assert get(house, f"/{kind}/{each['id']}").json() == each


def test_the_statement(house: House) -> None:
    """The endpoint says what it is and instantiates the statement in the package; all it names is there."""
    reply = get(house, "/metadata")

    statement = reply.json()
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, FHIR_JSON)
    assert findings(statement) == []
    get_fhir_model_class("CapabilityStatement").model_validate(statement)
    assert (statement["kind"], statement["implementation"]["url"]) == ("instance", house.url("/fhir"))
    assert statement["instantiates"] == [
        f"https://fhir-alliance.org/fhir/CapabilityStatement/alliance-endpoint|{statement['software']['version']}"
    ]
    for each in statement["rest"][0]["resource"]:
        assert get(house, f"/{each['type']}").status_code in (200, 401)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (f"Questionnaire?url={FORM}", ["visit-check-in-patient-core-1-0-0"]),
        (f"Questionnaire?url={FORM}|1.0.0", ["visit-check-in-patient-core-1-0-0"]),
        (f"Questionnaire?url={FORM}&version=1.0.0", ["visit-check-in-patient-core-1-0-0"]),
        (f"Questionnaire?url={FORM}&version=9.9.9", []),
        (f"Questionnaire?url={FORM}|9.9.9", []),
        (f"Questionnaire?url={FORM.rpartition('-')[0]}", []),
        (f"CodeSystem?url={ALLIANCE}&status=active", ["alliance"]),
        (f"CodeSystem?url={ALLIANCE}&status=http://hl7.org/fhir/publication-status|active", ["alliance"]),
        (f"CodeSystem?url={ALLIANCE}&status=http://example.invalid|active", []),
        (f"CodeSystem?url={ALLIANCE}&status=draft,retired", []),
        (f"StructureDefinition?url={ALLIANCE_PANEL},http://example.invalid", ["alliance-panel"]),
        ("ValueSet?_id=alliance-panels,alliance-methods", ["alliance-panels", "alliance-methods"]),
        ("ValueSet?_id=' OR 1=1 --", []),
    ],
)
def test_searches(house: House, query: str, ids: list[str]) -> None:
    """A canonical is found with and without its version; values by comma are alternatives, parameters all hold."""
    bundle = get(house, f"/{query}").json()

    assert [entry["resource"]["id"] for entry in bundle.get("entry", [])] == ids
    assert (bundle["type"], bundle["total"]) == ("searchset", len(ids))
    assert findings(bundle) == []
    get_fhir_model_class("Bundle").model_validate(bundle)


def test_pages(house: House) -> None:
    """`_count` limits a page, `next` leads to the rest, 0 asks for the number alone."""
    everything = listed(house, "/Questionnaire")

    first = get(house, "/Questionnaire?_count=2").json()
    none = get(house, "/Questionnaire?_count=0").json()

    assert len(first["entry"]) == 2
    assert first["total"] == none["total"] == len(everything)
    assert "entry" not in none
    assert [link["relation"] for link in none["link"]] == ["self"]
    assert listed(house, "/Questionnaire?_count=2") == everything


def test_self_says_what_was_understood(house: House) -> None:
    """What is not known is ignored and left out of the `self` link; a strict reader is told instead."""
    query = f"/Questionnaire?url={FORM}&colour=blue&version="

    lenient = get(house, query)
    strict = get(house, query, Prefer="respond-async, handling=strict")

    assert link(lenient.json()) == ("/fhir/Questionnaire", [("url", FORM), ("_count", "100")])
    assert lenient.json()["total"] == 1
    assert refused(strict) == (400, FHIR_JSON, "invalid")
    assert get(house, f"/Questionnaire?url={FORM}", Prefer="handling=strict").status_code == 200


@pytest.mark.parametrize("query", ["url:below=x", "_count=-1", "_count=many", "_page=x", "_count=1&_page=9999999"])
def test_what_cannot_be_meant_is_refused(house: House, query: str) -> None:
    """A modifier that is not supported, or a number that is none, is never silently ignored."""
    assert refused(get(house, f"/Questionnaire?{query}")) == (400, FHIR_JSON, "invalid")


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/metadata", "application/fhir+json", 200),
        ("/metadata", "application/fhir+json; fhirVersion=4.0", 200),
        ("/metadata", "application/fhir+json; fhirVersion=5.0", 406),
        ("/metadata", "text/html, application/xhtml+xml, */*;q=0.8", 200),
        ("/metadata", "application/fhir+xml", 406),
        ("/metadata", "application/fhir+xml, application/json;q=0", 406),
        ("/metadata", "application/fhir+xml, application/json;q=0.1", 200),
        ("/metadata?_format=json", "application/fhir+xml", 200),
        ("/metadata?_format=application/fhir+json", "*/*", 200),
        ("/metadata?_format=xml", "application/json", 406),
        ("/Questionnaire?_format=text/turtle", "*/*", 406),
    ],
)
def test_formats(house: House, path: str, accept: str, status: int) -> None:
    """JSON of R4 is served to whoever can read it; `_format` goes before Accept; nothing else is pretended."""
    reply = get(house, path, Accept=accept)

    assert reply.status_code == status
    if status == 406:
        assert refused(reply) == (406, FHIR_JSON, "not-supported")


@pytest.mark.parametrize("path", ["/metadata", f"/Questionnaire?url={FORM}", "/CodeSystem/alliance"])
def test_kept_for_an_hour_and_asked_again(house: House, path: str) -> None:
    """Anybody may keep an answer for an hour; who has it already gets 304 without a body; HEAD is GET without one."""
    first = get(house, path)
    again = get(house, path, If_None_Match=first.headers["ETag"])
    other = get(house, path, If_None_Match='W/"other"')
    head = requests.head(house.url(f"/fhir{path}"), timeout=30)

    assert first.headers["ETag"].startswith('W/"')
    assert (again.status_code, again.content) == (304, b"")
    assert (other.status_code, other.content) == (200, first.content)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(first.content))
    for each in (first, again, head):
        assert each.headers["Cache-Control"] == "public, max-age=3600"
        assert each.headers["ETag"] == first.headers["ETag"]
        assert "Set-Cookie" not in each.headers
        assert "Access-Control-Allow-Origin" not in each.headers


@pytest.mark.parametrize(
    "path", ["", "/", "/Questionnaire/none", "/questionnaire", "/Patient", "/CodeSystem/alliance/_history", "/%00"]
)
def test_what_is_not_there(house: House, path: str) -> None:
    """Everything else below /fhir is not found, and said in FHIR."""
    assert refused(get(house, path)) == (404, FHIR_JSON, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(house: House, method: str) -> None:
    """The endpoint is read only, and says what is allowed."""
    reply = requests.request(method, house.url("/fhir/Questionnaire"), data=b"{}", timeout=30)

    assert refused(reply) == (405, FHIR_JSON, "not-supported")
    assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def edit(path: Path, old: str, new: str) -> None:
    """Replace what must be there."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def licensed(in_ehr: bool) -> Callable[[Site], None]:
    """Return what lets a site ask an instrument whose words it has a licence for, and a form of its own."""

    def change(site: Site) -> None:
        folder = site.settings.parent / "wording"
        folder.mkdir()
        (folder / "wai-sr.en.yaml").write_text(wai_sr(expires="2099-12-31", in_ehr=in_ehr), "utf-8")
        edit(site.settings, '"phq-4"]', '"phq-4", "wai-sr"]')
        edit(site.settings, "public_url", 'wording_folder = "wording"\npublic_url')

    return change


@pytest.mark.parametrize("in_ehr", [True, False])
def test_licensed_words(make_house: MakeHouse, in_ehr: bool) -> None:
    """Words that a licence keeps out of the EHR are served to nobody; others are, under an edition of their own."""
    house = make_house(change=licensed(in_ehr))

    forms = [each["id"] for each in listed(house, "/Questionnaire") if "wai-sr" in each["id"]]
    everything = "".join(get(house, f"/{kind}").text for kind in KINDS)

    assert bool(forms) == in_ehr
    assert ("Placeholder 1" in everything) == in_ehr
    assert ("fairly often" in everything) == in_ehr
    assert ("+site." in get(house, "/CodeSystem/alliance").json()["version"]) == in_ehr


def own_form(site: Site) -> None:
    """Let a site ask a form of its own."""
    shutil.copytree(EXAMPLES, site.settings.parent / "forms")
    edit(site.settings, '"phq-4"]', '"phq-4", "session-feedback"]')
    edit(site.settings, "public_url", 'questionnaire_folder = "forms"\npublic_url')


def test_a_form_of_the_site(make_house: MakeHouse) -> None:
    """A site's own form is served as it was installed, found by its own canonical, and is no part of our edition."""
    house = make_house(change=own_form)
    written = json.loads((EXAMPLES / "session-feedback.json").read_text("utf-8"))

    (found,) = listed(house, f"/Questionnaire?url={written['url']}|{written['version']}")

    assert found == written | {"id": "session-feedback-patient-all"}
    assert get(house, f"/Questionnaire/{found['id']}").json() == found
    assert "session-feedback" not in get(house, "/CodeSystem/alliance").text
