"""The FHIR verbs: every answer is checked before it is believed."""

import json
from typing import Any

import pytest

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import (
    Conflict,
    EhrError,
    EhrUnreachable,
    FhirError,
    ForeignUrl,
    InvalidResource,
    SignInNeeded,
)

CANARY = "canary-token-7f3a"
PATIENT = {"resourceType": "Patient", "id": "1"}
OBSERVATION = {"resourceType": "Observation", "status": "final"}


def outcome(*codes: str, severity: str = "error") -> dict[str, Any]:
    """Return an OperationOutcome whose diagnostics name a patient."""
    issues = [{"severity": severity, "code": code, "diagnostics": "Maria Lopez is unknown"} for code in codes]
    return {"resourceType": "OperationOutcome", "issue": issues}


def test_a_read_sends_the_token_and_returns_the_resource(server: Any, client: FhirClient) -> None:
    """A read goes to the type and id under the base, as FHIR JSON, with the token."""
    server.on("GET", "/fhir/Patient/1", PATIENT)

    assert client.read("Patient", "1") == PATIENT

    assert server.seen[0].headers["accept"] == "application/fhir+json"
    assert server.seen[0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in repr(client)


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Practitioner", "id": "1"},
        {"resourceType": "Patient", "id": "2"},
        {"resourceType": "Patient"},
        {"id": "1"},
        outcome("not-found"),
        outcome("processing", severity="fatal"),
        outcome("informational", severity="information"),
        [PATIENT],
        "Patient",
        b"<html>signed out</html>",
        b"",
    ],
    ids=repr,
)
def test_a_read_that_brings_something_else_is_an_error(server: Any, client: FhirClient, body: Any) -> None:
    """A 200 with another type or id, an outcome, HTML or nothing is not shown as the patient."""
    server.on("GET", "/fhir/Patient/1", body)

    with pytest.raises(EhrError):
        client.read("Patient", "1")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{base}/Patient/2", "Patient/2"),
        ("{base}/Patient/2/_history/3", "Patient/2/_history/3"),
        ("Patient/2", "Patient/2"),
        ("{base}x/Patient/2", "{base}x/Patient/2"),
        ("https://other.example.invalid/fhir/Patient/2", "https://other.example.invalid/fhir/Patient/2"),
        (7, 7),
    ],
)
def test_own_references_are_relative(server: Any, client: FhirClient, written: Any, read: Any) -> None:
    """A server may write its own address in front of its references; a read and a search say the same without it."""

    def put(value: Any) -> dict[str, Any]:
        told = value.format(base=server.base) if isinstance(value, str) else value
        return {"resourceType": "Patient", "id": "1", "link": [{"other": {"reference": told}, "type": "seealso"}]}

    server.on("GET", "/fhir/Patient/1", put(written))
    server.on("GET", "/fhir/Patient", {"resourceType": "Bundle", "entry": [{"resource": put(written)}]})

    found = [client.read("Patient", "1"), *client.search("Patient", []).resources]

    assert found == [put(read), put(read)]


@pytest.mark.parametrize("id", ["", ".", "..", "1/../2", "1/_history", "a b", "1?x", "%2e", "ä", "x" * 65, "1\n"])
def test_an_id_that_fhir_does_not_allow_is_never_sent(server: Any, client: FhirClient, id: str) -> None:  # noqa: A002
    """An id that could lead to another path stops before any request."""
    with pytest.raises(InvalidResource):
        client.read("Patient", id)
    with pytest.raises(InvalidResource):
        client.update({"resourceType": "Patient", "id": id}, if_match="1")
    with pytest.raises(InvalidResource):
        client.update(PATIENT, if_match=f'1"{id}')

    assert server.seen == []


@pytest.mark.parametrize("resource_type", ["", "patient", "../x", "Patient/1", "P", "Patient?x"])
def test_a_type_that_fhir_does_not_know_is_never_sent(server: Any, client: FhirClient, resource_type: str) -> None:
    """A type is a word beginning with a capital, or nothing is sent."""
    with pytest.raises(InvalidResource):
        client.search(resource_type, [])
    with pytest.raises(InvalidResource):
        client.create({"resourceType": resource_type})

    assert server.seen == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, FhirError), (401, SignInNeeded), (403, FhirError), (404, FhirError), (409, Conflict), (410, FhirError),
     (412, Conflict), (422, FhirError), (429, FhirError), (500, FhirError), (503, FhirError)],
)  # fmt: skip
def test_a_refusal_has_status_codes_and_retry_after(
    server: Any, client: FhirClient, status: int, kind: type[FhirError]
) -> None:
    """A refusal keeps its status, issue codes and Retry-After, and nothing of the diagnostics."""
    body = outcome("invalid", "Maria Lopez", "required", "invalid")
    server.on("POST", "/fhir/Observation", body, status=status, Retry_After="120")

    with pytest.raises(kind) as caught:
        client.create(OBSERVATION)

    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.retry_after) == (status, "120")
    assert caught.value.detail == f"HTTP {status} invalid required"


def test_a_flood_of_issues_is_told_by_five_codes(server: Any, client: FhirClient) -> None:
    """However many issues an EHR lists, a line of the log stays one."""
    server.on("POST", "/fhir/Observation", outcome(*(f"code-{letter}" for letter in "hgfedcba")), status=422)

    with pytest.raises(FhirError) as caught:
        client.create(OBSERVATION)

    assert caught.value.detail == "HTTP 422 code-a code-b code-c code-d code-e"


@pytest.mark.parametrize("body", [b"<html>Maria Lopez</html>", b"", [], {"issue": "x"}, {"issue": [1, {"code": 7}]}])
def test_a_refusal_with_any_body_is_still_a_refusal(server: Any, client: FhirClient, body: Any) -> None:
    """HTML or an odd outcome beside a 4xx does not turn a definite no into an unknown."""
    server.on("POST", "/fhir/Observation", body, status=403)

    with pytest.raises(FhirError) as caught:
        client.create(OBSERVATION)

    assert caught.value.detail == "HTTP 403"
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", {"Location": "{base}/Observation/7/_history/2"}, ("7", "2")),
        (b"", {"Location": "Observation/7"}, ("7", None)),
        (b"", {"Location": "{base}/Observation/7", "ETag": 'W/"3"'}, ("7", "3")),
        (b"", {"Content_Location": "{base}/Observation/7/_history/4"}, ("7", "4")),
        (b"", {"Location": "https://elsewhere.example.invalid/x/Observation/7/_history/2"}, ("7", "2")),
        (b"", {"Location": "{base}/Patient/7/_history/2"}, (None, None)),
        (b"", {"Location": "{base}/Observation/7/../8"}, (None, None)),
        (b"", {}, (None, None)),
        ({**OBSERVATION, "id": "9", "meta": {"versionId": "5"}}, {}, ("9", "5")),
        ({**OBSERVATION, "id": "9"}, {}, ("9", None)),
        ({**OBSERVATION, "id": 9, "meta": 5}, {}, (None, None)),
        (outcome("informational", severity="information"), {}, (None, None)),
    ],
)  # fmt: skip
def test_where_a_write_went(
    server: Any, client: FhirClient, body: Any, headers: dict[str, str], expected: tuple[Any, Any]
) -> None:
    """Id and version come from Location and ETag, else from the body; the Location is never fetched."""
    headers = {name: value.format(base=server.base) for name, value in headers.items()}
    server.on("POST", "/fhir/Observation", body, status=201, **headers)

    written = client.create(OBSERVATION)

    assert (written.id, written.version, written.status) == (*expected, 201)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b'{"resourceType": "Obs',
        [],
        {},
        outcome("exception"),
        outcome("exception", severity="fatal"),
    ],
    ids=repr,
)
def test_a_yes_with_an_odd_body_is_unknown(server: Any, client: FhirClient, body: Any) -> None:
    """A 201 with HTML, cut JSON or an error inside leaves the outcome of the write unknown."""
    server.on("POST", "/fhir/Observation", body, status=201, Location="Observation/7")

    with pytest.raises(EhrUnreachable):
        client.create(OBSERVATION)


def test_a_conditional_create_and_an_update_carry_their_conditions(server: Any, client: FhirClient) -> None:
    """If-None-Exist and If-Match are sent as FHIR wants them, with the resource as FHIR JSON."""
    server.on("POST", "/fhir/Observation", b"", status=200, Location="Observation/7")
    server.on("PUT", "/fhir/Observation/7", b"", status=200, ETag='W/"3"', Location="Observation/7/_history/3")

    created = client.create(OBSERVATION, if_none_exist="identifier=a|b")
    updated = client.update({**OBSERVATION, "id": "7"}, if_match="2")

    first, second = server.seen
    assert (created.status, created.id) == (200, "7")
    assert (updated.status, updated.version) == (200, "3")
    assert first.headers["if-none-exist"] == "identifier=a|b"
    assert second.headers["if-match"] == 'W/"2"'
    assert second.headers["content-type"] == "application/fhir+json"
    assert json.loads(second.body) == {**OBSERVATION, "id": "7"}
    assert "if-none-exist" not in second.headers


BUNDLE = json.dumps({
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"resource": {"resourceType": "QuestionnaireResponse"}}, {"resource": OBSERVATION}],
}).encode()  # fmt: skip


def answer(*responses: Any, kind: str = "transaction-response") -> dict[str, Any]:
    """Return a Bundle that answers a transaction."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"response": response} for response in responses]}


def test_a_transaction_returns_what_became_of_each_entry(server: Any, client: FhirClient) -> None:
    """The bytes are sent unchanged to the base; each entry's status, id and version are read."""
    entries = (
        {"status": "201 Created", "location": "QuestionnaireResponse/1/_history/1"},
        {"status": "200", "location": f"{server.base}/Observation/2", "etag": 'W/"4"'},
    )
    server.on("POST", "/fhir", answer(*entries))

    first, second = client.transaction(BUNDLE)

    assert server.seen[0].body == BUNDLE
    assert (first.id, first.version, first.status) == ("1", "1", 201)
    assert (second.id, second.version, second.status) == ("2", "4", 200)


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [(("400 Bad", "400"), FhirError), (("401", "401"), SignInNeeded), (("412", "412 x"), Conflict)],
)
def test_a_transaction_whose_entries_are_all_refused_is_refused(
    server: Any, client: FhirClient, statuses: tuple[str, ...], kind: type[FhirError]
) -> None:
    """An overall 200 does not hide that every entry was refused."""
    server.on("POST", "/fhir", answer(*({"status": status, "outcome": outcome("invalid")} for status in statuses)))

    with pytest.raises(kind) as caught:
        client.transaction(BUNDLE)

    assert caught.value.detail == f"HTTP {statuses[0][:3]} invalid"


@pytest.mark.parametrize(
    "body",
    [
        answer({"status": "201"}, {"status": "400"}),
        answer({"status": "201"}, {"status": "302"}),
        answer({"status": "201"}),
        answer({"status": "201"}, {"status": "201"}, {"status": "201"}),
        answer({"status": "201"}, {}),
        answer({"status": "201"}, {"status": "Created"}),
        answer({"status": "201"}, {"status": "2010"}),
        answer({"status": "201"}, None),
        answer({"status": "201"}, {"status": "201"}, kind="transaction"),
        {"resourceType": "Bundle", "type": "transaction-response"},
        {"resourceType": "Bundle", "type": "transaction-response", "entry": ["201", "201"]},
        outcome("exception"),
        outcome("informational", severity="information"),
        b"",
        b"<html></html>",
        b'{"resourceType": "Bundle", "type": "transaction-resp',
    ],
    ids=repr,
)
def test_a_transaction_answered_in_another_shape_is_unknown(server: Any, client: FhirClient, body: Any) -> None:
    """A partial success, a wrong count, a missing status or no Bundle leaves the outcome unknown."""
    server.on("POST", "/fhir", body)

    with pytest.raises(EhrUnreachable):
        client.transaction(BUNDLE)


def test_a_transaction_refused_as_a_whole_is_refused(server: Any, client: FhirClient) -> None:
    """A 4xx to the whole Bundle is a definite no."""
    server.on("POST", "/fhir", outcome("business-rule"), status=422)

    with pytest.raises(FhirError, match="HTTP 422 business-rule"):
        client.transaction(BUNDLE)


def page(*entries: Any, next_url: Any = None) -> dict[str, Any]:
    """Return one page of a search result."""
    links = [{"relation": "self", "url": "x"}, "odd"] + ([{"relation": "next", "url": next_url}] if next_url else [])
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": list(entries)}


def match(id: str, resource_type: str = "Observation", **search: str) -> dict[str, Any]:  # noqa: A002
    """Return one entry of a search result."""
    return {"resource": {"resourceType": resource_type, "id": id}, **({"search": search} if search else {})}


def ids(result: Any) -> list[str]:
    """Return the ids that were found."""
    return [resource["id"] for resource in result.resources]


def test_a_search_reads_all_pages(server: Any, client: FhirClient) -> None:
    """Pages are followed to the end, relative links too; parameters are sent once; each resource counts once."""
    server.on("GET", "/fhir/Observation", page(match("1", mode="match"), match("2"), next_url=f"{server.base}/p?n=2"))
    server.on("GET", "/fhir/p", page(match("2"), match("3"), next_url="q"))
    server.on("GET", "/fhir/q", page(match("4")))

    result = client.search("Observation", [("patient", "1"), ("code", "a|b"), ("code", "c")])

    assert (ids(result), result.complete) == (["1", "2", "3", "4"], True)
    assert [seen.query for seen in server.seen] == ["patient=1&code=a%7Cb&code=c", "n=2", ""]
    assert all(seen.headers["authorization"] == f"Bearer {CANARY}" for seen in server.seen)


def test_a_search_keeps_only_matches_of_its_type(server: Any, client: FhirClient) -> None:
    """Included resources, outcomes, other types and entries without a resource are left out."""
    entries = [
        match("1", mode="match"),
        match("2", mode="include"),
        match("3", mode="outcome"),
        match("4", "Patient"),
        {"resource": outcome("not-supported", severity="warning"), "search": {"mode": "outcome"}},
        {"fullUrl": "x"},
        {"resource": None},
        {**match("5"), "search": "odd"},
    ]
    server.on("GET", "/fhir/Observation", page(*entries))

    result = client.search("Observation", [])

    assert (ids(result), result.complete) == (["1", "5"], True)


def test_a_next_link_to_another_place_is_not_followed(server: Any, sink: Any, client: FhirClient) -> None:
    """A next page elsewhere, or one that makes no sense, ends the search, which says that it is incomplete."""
    links = [f"{sink.base}/Observation", f"{server.url}/fhir-evil/x", f"{server.base}/../x", "http://[", 7, "//x/fhir"]
    for link in links:
        server.on("GET", "/fhir/Observation", page(match("1"), next_url=link))

    results = [client.search("Observation", []) for _ in links]

    assert all((ids(result), result.complete) == (["1"], False) for result in results)
    assert len(server.seen) == len(links)


def test_a_loop_of_pages_ends(server: Any, client: FhirClient) -> None:
    """A page that names itself as the next one is read once."""
    server.on("GET", "/fhir/Observation", page(match("1"), next_url=f"{server.base}/p"))
    server.on("GET", "/fhir/p", page(match("2"), next_url=f"{server.base}/p"))

    result = client.search("Observation", [])

    assert (ids(result), result.complete, result.cut, len(server.seen)) == (["1", "2"], False, False, 2)


def test_endless_pages_end_after_twenty(server: Any, client: FhirClient) -> None:
    """A server that always has one more page is left after twenty."""
    server.on("GET", "/fhir/Observation", page(match("0"), next_url=f"{server.base}/p?n=0"))
    server.on("GET", "/fhir/p", lambda seen: page(match(seen.query), next_url=f"{server.base}/p?n={len(server.seen)}"))

    result = client.search("Observation", [])

    assert (len(server.seen), len(result.resources), result.complete, result.cut) == (20, 20, False, True)


@pytest.mark.parametrize(
    ("count", "more", "complete"), [(1000, False, True), (1000, True, False), (1001, False, False)]
)
def test_a_thousand_entries_are_enough(server: Any, client: FhirClient, count: int, more: bool, complete: bool) -> None:
    """No more than a thousand resources are returned, and the result says when there were more."""
    link = f"{server.base}/p" if more else None
    server.on("GET", "/fhir/Observation", page(*(match(str(number)) for number in range(count)), next_url=link))

    result = client.search("Observation", [])

    assert (len(result.resources), result.complete, result.cut, len(server.seen)) == (1000, complete, not complete, 1)


def test_a_search_has_a_total_time(server: Any, client: FhirClient) -> None:
    """When the time for all pages is over, what was read is returned as incomplete."""
    server.on("GET", "/fhir/Observation", page(match("1"), next_url=f"{server.base}/p"))

    result = client.search("Observation", [], seconds=0.0)

    assert (ids(result), result.complete) == (["1"], False)


@pytest.mark.parametrize(
    "body",
    [
        PATIENT,
        outcome("not-supported"),
        {"resourceType": "Bundle", "entry": {}},
        {"resourceType": "Bundle", "entry": ["x"]},
        {"resourceType": "Bundle", "link": {}},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation"}}]},
        b"<html></html>",
    ],
    ids=repr,
)
def test_a_search_answered_in_another_shape_is_an_error(server: Any, client: FhirClient, body: Any) -> None:
    """A search is answered by a Bundle of resources with ids, or it failed; it never looks empty by mistake."""
    server.on("GET", "/fhir/Observation", body)

    with pytest.raises(EhrError):
        client.search("Observation", [])


def test_a_result_does_not_show_its_resources(server: Any, client: FhirClient) -> None:
    """What was found is not in the repr, which may end up in a log."""
    server.on("GET", "/fhir/Observation", page(match("maria-lopez")))

    assert "maria" not in repr(client.search("Observation", []))


def test_a_base_outside_the_door_is_never_reached(door: Any, sink: Any) -> None:
    """A client with another base than its door's sends nothing."""
    with pytest.raises(ForeignUrl):
        FhirClient(door, sink.base, CANARY).read("Patient", "1")
