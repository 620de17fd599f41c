"""The protected part of our FHIR endpoint: what no chart took, for readers of that EHR, and nothing else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import update

from fhir_alliance.store import transaction
from fhir_alliance.tables import audit, submissions
from smart_app.demo.site import Site
from tests.conformance.validating import findings

from .house import AOIFE, MARIA, THOMAS, House
from .reading import HOLD, Reader, answer, entries, get, hold

MakeHouse = Callable[..., House]
READER = Reader()
OTHER = Reader("other")
CORE_SCORE = "https://fhir-alliance.org/fhir/CodeSystem/alliance|visit-check-in-core"


def second_ehr(site: Site) -> None:
    """Hold what is answered, and register a second EHR, with a reader for each of the two."""
    text = site.settings.read_text()
    harbor = text[text.index("[ehr.harbor]") :].partition("[ehr.harbor.clinician]")[0]
    site.settings.write_text(text + harbor.replace("ehr.harbor", "ehr.bay").replace('/fhir"', '/bay/fhir"'))
    hold(site)
    READER.register(site)
    OTHER.register(site, ehr="bay")


@pytest.fixture(scope="module")
def house(opener: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Open a house whose EHR takes nothing."""
    with opener(tmp_path_factory.mktemp("records"), change=second_ehr) as opened:
        yield opened


@pytest.fixture(scope="module")
def keys(house: House) -> dict[str, str]:
    """Let two patients answer; return their submissions' keys."""
    return {patient: answer(house, patient) for patient in (MARIA, THOMAS)}


@pytest.fixture(scope="module")
def token(house: House, keys: dict[str, str]) -> str:
    """Return a reader's token."""
    return READER.token(house)


def test_answers_and_scores_are_served(house: House, keys: dict[str, str], token: str) -> None:
    """Response, scores and panel are valid FHIR, and refer to each other here and to the EHR by address."""
    (response,) = entries(get(house, f"QuestionnaireResponse?patient={MARIA}", token))
    observations = entries(get(house, f"Observation?patient={MARIA}", token))

    key = keys[MARIA]
    assert response["id"] == key
    assert {each["subject"]["reference"] for each in (response, *observations)} == {
        f"{house.site.fhir_base}/Patient/{MARIA}"
    }
    assert {each["derivedFrom"][0]["reference"] for each in observations} == {f"QuestionnaireResponse/{key}"}
    (panel,) = (each for each in observations if "hasMember" in each)
    assert {each["reference"] for each in panel["hasMember"]} == {
        f"Observation/{each['id']}" for each in observations if each is not panel
    }
    for each in (response, *observations):
        get_fhir_model_class(each["resourceType"]).model_validate(each)
        assert findings(each, response, *observations) == []
        again = get(house, f"{each['resourceType']}/{each['id']}", token)
        assert (again.json(), again.headers["Cache-Control"]) == (each, "no-store")


def searches(house: House, keys: dict[str, str]) -> dict[str, set[str]]:
    """Return searches for Observations and whose are found."""
    identifier = f"https://fhir-alliance.org/fhir/identifier/observation|{keys[MARIA]}.visit-check-in-core"
    return {
        "": {MARIA, THOMAS},
        f"patient=Patient/{MARIA}": {MARIA},
        f"patient={house.site.fhir_base}/Patient/{MARIA}": {MARIA},
        f"patient={MARIA},{THOMAS}": {MARIA, THOMAS},
        f"patient={MARIA}&patient={THOMAS}": set(),
        f"patient=https://other.example.invalid/Patient/{MARIA}": set(),
        f"patient={AOIFE}": set(),
        "patient=' OR 1=1 --": set(),
        f"identifier={identifier}": {MARIA},
        f"identifier={keys[MARIA]}.visit-check-in-core": {MARIA},
        f"identifier=urn:other|{keys[MARIA]}.visit-check-in-core": set(),
        "identifier=none": set(),
        f"_id={keys[THOMAS]}.1": {THOMAS},
        f"code={CORE_SCORE}": {MARIA, THOMAS},
        f"code=visit-check-in-core&patient={MARIA}": {MARIA},
        "code=http://loinc.org|visit-check-in-core": set(),
        "_lastUpdated=ge2020-01-01": {MARIA, THOMAS},
        "_lastUpdated=gt2020-01-01&_lastUpdated=lt2020-01-03": set(),
        "_lastUpdated=le2020-01-01T00:00:00Z": set(),
        "_lastUpdated=2020-01-01T00:00:00.000-05:00": set(),
    }


def test_searches(house: House, keys: dict[str, str], token: str) -> None:
    """Each parameter finds what fits and nobody else's."""
    for query, patients in searches(house, keys).items():
        found = entries(get(house, f"Observation?{quote(query, safe='=&,|:/')}", token))
        assert {each["subject"]["reference"].rpartition("/")[2] for each in found} == patients, query


def test_pages(house: House, keys: dict[str, str], token: str) -> None:
    """`next` leads through everything once; a page never holds more than was asked for; 0 counts."""
    everything = entries(get(house, "Observation", token))
    found: list[dict[str, Any]] = []
    address = "Observation?_count=1"
    while address:
        reply = get(house, address, token)
        found += entries(reply)
        assert len(entries(reply)) == 1
        address = next((link["url"] for link in reply.json()["link"] if link["relation"] == "next"), "")

    assert found == everything
    assert len(everything) >= 4
    none = get(house, "Observation?_count=0", token).json()
    assert (none["total"], "entry" in none) == (len(everything), False)


@pytest.mark.parametrize(
    "query",
    ["_lastUpdated=2026", "_lastUpdated=ne2026-01-01", "_lastUpdated=2026-99-01", "_lastUpdated=9999-12-31",
     "_page=1", "patient:exact=x"],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(house: House, token: str, query: str) -> None:
    """A value that cannot be read is never ignored: it would widen what is found."""
    assert get(house, f"Observation?{query}", token).status_code == 400


def test_another_ehr_is_another_world(house: House, keys: dict[str, str]) -> None:
    """A reader of one EHR finds nothing of another's patients, by any of their ids (T47)."""
    token, key = OTHER.token(house), keys[MARIA]

    for query in ("", f"?patient={MARIA}", f"?_id={key}", f"?identifier=urn:uuid:{key}"):
        assert entries(get(house, f"QuestionnaireResponse{query}", token)) == []
    assert get(house, f"QuestionnaireResponse/{key}", token).status_code == 404
    assert get(house, f"Observation/{key}.1", token).status_code == 404


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer none", "Basic eDp4", "Bearer " + "x" * 600])
def test_without_a_token(house: House, keys: dict[str, str], authorization: str) -> None:
    """Nobody reads anything without a token of ours; whether something is there is not told; it is noted."""
    headers = {"Authorization": authorization} if authorization else {}
    replies = [
        get(house, path, **headers)
        for path in ("Observation", f"QuestionnaireResponse/{keys[MARIA]}", "QuestionnaireResponse/none")
    ]

    for reply in replies:
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
        assert reply.json()["issue"][0]["code"] == "login"
    assert [row["event"] for row in house.rows(audit)][-3:] == ["records.refused"] * 3


def test_every_access_is_noted(house: House, keys: dict[str, str], token: str) -> None:
    """The trail says who looked at whose records, also when there was nothing, and when it was not allowed."""
    before = len(house.rows(audit))

    get(house, "Observation", token)
    get(house, f"QuestionnaireResponse/{keys[MARIA]}", token)
    get(house, f"Observation?patient={AOIFE}", token)
    little = READER.token(house, "system/Observation.s")
    refused = get(house, f"Observation/{keys[MARIA]}.1", little)

    noted = [(row["event"], row["patient"], row["outcome"]) for row in house.rows(audit)[before:]]
    assert noted == [
        ("records.read", MARIA, "done"),
        ("records.read", THOMAS, "done"),
        ("records.read", MARIA, "done"),
        ("records.read", None, "nothing"),
        ("reader.admitted", None, "done"),
        ("records.refused", None, "fhir.scope"),
    ]
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")
    assert "insufficient_scope" in refused.headers["WWW-Authenticate"]


def test_what_the_site_keeps_no_longer(make_house: MakeHouse) -> None:
    """After the retention date nothing is served any more."""
    house = make_house(change=second_ehr)
    answer(house, MARIA)
    before = len(entries(get(house, "QuestionnaireResponse", READER.token(house))))

    house.ahead = timedelta(days=31)

    assert (before, entries(get(house, "QuestionnaireResponse", READER.token(house)))) == (1, [])


def keeping_what_is_refused(site: Site) -> None:
    """Write everything, and keep for a month what the EHR refuses."""
    READER.register(site)
    site.settings.write_text(site.settings.read_text() + HOLD.replace("hold", "observations"))


@pytest.mark.parametrize(("change", "served"), [(keeping_what_is_refused, [1, 0]), (READER.register, [0, 0])])
def test_what_is_refused_is_served_until_its_retention_date(
    make_house: MakeHouse, change: Callable[[Site], None], served: list[int]
) -> None:
    """Without a date of the site nothing is served, and after it nothing more."""
    house = make_house(change=change)
    key = answer(house, MARIA)
    with transaction(house.services.engine) as connection:
        connection.execute(update(submissions).where(submissions.c.key == key).values(state="rejected"))

    found = []
    for days in (29, 31):
        house.ahead = timedelta(days=days)
        found.append(len(entries(get(house, "QuestionnaireResponse", READER.token(house)))))

    assert found == served


def test_what_is_in_the_chart_is_not_served(make_house: MakeHouse) -> None:
    """Delivered, waiting or doubtful submissions of the first rung are not here; one that was refused for good is."""
    house = make_house(change=keeping_what_is_refused)
    key = answer(house, MARIA)
    served = {}
    states = [("delivered", None), ("accepted", None), ("held", "needs-sign-in"), ("held", "patient-changed"),
              ("unknown", "not-read-back"), ("rejected", "invalid")]  # fmt: skip

    for state, reason in states:
        with transaction(house.services.engine) as connection:
            connection.execute(update(submissions).where(submissions.c.key == key).values(state=state, reason=reason))
        served[state, reason] = len(entries(get(house, "QuestionnaireResponse", READER.token(house))))

    assert served == {each: int(each[0] == "rejected") for each in states}
