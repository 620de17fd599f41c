"""How far a token of an EHR reaches at our endpoint: whose records, and rated by whom."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from fhir_alliance.ehr.introspection import LiveToken
from fhir_alliance.readers.reach import Reach, reach
from fhir_alliance.settings import ChartReaders, EhrSettings, EhrTokens, Readers, Rung, Shown, WriteSettings

SURVEY = "http://terminology.hl7.org/CodeSystem/observation-category|survey"
ALL, MARIAS = Reach(), Reach(patients=frozenset({"maria"}))
HERS = Reach(patients=frozenset({"maria"}), raters=frozenset({"patient"}))
BOTH = Reach(patients=frozenset({"maria"}), raters=frozenset({"patient", "therapist"}))


def token(now: datetime, scopes: str, *, user: str = "", patient: str | None = None) -> LiveToken:
    """Return a live token."""
    return LiveToken(client_id="x", scopes=frozenset(scopes.split()), expires_at=now, patient=patient, user=user)


def at(
    ehr: EhrSettings,
    *,
    far: EhrTokens = EhrTokens.LAUNCH_PATIENT,
    rung: Rung = Rung.FLOWSHEET,
    portal: Shown | None,
    proxies: Shown = Shown.HIDDEN,
) -> EhrSettings:
    """Return an EHR of a site that attests this of its portal; None: nothing."""
    told = portal and Readers(
        patient_portal=portal,
        proxies=proxies,
        chart_readers=ChartReaders.CARE_TEAM,
        attested_by="Jo Park",
        attested_on=date(2026, 11, 24),
    )
    return replace(ehr, ehr_tokens=far, write=WriteSettings(rung=rung), readers=told)


@pytest.mark.parametrize(
    ("scopes", "user", "patient", "found"),
    [
        ("system/Observation.rs", "", None, ALL),
        ("system/*.read", "", None, ALL),
        ("system/Observation.rs", "Practitioner/ada", None, None),
        ("system/Observation.rs", "", "maria", None),
        ("system/Observation.cu", "", None, None),
        ("system/QuestionnaireResponse.rs", "", None, None),
        ("user/Observation.rs", "Practitioner/ada", "maria", MARIAS),
        ("user/Observation.rs", "PractitionerRole/ada", "maria", MARIAS),
        ("patient/Observation.rs", "Practitioner/ada", "maria", MARIAS),
        ("user/Observation.rs", "Practitioner/ada", None, None),
        ("user/Observation.write", "Practitioner/ada", "maria", None),
        ("patient/Observation.rs", "Patient/maria", "maria", HERS),
        ("user/Observation.rs", "Patient/maria", "maria", HERS),
        ("patient/Observation.r", "Patient/maria", "maria", None),
        ("patient/Observation.rs", "Patient/maria", None, None),
        ("patient/Observation.rs", "Patient/thomas", "maria", None),
        ("patient/Observation.rs", "RelatedPerson/rosa", "maria", None),
        ("patient/Observation.rs", "", "maria", None),
        ("http://smarthealthit.org/fhir/scopes/patient/Observation.rs", "Patient/maria", "maria", HERS),
        (f"patient/Observation.rs?category={SURVEY}", "Patient/maria", "maria", HERS),
        ("patient/Observation.rs?category=survey", "Patient/maria", "maria", HERS),
        ("patient/Observation.rs?category=vital-signs", "Patient/maria", "maria", None),
        ("", "Practitioner/ada", "maria", None),
    ],
)
def test_scopes_person_and_chart_decide_together(
    ehr: EhrSettings, now: datetime, scopes: str, user: str, patient: str | None, found: Reach | None
) -> None:
    """Searching scores, at a site that attests nothing of its portal."""
    site = at(ehr, portal=None)

    assert reach(token(now, scopes, user=user, patient=patient), "Observation", "s", site) == found


@pytest.mark.parametrize(("user", "found"), [("Practitioner/ada", ALL), ("Patient/maria", HERS)])
def test_a_site_may_let_clinicians_see_every_chart(ehr: EhrSettings, now: datetime, user: str, found: Reach) -> None:
    """Then `user/` of a clinician is not bound to the launch; that of a patient still is."""
    site = at(ehr, far=EhrTokens.EVERY_PATIENT, portal=None)

    assert reach(token(now, "user/Observation.rs", user=user, patient="maria"), "Observation", "s", site) == found


@pytest.mark.parametrize(
    ("portal", "proxies", "rung", "own", "others"),
    [
        (None, Shown.SHOWN, Rung.FLOWSHEET, HERS, None),
        (Shown.HIDDEN, Shown.HIDDEN, Rung.FLOWSHEET, HERS, None),
        (Shown.SHOWN, Shown.HIDDEN, Rung.FLOWSHEET, BOTH, None),
        (Shown.SHOWN, Shown.SHOWN, Rung.OBSERVATIONS, BOTH, HERS),
        (Shown.HIDDEN, Shown.SHOWN, Rung.FLOWSHEET, HERS, HERS),
        (Shown.SHOWN, Shown.SHOWN, Rung.HOLD, HERS, None),
        (Shown.SHOWN, Shown.SHOWN, Rung.NOTE, HERS, None),
    ],
)
def test_nobody_sees_more_than_was_told_before_the_first_question(
    ehr: EhrSettings, now: datetime, portal: Shown | None, proxies: Shown, rung: Rung, own: Reach, others: Reach | None
) -> None:
    """The therapist's rating, and answers for who acts for the patient, only where the attested portal shows them."""
    site = at(ehr, portal=portal, proxies=proxies, rung=rung)
    found = [
        reach(token(now, "patient/Observation.rs", user=user, patient="maria"), "Observation", "s", site)
        for user in ("Patient/maria", "RelatedPerson/rosa")
    ]

    assert found == [own, others]
