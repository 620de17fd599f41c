"""How far a token of an EHR reaches at our endpoint: whose records, and rated by whom."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from fhir_alliance.ehr.introspection import LiveToken
from fhir_alliance.readers.reach import Reach, reach
from fhir_alliance.settings import ChartReaders, EhrSettings, EhrTokens, Readers, Rung, Shown

SURVEY = "http://terminology.hl7.org/CodeSystem/observation-category|survey"
ALL, MARIAS = Reach(), Reach(patients=frozenset({"maria"}))
TOLD = (Rung.OBSERVATIONS, Rung.FLOWSHEET)
HERS = Reach(patients=frozenset({"maria"}), raters={"patient": None})
BOTH = Reach(patients=frozenset({"maria"}), raters={"patient": None, "therapist": TOLD})
FOR_HER = Reach(patients=frozenset({"maria"}), raters={"patient": TOLD})


def token(now: datetime, scopes: str, *, user: str = "", patient: str | None = None) -> LiveToken:
    """Return a live token."""
    return LiveToken(client_id="x", scopes=frozenset(scopes.split()), expires_at=now, patient=patient, user=user)


def at(
    ehr: EhrSettings,
    *,
    far: EhrTokens = EhrTokens.LAUNCH_PATIENT,
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
    return replace(ehr, ehr_tokens=far, readers=told)


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
    ("portal", "proxies", "own", "others"),
    [
        (None, Shown.SHOWN, HERS, None),
        (Shown.HIDDEN, Shown.HIDDEN, HERS, None),
        (Shown.SHOWN, Shown.HIDDEN, BOTH, None),
        (Shown.SHOWN, Shown.SHOWN, BOTH, FOR_HER),
        (Shown.HIDDEN, Shown.SHOWN, HERS, FOR_HER),
    ],
)
def test_nobody_sees_more_than_was_told_before_the_first_question(
    ehr: EhrSettings, now: datetime, portal: Shown | None, proxies: Shown, own: Reach, others: Reach | None
) -> None:
    """The therapist's rating, and answers for who acts for the patient, only where the attested portal shows them."""
    site = at(ehr, portal=portal, proxies=proxies)
    found = [
        reach(token(now, "patient/Observation.rs", user=user, patient="maria"), "Observation", "s", site)
        for user in ("Patient/maria", "RelatedPerson/rosa")
    ]

    assert found == [own, others]
