"""What a launch needs to know before its first page: who the patient is, which visit it is, and who has signed in."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from functools import partial

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.last_year import search_last_year
from fhir_alliance.ehr.shapes import well_shaped
from fhir_alliance.errors import EhrError, EhrUnreachable, SignInNeeded
from fhir_alliance.records.patient import languages_of, read_patient
from fhir_alliance.records.place import Place, place_of
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.trajectory.series import Visit, read_visits
from smart_app.web.look.style import Look
from smart_app.web.reading import together
from smart_app.web.record import RawResource, Read, if_allowed, may


@dataclass(frozen=True, kw_only=True)
class LaunchFacts:
    """The patient, the visit that the EHR named, and the practitioner behind the user, empty when there is none.

    `place` is where the patient lives, `look` how the EHR wants us to look, `spoken` are the practitioner's languages.
    """

    patient: PatientShown
    place: Place
    visit: Visit | None
    practitioner: str
    look: Look
    spoken: tuple[str, ...]


def read_launch_facts(
    client: FhirClient,
    patient: str,
    *,
    encounter: str | None,
    user: str,
    scopes: Collection[str],
    look: Callable[[], Look],
    today: date,
    speaking: bool = False,
) -> LaunchFacts:
    """Return what a launch needs to know, in one round trip; `user` is the reference of who signed in.

    `encounter` is the id of the visit that the EHR named; where its visits are too many to come at once, it may cost
    another round trip. What the granted `scopes` do not allow is not asked for, and left out (S25). `look` is called
    meanwhile, without the client and its token. Languages are asked for only when it is about `speaking`.
    """
    kind, _, user_id = user.partition("/")
    speaks = speaking and kind == "Practitioner" and may(scopes, kind, "r")
    reads: list[Read] = [
        _one("Patient", patient),
        if_allowed(scopes, "Encounter", partial(search_last_year, kind="Encounter", patient=patient, today=today)),
        lambda _: look(),
        _spoken(user_id) if speaks else lambda _: (),
    ]
    if kind == "PractitionerRole" and may(scopes, kind, "r"):
        reads.append(_one(kind, user_id))
    resource, encounters, looks, spoken, *roles = together(client, reads)
    named = [str(role.get("practitioner", {}).get("reference", "")) for role in roles]
    visits = read_visits(encounters.resources, patient=patient, numbered=encounters.whole)
    visit = next((each for each in visits if each.encounter == f"Encounter/{encounter}"), None)
    if encounter and not visit and not encounters.whole and may(scopes, "Encounter", "r"):
        visit = _visit(client, encounter, patient)
    return LaunchFacts(
        patient=read_patient(resource),
        place=place_of(resource, today),
        visit=visit,
        practitioner=user if kind == "Practitioner" else "".join(named),
        look=looks,
        spoken=spoken,
    )


def _one(kind: str, id: str) -> Read:  # noqa: A002  # FHIR's own word
    """Return what reads one resource, without which a page has nothing to show."""

    def read(ehr: FhirClient) -> RawResource:
        resource = ehr.read(kind, id)
        if not well_shaped(resource):
            raise EhrUnreachable(f"malformed {kind}")
        return resource

    return read


def _visit(client: FhirClient, encounter: str, patient: str) -> Visit | None:
    """Return a visit of a patient by its Encounter's id, without a number; None where it cannot be had."""
    try:
        resource = client.read("Encounter", encounter)
    except SignInNeeded:
        raise
    except EhrError:
        return None
    return next(iter(read_visits(filter(well_shaped, [resource]), patient=patient, numbered=False)), None)


def _spoken(practitioner: str) -> Read:
    """Return what reads the languages of a practitioner; nothing of a launch hangs on them."""

    def read(ehr: FhirClient) -> tuple[str, ...]:
        try:
            resource = ehr.read("Practitioner", practitioner)
        except EhrError:
            return ()
        return languages_of(resource) if well_shaped(resource) else ()

    return read
