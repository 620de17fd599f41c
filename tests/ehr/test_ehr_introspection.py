"""What an EHR says of a token that was shown to us (S31): asked with proof, believed only whole, kept for a minute."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fhir_alliance.ehr.introspection import MAX_BYTES, Introspections, LiveToken, read_introspection
from fhir_alliance.errors import EhrError, EhrUnreachable, FhirError
from fhir_alliance.settings import EhrSettings

PATH = "/auth/introspect"
TOKEN = "canary-token-of-somebody"
SCOPES = "patient/Observation.rs patient/QuestionnaireResponse.rs"


@pytest.fixture
def asked(ehr: EhrSettings, server: Any) -> EhrSettings:
    """Return an EHR with a pinned introspection endpoint."""
    return replace(ehr, introspection_endpoint=f"{server.url}{PATH}")


@pytest.fixture
def said(now: datetime, ehr: EhrSettings) -> dict[str, Any]:
    """Return a whole answer about a live token."""
    return {
        "active": True,
        "scope": SCOPES,
        "client_id": "portal",
        "exp": int(now.timestamp()) + 300,
        "token_type": "Bearer",
        "patient": "maria-lopez",
        "iss": ehr.issuer,
        "sub": "maria",
        "fhirUser": f"{ehr.fhir_base}/Patient/maria-lopez",
    }


def test_an_ehr_is_asked_with_proof(server: Any, asked: EhrSettings, said: dict[str, Any], now: datetime) -> None:
    """The token goes to the pinned endpoint in a form, with an assertion of a client that can prove itself."""
    server.on("POST", PATH, said)

    found = Introspections(lambda: now).find(asked, TOKEN)

    (seen,) = server.seen
    assert (seen.form["token"], seen.form["token_type_hint"], seen.query) == (TOKEN, "access_token", "")
    assert seen.form["client_assertion"].count(".") == 2
    assert TOKEN not in str(seen.headers)
    assert found == LiveToken(
        client_id="portal",
        scopes=frozenset(SCOPES.split()),
        expires_at=now + timedelta(seconds=300) - timedelta(microseconds=now.microsecond),
        patient="maria-lopez",
        user="Patient/maria-lopez",
    )


def test_an_answer_counts_for_a_minute_and_never_beyond_the_end(
    server: Any, asked: EhrSettings, said: dict[str, Any], now: datetime
) -> None:
    """The same token is asked for again after 60 seconds, or when it ends before; another token at once."""
    present = [now]
    introspections = Introspections(lambda: present[0])
    short = {**said, "exp": int(now.timestamp()) + 20}
    for answer in (said, said, short, {"active": False}):
        server.on("POST", PATH, answer)

    counts = []
    for seconds, token in ((0, "a"), (59, "a"), (60, "a"), (0, "b"), (19, "b"), (20, "b")):
        present[0] = now + timedelta(seconds=seconds)
        found = introspections.find(asked, token)
        counts.append((len(server.seen), found is not None))

    assert counts == [(1, True), (1, True), (2, True), (3, True), (3, True), (4, False)]


def test_what_one_ehr_says_counts_for_that_one(
    server: Any, asked: EhrSettings, said: dict[str, Any], now: datetime
) -> None:
    """A token that is good at one EHR is still asked about at another."""
    introspections = Introspections(lambda: now)
    server.on("POST", PATH, said)
    server.on("POST", PATH, {"active": False})

    found = [introspections.find(each, TOKEN) for each in (asked, replace(asked, name="bay"))]

    assert [each is not None for each in found] == [True, False]


def test_a_bad_token_is_remembered_for_ten_seconds(server: Any, asked: EhrSettings, now: datetime) -> None:
    """Showing it again and again does not ask the EHR each time."""
    present = [now]
    introspections = Introspections(lambda: present[0])
    server.on("POST", PATH, {"active": False})

    found = []
    for seconds in (0, 9, 10):
        present[0] = now + timedelta(seconds=seconds)
        found.append((introspections.find(asked, TOKEN), len(server.seen)))

    assert found == [(None, 1), (None, 1), (None, 2)]


def test_what_is_remembered_has_an_end(
    server: Any, asked: EhrSettings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many tokens somebody makes up, a bounded number is kept."""
    monkeypatch.setattr("fhir_alliance.ehr.introspection._MOST", 3)
    introspections = Introspections(lambda: now)
    server.on("POST", PATH, {"active": False})

    for number in range(5):
        introspections.find(asked, f"token-{number}")

    assert len(introspections._known) == 3


@pytest.mark.parametrize("changed", [{"introspection_endpoint": None}, {"clinician": None, "backend": None}])
def test_without_an_endpoint_or_a_proof_nothing_is_asked(
    server: Any, asked: EhrSettings, now: datetime, changed: dict[str, Any]
) -> None:
    """Then no token of the EHR is good, and none is sent anywhere."""
    assert Introspections(lambda: now).find(replace(asked, **changed), TOKEN) is None
    assert server.seen == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 401, FhirError),
        (b"", 500, FhirError),
        (b"<html>", 200, EhrUnreachable),
        (b'{"active": true, "active": false}', 200, EhrUnreachable),
        (b"[]", 200, EhrUnreachable),
        (b"{}", 200, EhrUnreachable),
        (b" " * MAX_BYTES + b"{}", 200, EhrUnreachable),
    ],
)
def test_no_answer_is_no_yes_and_no_no(
    server: Any, asked: EhrSettings, now: datetime, body: bytes, status: int, error: type[Exception]
) -> None:
    """A refusal of our own client, a fault, a page or too much: nothing is known, and nothing remembered."""
    server.on("POST", PATH, body, status=status)
    introspections = Introspections(lambda: now)

    for _ in range(2):
        with pytest.raises(error):
            introspections.find(asked, TOKEN)

    assert len(server.seen) == 2


def test_the_token_goes_nowhere_else(server: Any, sink: Any, asked: EhrSettings, now: datetime) -> None:
    """A redirect is not followed."""
    server.on("POST", PATH, b"", status=307, Location=f"{sink.url}{PATH}")

    with pytest.raises(EhrError, match="redirect"):
        Introspections(lambda: now).find(asked, TOKEN)


@pytest.mark.parametrize(
    "changed",
    [
        {"active": "true"}, {"active": 1}, {"active": None}, {"scope": None}, {"scope": ["patient/*.rs"]},
        {"scope": "patient/*.rs\n"}, {"client_id": None}, {"client_id": "x" * 256}, {"client_id": "a\nb"},
        {"exp": None}, {"exp": "1794500000"}, {"exp": True}, {"exp": 1e10}, {"exp": 10**20}, {"patient": "../x"},
        {"patient": 7}, {"encounter": "a/b"},
    ],
)  # fmt: skip
def test_an_odd_answer_is_none(said: dict[str, Any], ehr: EhrSettings, now: datetime, changed: dict[str, Any]) -> None:
    """What SMART does not know is neither a yes nor a no."""
    with pytest.raises(EhrUnreachable, match="introspection"):
        read_introspection({**said, **changed}, ehr, now=now)


@pytest.mark.parametrize(
    "changed",
    [
        {"active": False}, {"active": False, "scope": 7}, {"exp": 0}, {"iss": "https://other.example.invalid"},
        {"aud": "https://other.example.invalid/fhir"}, {"aud": []}, {"aud": [7]},
        {"fhirUser": "https://other.example.invalid/fhir/Practitioner/1"}, {"fhirUser": "Device/1"}, {"fhirUser": 7},
        {"token_type": "DPoP"}, {"token_type": None}, {"token_type": ["Bearer"]},
    ],
)  # fmt: skip
def test_what_is_not_for_here_is_refused(
    said: dict[str, Any], ehr: EhrSettings, now: datetime, changed: dict[str, Any]
) -> None:
    """A token that is over, of another issuer, for another server, of another server's person, or no bearer token."""
    assert read_introspection({**said, **changed}, ehr, now=now) is None


@pytest.mark.parametrize(("client", "good"), [("portal", True), ("alliance-patient", False)])
def test_a_refresh_token_of_ours_is_no_access_token(
    said: dict[str, Any], ehr: EhrSettings, now: datetime, client: str, good: bool
) -> None:
    """An EHR tells us of our own refresh tokens that they are active, without a type; others it does not tell us of."""
    values = {**said, "client_id": client}
    values.pop("token_type")

    assert (read_introspection(values, ehr, now=now) is not None) is good


def test_audience_may_be_written_in_several_ways(said: dict[str, Any], ehr: EhrSettings, now: datetime) -> None:
    """A list, or a final slash, makes no other audience; without one, issuer and user must do."""
    for audience in (ehr.fhir_base, f"{ehr.fhir_base}/", ["https://other.example.invalid", ehr.fhir_base]):
        assert read_introspection({**said, "aud": audience}, ehr, now=now) is not None
