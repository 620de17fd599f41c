"""Reading one version of a resource."""

from collections.abc import Callable

import pytest

from .conftest import Caller, problem
from .samples import BASE, SURVEY, bundle, entry, observation

Make = Callable[..., Caller]
HIS = observation(id="o", subject={"reference": "Patient/bo"}, encounter=None)


def versions(app: Caller) -> list[int]:
    """Return the statuses of reading the first two versions of the Observation o."""
    return [app.get(f"/Observation/o/_history/{number}").status_code for number in (1, 2)]


def test_the_location_of_what_was_written_can_be_read(ehr: Caller) -> None:
    """The Location of a create, an update and a Bundle entry gives back that version with its ETag."""
    created = ehr.post("/Observation", observation())
    body = {**created.json, "status": "amended"}
    updated = ehr.put(f"/Observation/{body['id']}", body)
    written = ehr.post("", bundle("transaction", entry("POST", "Observation", observation()))).json

    locations = [reply.headers["Location"] for reply in (created, updated)]
    locations.append(written["entry"][0]["response"]["location"])
    read = [ehr.get(location.removeprefix(BASE)) for location in locations]

    assert [reply.status_code for reply in read] == [200] * 3
    assert [reply.headers["ETag"] for reply in read] == ['W/"1"', 'W/"2"', 'W/"1"']
    assert [reply.json for reply in read[:2]] == [created.json, updated.json]
    assert read[0].last_modified == created.last_modified


def test_a_version_can_be_read_in_a_batch(ehr: Caller) -> None:
    """A batch entry may ask for a version."""
    ehr.put("/Patient/ada", {"resourceType": "Patient", "id": "ada", "gender": "female"})

    answers = ehr.post("", bundle("batch", *(entry("GET", f"Patient/ada/_history/{n}") for n in (1, 2, 3)))).json

    assert [answer["response"]["status"] for answer in answers["entry"]] == ["200 OK", "200 OK", "404 Not Found"]
    assert ["gender" in answer["resource"] for answer in answers["entry"][:2]] == [False, True]


@pytest.mark.parametrize("version", ["0", "2", "01", "1.0", "-1", "one", "1%20", "%C2%B9", ""])
def test_other_versions_are_not_there(ehr: Caller, version: str) -> None:
    """A version that was never written, or written otherwise, is 404."""
    assert problem(ehr.get(f"/Patient/ada/_history/{version}")) == (404, "not-found")


def test_versions_need_the_scope_to_read(caller: Make, ehr: Caller) -> None:
    """Searching is not reading: without r a version is forbidden, and so it is for another type."""
    ehr.put("/Observation/o", observation(id="o"))

    replies = [caller(scope).get("/Observation/o/_history/1") for scope in ("user/Observation.cus", "user/Patient.r")]

    assert [problem(reply) for reply in replies] == [(403, "forbidden")] * 2
    assert caller("user/Observation.r").get("/Observation/o/_history/1").status_code == 200


@pytest.mark.parametrize(("first", "second"), [(HIS, observation(id="o")), (observation(id="o"), HIS)])
def test_a_mix_up_of_patients_stays_closed(
    caller: Make, ehr: Caller, first: dict[str, object], second: dict[str, object]
) -> None:
    """After a correction each patient's app sees the versions that were and are its patient's, no others."""
    ehr.put("/Observation/o", first)
    ehr.put("/Observation/o", second)

    hers = versions(caller("patient/Observation.r", patient="ada"))
    his = versions(caller("patient/Observation.r", patient="bo"))

    now_hers = second is not HIS
    assert hers == ([404, 200] if now_hers else [404, 404])
    assert his == ([404, 404] if now_hers else [404, 200])
    assert versions(ehr) == [200, 200]


def test_a_granular_scope_holds_for_each_version(caller: Make, ehr: Caller) -> None:
    """A version of another category stays out of reach of a scope with a category."""
    ehr.put("/Observation/o", observation(id="o", category=None))
    ehr.put("/Observation/o", observation(id="o"))

    assert versions(caller(f"user/Observation.r?category={SURVEY}")) == [404, 200]
