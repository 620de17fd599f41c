"""`fhir-alliance doctor`: what each kind of EHR says, and what a site learns from it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from fhir_alliance.ehr.capabilities import stated_facts
from fhir_alliance.ehr.outlook import outlooks
from fhir_alliance.ehr.rungs import highest_rung
from fhir_alliance.settings import Rung, WriteSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants
from smart_app.demo.site import offer_filing

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[[str], "Running"]
WRITTEN, KEPT, HELD, UNUSED = "written", "kept here", "held", "not used"


def row(output: str, what: str) -> str:
    """Return the line of one resource."""
    return next(line for line in output.splitlines() if line.startswith(f"{what} "))


def way(output: str, what: str) -> str:
    """Return what the app does with one resource."""
    return row(output, what)[73:]


@pytest.mark.parametrize(
    ("profile", "rung", "ways"),
    [
        ("generous", "observations", (WRITTEN, WRITTEN, UNUSED, UNUSED, WRITTEN)),
        ("read-only-questionnaires", "observations", (WRITTEN, WRITTEN, UNUSED, UNUSED, WRITTEN)),
        ("flowsheet", "flowsheet", (KEPT, KEPT, WRITTEN, UNUSED, UNUSED)),
        ("lab-and-vitals-only", "flowsheet", (KEPT, KEPT, UNUSED, WRITTEN, UNUSED)),
        ("notes-only", "note", (KEPT, KEPT, UNUSED, WRITTEN, UNUSED)),
        ("fire-hose", "observations", (WRITTEN, WRITTEN, UNUSED, UNUSED, WRITTEN)),
        ("legacy", "observations", (WRITTEN, WRITTEN, UNUSED, UNUSED, WRITTEN)),
    ],
)
def test_each_kind_of_ehr(make_running: Make, profile: str, rung: str, ways: tuple[str, ...]) -> None:
    """The highest rung is advised; no row contradicts the one in use; every line fits into 100 columns."""
    output = make_running(profile).doctor()

    kinds = (
        "QuestionnaireResponse",
        "Observation, survey",
        "Observation, vital-signs",
        "DocumentReference",
        "Provenance",
    )
    assert f'For this EHR: rung = "{rung}".' in output
    assert ("which writes less" in output) == (profile == "lab-and-vitals-only")
    assert tuple(way(output, kind) for kind in kinds) == ways
    assert max(map(len, output.splitlines())) <= 100
    assert "only a real write confirms it" in " ".join(output.split())


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("generous", ("forms are published", "the EHR takes notes")),
        ("read-only-questionnaires", ("forms cannot be published: their addresses resolve nowhere",)),
        ("flowsheet", ("the EHR does not state that it takes notes", "each score as a number in its mapped row")),
        ("legacy", ("launches are refused by this app (S05)", "may not be understood (S08)")),
    ],
)
def test_what_an_administrator_reads(make_running: Make, profile: str, told: tuple[str, ...]) -> None:
    """Reason and spec row stand with what follows."""
    output = " ".join(make_running(profile).doctor().split())

    assert [each for each in told if each not in output] == []


def test_an_ehr_without_s256_that_the_site_lets_through(make_running: Make) -> None:
    """The table says that launches go on, and that S256 is sent all the same."""
    running = make_running("legacy")
    settings = running.site.settings
    settings.write_text(settings.read_text().replace("allow_private", "without_s256 = true\nallow_private"))

    assert "let through by without_s256; S256 is still sent (S05)" in running.doctor()


def test_a_rung_that_the_ehr_does_not_allow(make_running: Make) -> None:
    """A site on the first rung at an EHR without transactions is told what is missing, and that nothing is lost."""
    running = make_running("generous")
    running.become("lab-and-vitals-only")

    output = running.doctor()

    assert way(output, "QuestionnaireResponse") == way(output, "Observation, survey") == HELD
    words = " ".join(output.split())
    assert 'says rung = "observations", which needs QuestionnaireResponse create, transaction.' in words
    assert "held here with the reason. Nothing is lost." in words


def test_a_rung_below_what_the_ehr_takes(make_running: Make) -> None:
    """A site that writes less than it could is told so."""
    running = make_running("notes-only")
    running.become("generous")

    assert 'rung = "note", which writes less' in " ".join(running.doctor().split())


def test_what_the_backend_client_may_do(make_probed: Callable[..., "Running"]) -> None:
    """Each job is told with what was asked for and what the EHR grants, and the scope that is missing stands beside."""
    asked = "system/Encounter.rs system/QuestionnaireResponse.rs system/Appointment.rs system/Questionnaire.crus"
    running = make_probed("generous", asked, registered="system/Encounter.rs system/QuestionnaireResponse.rs")

    output = running.doctor()

    def told(what: str) -> list[str]:
        return row(output, what).removeprefix(what).split()

    assert told("find visits by asking") == ["yes", "yes", "-"]
    assert told("find visits in appointments") == ["yes", "no", "system/Appointment.rs"]
    assert told("publish forms")[:2] == ["no", "no"]
    assert max(map(len, output.splitlines())) <= 100


def test_without_a_backend_client_it_has_no_jobs(make_running: Make) -> None:
    """Nothing is said of a client that is not registered."""
    running = make_running("generous")
    settings = running.site.settings
    settings.write_text(settings.read_text().partition("[ehr.harbor.backend]")[0])

    assert "BACKEND CLIENT" not in running.doctor()


def test_scopes_are_told_by_client(make_running: Make) -> None:
    """The backend's are asked for, people's are those of the newest sign-in, and unknown before the first."""
    running = make_running("generous")
    before = running.doctor()
    at = datetime(2026, 11, 12, tzinfo=UTC)
    values = {"ehr": "harbor", "client": "clinician", "user": "u", "access_token": b"", "expires_at": at}
    survey = "user/Observation.c?category=http://terminology.hl7.org/CodeSystem/observation-category|survey"
    sign_ins = [("g1", "user/*.c", at), ("g2", f"openid {survey} user/Provenance.c", at + timedelta(days=1))]
    engine = running.database()
    with transaction(engine) as connection:
        for name, scopes, created in sign_ins:
            connection.execute(insert(grants).values(**values, id=name, scopes=scopes, created_at=created))
    engine.dispose()

    after = running.doctor("--last")

    kinds = ("Questionnaire", "QuestionnaireResponse", "Observation, survey", "Observation, vital-signs", "Provenance")
    assert [row(before, kind)[40:73].split() for kind in kinds] == [["yes", "?", "?"], *[["no", "?", "?"]] * 4]
    assert [row(after, kind)[51:61].strip() for kind in kinds] == ["no", "no", "yes", "no", "yes"]
    assert "what is sent with the clinician client is held for want of a scope" in " ".join(after.split())


def test_the_statement_is_kept_and_a_change_is_told(make_running: Make) -> None:
    """What was found is shown again without asking the EHR, and what is gone since is named with its day."""
    running = make_running("generous")
    nothing = running.doctor("--last")
    running.doctor()
    running.become("notes-only")
    changed = running.doctor()
    running.stop()

    again = running.doctor("--last")

    assert "Nothing is known of harbor yet" in nothing
    assert "Changed since" in " ".join(changed.split())
    assert "QuestionnaireResponse create is gone" in " ".join(changed.split())
    assert again == changed


def test_the_site_is_asked_to_attest(make_running: Make) -> None:
    """Doctor asks who else reads survey results; what it prints can be filled in, and is then said instead."""
    running = make_running("generous")
    asked = running.doctor()
    block = "[ehr.harbor.readers]" + asked.partition("[ehr.harbor.readers]")[2].partition("\n\n")[0]
    settings = running.site.settings
    settings.write_text(f"{settings.read_text()}\n{block.replace('...', 'Jo Park')}")

    attested = " ".join(running.doctor("--last").split())

    assert "Nobody has attested" in asked
    assert "Attested by Jo Park on 2026-01-31: survey results are shown in the portal, shown to proxies" in attested
    assert "Nobody has attested" not in attested


@pytest.mark.parametrize("odd", [None, [], {}, {"rest": 7, "capabilities": {}}, {"rest": [7, {"mode": "server"}]}])
def test_odd_statements_say_nothing(odd: Any) -> None:
    """Whatever is not understood counts as not stated, and leaves the lowest rung."""
    facts = stated_facts(odd, odd)

    assert facts == frozenset()
    assert highest_rung(facts) is Rung.HOLD


def test_no_row_contradicts_another() -> None:
    """Whatever an EHR states, a resource of the chosen rung is written or held, all of its rows alike."""
    needs = ("QuestionnaireResponse create", "Observation create", "transaction", "Provenance create")
    for bits in range(16):
        facts = frozenset(need for index, need in enumerate(needs) if bits >> index & 1)
        rows = {each.what: each.way for each in outlooks(WriteSettings(), facts, {})}

        allowed = highest_rung(facts) is Rung.OBSERVATIONS
        assert {rows["QuestionnaireResponse"], rows["Observation, survey"]} == {WRITTEN if allowed else HELD}
        assert (rows["Provenance"] == WRITTEN) == (bits == 15)


def test_flowsheet_without_observations() -> None:
    """On the flowsheet rung an EHR that takes no results holds them, and says what is missing."""
    rows = {each.what: each for each in outlooks(WriteSettings(rung=Rung.FLOWSHEET), frozenset(), {})}

    assert rows["Observation, vital-signs"].way == HELD
    assert "Observation create" in rows["Observation, vital-signs"].why


def asks_for_cards(running: "Running", jwks_uri: str) -> None:
    """Let the EHR ask for cards, with its keys at an address."""
    settings = running.site.settings
    issuer = running.site.fhir_base
    table = f'[ehr.harbor.cds]\nissuer = "{issuer}"\njwks_uri = "{jwks_uri}"\naudience = "urn:example:us"\n'
    settings.write_text(f"{settings.read_text()}\n{table}\n[ehr.harbor.visits]\npoll_minutes = 5\n")


def test_what_is_to_be_registered_for_cards(make_running: Make) -> None:
    """Who asks, its keys as they are now, all services, the link and the visits stand there with their rows."""
    running = make_running("generous")
    asks_for_cards(running, f"{running.site.ehr_url}/auth/cds-jwks")

    output = running.doctor()
    again = running.doctor("--last")

    words = " ".join(output.split())
    for told in (
        f"calls signed by {running.site.fhir_base} are answered, each once (C07)",
        "aud of each call has to be urn:example:us (C07)",
        f"register {running.site.app_url}/cds-services/patient-view at the EHR (C01, C02)",
        f"register {running.site.app_url}/cds-services/encounter-start at the EHR (C01, C02)",
        f"register {running.site.app_url}/cds-services/appointment-book at the EHR (C01, C02)",
        f"{running.site.app_url}/launch has to be the launch address at the EHR",
        "before anybody has opened the app (C09)",
    ):
        assert told in words
    assert row(output, "its keys").split()[2:5] == ["yes", "1", "public"]
    assert row(again, "its keys").split()[2] == "?"
    assert max(map(len, output.splitlines())) <= 100


def test_cards_whose_keys_cannot_be_read(make_running: Make) -> None:
    """An address without keys is told with the reason: until it is mended every call is refused."""
    running = make_running("generous")
    asks_for_cards(running, f"{running.site.ehr_url}/nowhere")

    output = running.doctor()

    assert row(output, "its keys").split()[2] == "no"
    assert "every call is refused: HTTP 404 instead of keys" in " ".join(output.split())


def test_an_ehr_that_asks_for_no_cards(make_running: Make) -> None:
    """One line says so, and what would change that."""
    output = make_running("generous").doctor()

    assert row(output, "who asks").split()[2] == "no"
    assert "[ehr.harbor.cds] in alliance.toml switches them on (C07)" in " ".join(output.split())


def test_filing_the_view_is_told(make_running: Make) -> None:
    """Whether clinicians are offered it, and if not, everything that stands against it."""
    running = make_running("generous")
    refused = running.doctor()
    offer_filing(running.site)

    asked = running.doctor()

    assert "not offered to clinicians: the clinician client lacks user/DocumentReference.rus." in flat(refused)
    assert "is offered to clinicians if they are granted the scopes asked for." in flat(asked)
    assert max(map(len, (refused + asked).splitlines())) <= 100


def test_filing_that_an_ehr_does_not_take_is_told(make_running: Make) -> None:
    """An EHR that takes no documents is named as the reason."""
    assert "the EHR does not state DocumentReference create" in flat(make_running("flowsheet").doctor())


def flat(output: str) -> str:
    """Return the words of a table without its line breaks."""
    return " ".join(output.split())
