"""How far a token of an EHR reaches at our FHIR endpoint (pure; spec rows S31 and S32, security.md P8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fhir_alliance.ehr.introspection import LiveToken
from fhir_alliance.ehr.scopes import Interaction, Level, allows
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import EhrSettings, EhrTokens, Rung, Shown
from fhir_alliance.terms import OBSERVATION_CATEGORY

_CLINICIANS: Final = ("Practitioner", "PractitionerRole")
_LEVELS: Final[tuple[Level, ...]] = ("system", "user", "patient")
# Who answered on these rungs was told before the first question what the portal shows.
_TOLD: Final = (Rung.OBSERVATIONS, Rung.FLOWSHEET)
# Everything here is a survey: other filters leave it out, or cannot be judged.
_SURVEYS: Final = ("category=survey", f"category={OBSERVATION_CATEGORY}|survey")


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whose records are seen, and rated by whom on which rungs; None is everybody, and every rung."""

    patients: frozenset[str] | None = None
    raters: Mapping[str, tuple[Rung, ...] | None] | None = None


def reach(token: LiveToken, kind: str, interaction: Interaction, ehr: EhrSettings) -> Reach | None:
    """Return what a token of `ehr` may see of a type of resources, None when that is nothing.

    `system/` is everything, for a program without a person or a chart; `user/` of a clinician the chart of the launch,
    or every chart where the site says so; `patient/` that patient's. Who is no clinician sees what patients rated, and
    the therapist's rating or somebody else's answers only where the site attests that its portal shows them.
    """
    scopes = list(_unfiltered(token.scopes))
    system, user, patient = (allows(scopes, kind, interaction, level) for level in _LEVELS)
    if system and not token.user and token.patient is None:
        return Reach()
    clinician = token.user.partition("/")[0] in _CLINICIANS
    if clinician and user and ehr.ehr_tokens is EhrTokens.EVERY_PATIENT:
        return Reach()
    if token.patient is None or not (user or patient):
        return None
    patients = frozenset({token.patient})
    if clinician:
        return Reach(patients=patients)
    raters = _shown_to(token, ehr)
    return Reach(patients=patients, raters=raters) if raters else None


def _shown_to(token: LiveToken, ehr: EhrSettings) -> Mapping[str, tuple[Rung, ...] | None]:
    """Return whose ratings a patient sees, or somebody who acts for the patient; who is not named is such a one."""
    told = ehr.readers
    if token.user == f"Patient/{token.patient}":
        both = told is not None and told.patient_portal is Shown.SHOWN
        return {Rater.PATIENT: None} | ({Rater.THERAPIST: _TOLD} if both else {})
    return {Rater.PATIENT: _TOLD} if told is not None and told.proxies is Shown.SHOWN else {}


def _unfiltered(scopes: Iterable[str]) -> Iterable[str]:
    for scope in scopes:
        plain, query, condition = scope.partition("?")
        if not query or condition in _SURVEYS:
            yield plain
