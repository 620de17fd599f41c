"""What keeps a write probe from beginning: each time nothing is sent, and the operator reads what to do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from fhir_alliance.ehr.draft import BACKEND_SCOPES
from fhir_alliance.tables import audit

from .conftest import BORN, MARIA, MAY_PROBE, VISIT

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[..., "Running"]


@pytest.fixture
def running(make_probed: Make) -> "Running":
    """Start a generous EHR whose backend client may do what a probe does."""
    return make_probed("generous")


def writes(running: "Running") -> list[tuple[str, str]]:
    """Return what was written to the EHR."""
    return [call[:2] for call in running.traffic if call[0] != "GET" and call[1].startswith("/fhir")]


def trail(running: "Running") -> list[tuple[str, str]]:
    """Return what the audit trail says."""
    engine = running.database()
    with engine.connect() as connection:
        rows = connection.execute(select(audit.c.event, audit.c.outcome).order_by(audit.c.id)).all()
    engine.dispose()
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("typed", ["1991-06-18", "17 June 1991"])
def test_another_birth_date(running: "Running", typed: str) -> None:
    """Who and born when is shown and asked for; another date ends it, which the audit trail says."""
    result = running.probe(said=f"{typed}\n{BORN}\n")

    assert "Patient/maria-lopez: Maria Lopez, born 1991-06-17." in result.output
    assert "That is not the birth date of Patient/maria-lopez. Nothing was sent." in result.output
    assert writes(running) == []
    assert trail(running) == [("probe.opened", "read"), ("probe.refused", "birth-date")]
    assert result.exit_code == 1


def test_the_birth_date_may_be_typed(running: "Running") -> None:
    """The date as it is shown lets the probe go on."""
    result = running.probe(said=f"{BORN}\n")

    assert "This EHR really takes" in result.output
    assert result.exit_code == 0


def test_a_birth_date_in_an_option(running: "Running") -> None:
    """A script's birth date is compared as one that is typed."""
    result = running.probe("--birth-date", "1991-06-18")

    assert "not the birth date" in result.output
    assert writes(running) == []


def test_a_patient_without_a_birth_date(running: "Running") -> None:
    """Nothing that is typed can be right for a patient without one."""
    patient = running.store.read("Patient", MARIA)
    running.store.update({name: value for name, value in patient.items() if name != "birthDate"})

    result = running.probe(said="unknown\n")

    assert "born unknown" in result.output
    assert writes(running) == []
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--patient", "nobody"], "harbor has no Patient/nobody. Nothing was sent."),
        (["--patient", "../Practitioner"], "'../Practitioner' is no id of FHIR's"),
        (["--patient", MARIA, "--encounter", "nowhere"], "harbor has no Encounter/nowhere"),
    ],
)
def test_what_the_ehr_does_not_have(running: "Running", arguments: list[str], said: str) -> None:
    """A patient or visit that is not there is named."""
    result = running.call("doctor", "--ehr", "harbor", "--write-probe", "--by", "Jo Park", *arguments)

    assert said in result.output
    assert writes(running) == []
    assert result.exit_code == 1


def test_a_visit_of_another_patient(running: "Running") -> None:
    """The visit is checked as the courier checks it."""
    visit = running.store.search("Encounter", [("patient", "thomas-reyes")]).resources[0]["id"]

    result = running.probe("--birth-date", BORN, "--encounter", visit)

    assert "Nothing was sent: the visit is another patient's." in result.output
    assert writes(running) == []
    assert result.exit_code == 1


@pytest.mark.parametrize("change", [{"active": False}, {"link": [{"other": {"reference": "Patient/thomas-reyes"}}]}])
def test_a_patient_who_is_merged_or_inactive(running: "Running", change: dict[str, object]) -> None:
    """A record that is no longer used is left alone."""
    running.store.update({**running.store.read("Patient", MARIA), **change})

    result = running.probe("--birth-date", BORN)

    assert "Nothing was sent: the patient is inactive, merged" in result.output
    assert writes(running) == []
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("profile", "lacking"),
    [
        ("generous", "system/Patient.r system/QuestionnaireResponse.crus system/Observation.crus"),
        ("flowsheet", "system/Patient.r system/Observation.crus"),
        ("notes-only", "system/Patient.r system/DocumentReference.crus"),
    ],
)
def test_scopes_that_are_not_asked_for(make_running: Make, profile: str, lacking: str) -> None:
    """Before the patient is read the operator learns which scopes lack, and where to write them."""
    running = make_running(profile)

    result = running.probe("--birth-date", BORN)

    assert f"too little for a probe: {lacking} is missing. Nothing was sent." in result.output
    assert f"Add to scopes of [ehr.harbor.backend] in the settings: {lacking}" in result.output
    assert not [call for call in running.traffic if "Patient" in call[1]]
    assert result.exit_code == 1


def test_scopes_that_the_ehr_does_not_grant(make_probed: Make) -> None:
    """What the settings ask for and the EHR keeps back is for its administrator."""
    running = make_probed("generous", registered=MAY_PROBE.replace("Observation.crus", "Observation.rs"))

    result = running.probe("--birth-date", BORN)

    assert "system/Observation.crus is missing" in result.output
    assert "Add to scopes" not in result.output
    assert "the EHR's administrator has to allow it" in result.output
    assert writes(running) == []


def test_a_visit_needs_a_scope_of_its_own(make_probed: Make) -> None:
    """A visit can only be checked by a client that may read it."""
    running = make_probed("generous", MAY_PROBE.replace("system/Encounter.r ", ""))

    result = running.probe("--birth-date", BORN, "--encounter", VISIT)

    assert "system/Encounter.r is missing" in result.output


def test_without_a_backend_client(running: "Running") -> None:
    """A site without one is told that a probe writes with it."""
    settings = running.site.settings
    settings.write_text(settings.read_text().partition("[ehr.harbor.backend]")[0])

    result = running.probe("--birth-date", BORN)

    assert "There is no [ehr.harbor.backend]" in result.output
    assert result.exit_code == 1


def test_a_backend_client_that_the_ehr_refuses(running: "Running") -> None:
    """The EHR's refusal of the client is told."""
    settings = running.site.settings
    settings.write_text(settings.read_text().replace('"alliance-backend"', '"somebody"'))

    result = running.probe("--birth-date", BORN)

    assert "The EHR refuses the client of [ehr.harbor.backend]" in result.output
    assert result.exit_code == 1


def test_no_score_has_a_row(make_probed: Make) -> None:
    """A mapping that names no score of what the site asks leaves nothing to write."""
    running = make_probed("flowsheet")
    mapping = running.site.settings.parent / "flowsheet.csv"
    mapping.write_text("score,system,code,display,unit\nelsewhere,urn:oid:2.999,1,Elsewhere,score\n")

    result = running.probe("--birth-date", BORN)

    assert "No score that this site asks has a row in the mapping." in result.output
    assert writes(running) == []
    assert result.exit_code == 1


def test_an_ehr_that_cannot_be_asked(running: "Running") -> None:
    """An EHR that is down is said to be so."""
    running.stop()

    result = running.probe("--birth-date", BORN)

    assert "could not be asked; try again" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--write-probe", "--patient", MARIA],
        ["--write-probe", "--by", "Jo Park"],
        ["--write-probe", "--patient", MARIA, "--by", "Jo Park", "--last"],
        ["--patient", MARIA],
        ["--birth-date", BORN],
    ],
)
def test_options_that_belong_together(make_running: Make, arguments: list[str]) -> None:
    """An option too few, or one that is for something else, is a fault of the call."""
    running = make_running("generous")

    result = running.call("doctor", "--ehr", "harbor", *arguments)

    assert result.exit_code == 2
    assert "--write-probe" in result.output
    assert list(running.traffic) == []


def test_the_draft_names_what_a_probe_needs() -> None:
    """The scopes of the drafted entry that a site may add let a probe write by the first rung."""
    from fhir_alliance.ehr.draft import DELIVERY_SCOPES
    from fhir_alliance.ehr.rungs import PROBE_SCOPES, not_granted
    from fhir_alliance.settings import Rung

    granted = frozenset(f"{BACKEND_SCOPES} {DELIVERY_SCOPES}".split())

    assert not_granted(PROBE_SCOPES[Rung.OBSERVATIONS], granted) == []
    assert not_granted(PROBE_SCOPES[Rung.NOTE], granted) == ["system/DocumentReference.crus"]
