"""A draft of an EHR's entry in `alliance.toml`, from what its server states of itself."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError

from fhir_alliance.ehr.addresses import address
from fhir_alliance.ehr.discovery import OPTIONAL, PINNED, endpoints, require
from fhir_alliance.errors import InvalidSettings, LaunchError
from fhir_alliance.settings.addresses import LOOPBACK, url

CLINICIAN_SCOPES: Final = (
    "launch openid fhirUser online_access user/Patient.r user/Encounter.rs user/Questionnaire.rs "
    "user/QuestionnaireResponse.crus "
    "user/Observation.crus?category=http://terminology.hl7.org/CodeSystem/observation-category|survey "
    "user/DocumentReference.c user/Provenance.c user/Practitioner.r user/PractitionerRole.rs"
)
PATIENT_SCOPES: Final = (
    "launch/patient openid fhirUser online_access patient/Patient.r patient/Encounter.rs "
    "patient/QuestionnaireResponse.crus patient/Observation.crus"
)
BACKEND_SCOPES: Final = "system/Questionnaire.crus system/CodeSystem.crus"
"""What each client asks for; a site may take scopes out, and features of the app go with them."""

DELIVERY_SCOPES: Final = (
    "system/Patient.r system/Encounter.r system/QuestionnaireResponse.crus system/Observation.crus system/Provenance.c"
)
"""What a site may let the backend client do as well: it is never asked for unless the site writes it down."""

HARVEST_SCOPES: Final = "system/Patient.r system/Encounter.r system/QuestionnaireResponse.rs system/Observation.crus"
"""What the backend client asks for too, where a site scores responses that other programs wrote."""

VISIT_SCOPES: Final = "system/Encounter.rs system/QuestionnaireResponse.rs"
"""What the backend client asks for too, where a site's visits are looked through."""

APPOINTMENT_SCOPE: Final = "system/Appointment.rs"
"""Beside those, where visits are found by what is booked."""

TOPIC_SCOPES: Final = "system/Subscription.crus"
"""What the backend client asks for too, where the EHR is asked to tell of visits."""

TASK_SCOPES: Final = "system/Task.crus"
"""What the backend client asks for too, where the EHR gets what is asked as Tasks."""

BULK_SCOPES: Final = "system/Observation.rs system/QuestionnaireResponse.rs system/Patient.rs system/Group.rs"
"""What the backend client asks for too, where a group's results are exported (spec row B05)."""

MESSAGE_SCOPE: Final = "system/CommunicationRequest.c"
"""What it asks for too, where the EHR passes links and reminders on."""

# Comments only: the file can be read before the site has filled anything in.
_TO_FILL_IN = """\
# frame_ancestors = ["https://ehr.example.org"]   # origins of the EHR's pages that show the app in a frame
# embedding = "either"   # or "frame": it always shows the app so; "new-window": it opens beside the chart, never framed
# languages = ["en"]     # of the forms at this EHR, the first where nothing else is known; translations: once reviewed

# Register the app at the EHR with these addresses, below public_url:
#   launch /launch   redirect /callback/{name}   keys /.well-known/jwks.json
# Make the keys of its clients: fhir-alliance client-keys new {name}-clinician.jwk, and the same for {name}-backend.jwk
# Then fill in what the EHR gave you, and remove the leading "#". A patient client may be public: no key_file.

# [ehr.{name}.clinician]
# client_id = ""
# key_file = "{name}-clinician.jwk"   # a private file, mode 0600; or secret_file, or secret_variable
# scopes = "{clinician}"
# With user/DocumentReference.crus in place of .c clinicians can file the view in the chart as a PDF page.

# [ehr.{name}.patient]
# client_id = ""
# scopes = "{patient}"

# [ehr.{name}.backend]         # publishes the forms
# client_id = ""
# key_file = "{name}-backend.jwk"
# scopes = "{backend}"
# With these as well it delivers when whoever sent a form has left, and can be tried by `doctor --write-probe`; they
# reach every chart. Where notes are written, DocumentReference.crus in place of the two before Provenance:
#   {delivery}
# To find visits without a launch; where it is appointments that are looked through, Appointment.rs as well:
#   {visits}
# To have what is asked as Tasks in the EHR's own lists:
#   {tasks}
# To export the results of a group of patients with `fhir-alliance bulk export`; they reach every chart as well:
#   {bulk}

# [ehr.{name}.cds]             # the chart shows cards that a form is due, by CDS Hooks; without this nobody is answered
# issuer = ""                  # the iss of the tokens by which the EHR proves itself
# jwks_uri = ""                # where its keys are; or jwks_file = "{name}-cds.jwks.json"
# Register these services at the EHR, below public_url:
#   /cds-services/patient-view  /cds-services/encounter-start  /cds-services/appointment-book
# To let the EHR pass links and reminders on, where [links] says communication_request = true:
#   {messages}
"""


def checked_base(fhir_base: str, *, allow_private: bool) -> str:
    """Return the FHIR base of an EHR without its final slash; raises InvalidSettings when it may not be asked."""
    base = fhir_base.removesuffix("/")
    if fault := _fault(base, allow_private=allow_private):
        raise InvalidSettings([f"the FHIR base {fault}"])
    return base


def draft_entry(
    values: Mapping[str, Any], *, name: str, fhir_base: str, allow_private: bool, without_s256: bool = False
) -> str:
    """Return the lines of `[ehr.NAME]` with the endpoints of a smart-configuration, pinned as they are stated.

    Raises LaunchError when the server lacks what a launch needs (spec row S05) or what says who signs in, and
    InvalidSettings with every endpoint that may not be registered. What a server states is not trusted: only plain
    addresses get into the file.
    """
    require(values, without_s256=without_s256)
    stated = endpoints(values, fhir_base)
    if lacking := [each for each in PINNED if each not in stated and each not in OPTIONAL]:
        raise LaunchError(f"smart-configuration lacks {', '.join(lacking)}: who signs in could not be proven")
    faults = [(each, _fault(stated[each], allow_private=allow_private)) for each in stated]
    if any(fault for _, fault in faults):
        raise InvalidSettings([f"smart-configuration: {each} {fault}" for each, fault in faults if fault])
    chosen = {"allow_private": allow_private, "without_s256": without_s256}
    return "\n".join(_lines(stated, name=name, fhir_base=fhir_base, chosen=chosen))


def usable(value: str) -> bool:
    """Whether an address may stand in the settings, and may be shown on a terminal as it is."""
    return _fault(value, allow_private=True) is None


def _lines(stated: Mapping[str, str], *, name: str, fhir_base: str, chosen: Mapping[str, bool]) -> Iterator[str]:
    yield f"[ehr.{name}]"
    yield f'title = "{urlsplit(fhir_base).hostname}"   # how people call this EHR'
    yield f'fhir_base = "{fhir_base}"'
    yield from (f'{each} = "{value}"' for each, value in stated.items())
    yield from (f"{each} = true" for each, is_chosen in chosen.items() if is_chosen)
    yield _TO_FILL_IN.format(
        name=name,
        clinician=CLINICIAN_SCOPES,
        patient=PATIENT_SCOPES,
        backend=BACKEND_SCOPES,
        delivery=DELIVERY_SCOPES,
        visits=VISIT_SCOPES,
        tasks=TASK_SCOPES,
        bulk=BULK_SCOPES,
        messages=MESSAGE_SCOPE,
    )


def _fault(value: str, *, allow_private: bool) -> str | None:
    """Return why an address may not be registered; loopback is for those who allow private addresses."""
    try:
        url(value)
    except ValidationError as error:
        return str(error.messages[0])
    found = address(value)
    if found is None:
        return "is an address that could be read in two ways"
    if found.host in LOOPBACK and not allow_private:
        return "is on this machine; --allow-private is for that"
    return None
