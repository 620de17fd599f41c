"""The files of a demo site: keys, settings of the app, settings of the sandbox EHR."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_alliance.ehr.client_key_file import create_client_keys
from fhir_alliance.ehr.draft import (
    BACKEND_SCOPES,
    BULK_SCOPES,
    CLINICIAN_SCOPES,
    PATIENT_SCOPES,
    TOPIC_SCOPES,
    VISIT_SCOPES,
)
from fhir_alliance.key_file import create_key_file
from smart_app.sandbox.fhir.topics import TOPIC

_SURVEY_ONLY = "?category=http://terminology.hl7.org/CodeSystem/observation-category|survey"
_SCALES = ("core", "full", "goals", "bond-openness", "tasks-collaboration", "safety-boundaries")
_ROWS = (*_SCALES, *(f"therapist-{scale}" for scale in _SCALES))
_FLOWSHEET = "score,system,code,display,unit\n" + "".join(
    f"visit-check-in-{name},urn:oid:2.999.4711,{number},Visit check-in {name},score\n"
    for number, name in enumerate(_ROWS, 1)
)
_ROWS_ONLY = """
[ehr.harbor.write]
rung = "flowsheet"
category = "vital-signs"
mapping = "flowsheet.csv"
keep_days = 3650
"""
_NOTES = """
[ehr.harbor.write]
rung = "note"
keep_days = 3650
"""
# The EHR tells of visits, and they are looked through as well, so that a card says what is due before anybody has
# opened the app.
_CARDS = """
[ehr.harbor.visits]
poll_minutes = 5
topic = "{topic}"

[ehr.harbor.cds]
issuer = "{site.fhir_base}"
jwks_uri = "{site.ehr_url}/auth/cds-jwks"
"""
# Nobody has reviewed anything for the demo: the name says so, and what it stands for is only shown to who tries it.
_REVIEWER = "Demo, not a real review"
_SPANISH = f"""
[site.languages.es]
reviewed_by = "{_REVIEWER}"
crisis_line = "Demostración: llame o envíe un mensaje al 988. En una emergencia llame al 911."
someone_else = "Demostración: atención al paciente, 555 0100."
"""
# How the demo's site writes into each kind of EHR that does not take everything.
_WRITE = {"flowsheet": _ROWS_ONLY, "lab-and-vitals-only": _NOTES, "notes-only": _NOTES}
HEALTH_SYSTEM_SCOPES = "system/Observation.rs"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where both servers answer, and the files they read; `health_system_key` belongs to who queries the scores."""

    ehr_url: str
    app_url: str
    settings: Path
    sandbox: Path
    health_system_key: Path

    @property
    def fhir_base(self) -> str:
        """The FHIR base of the sandbox EHR."""
        return f"{self.ehr_url}/fhir"

    @property
    def token_endpoint(self) -> str:
        """Where the sandbox EHR gives out tokens."""
        return f"{self.ehr_url}/auth/token"


def write_site(
    folder: Path, *, ehr_port: int, app_port: int, token_seconds: int = 300, profile: str = "generous"
) -> Site:
    """Write everything a site needs into an empty folder; every key is new, `profile` is the kind of EHR."""
    site = Site(
        ehr_url=f"http://127.0.0.1:{ehr_port}",
        app_url=f"http://localhost:{app_port}",
        settings=folder / "alliance.toml",
        sandbox=folder / "sandbox.json",
        health_system_key=folder / "health-system.jwk",
    )
    create_key_file(folder / "vault.json")
    public = {name: create_client_keys(folder / f"{name}.jwk") for name in ("clinician", "backend", "health-system")}
    write = _WRITE.get(profile, "")
    settings, clients = _settings(site, folder) + write, _clients(site, public)
    if write == _ROWS_ONLY:  # a flowsheet row is no survey
        settings = settings.replace(_SURVEY_ONLY, "")
        clients = [{**each, "scopes": each["scopes"].replace(_SURVEY_ONLY, "")} for each in clients]
        (folder / "flowsheet.csv").write_text(_FLOWSHEET, "utf-8")
    if write == _NOTES:
        settings = _with_notes(settings)
        clients = [{**each, "scopes": _with_notes(each["scopes"])} for each in clients]
    site.settings.write_text(settings, "utf-8")
    sandbox = {
        "base_url": site.ehr_url,
        "database": str(folder / "sandbox.db"),
        "token_seconds": token_seconds,
        "profile": profile,
        "clients": clients,
    }
    site.sandbox.write_text(json.dumps(sandbox, indent=2), "utf-8")
    return site


def offer_cards(site: Site) -> None:
    """Let the sandbox EHR of a site that is written, and not running yet, show our cards in its charts."""
    asked = f"{BACKEND_SCOPES} {VISIT_SCOPES} {TOPIC_SCOPES}"
    settings = site.settings.read_text("utf-8").replace(BACKEND_SCOPES, asked)
    site.settings.write_text(settings + _CARDS.format(site=site, topic=TOPIC), "utf-8")
    sandbox = json.loads(site.sandbox.read_text("utf-8").replace(BACKEND_SCOPES, asked))
    sandbox["cds_services"] = f"{site.app_url}/cds-services"
    site.sandbox.write_text(json.dumps(sandbox, indent=2), "utf-8")


def offer_export(site: Site) -> None:
    """Let the backend client of a site that is written, and not running yet, export a group in bulk."""
    for path in (site.settings, site.sandbox):
        path.write_text(path.read_text("utf-8").replace(BACKEND_SCOPES, f"{BACKEND_SCOPES} {BULK_SCOPES}"), "utf-8")


def offer_filing(site: Site) -> None:
    """Let clinicians of a site that is written, and not running yet, file the view in the chart."""
    for path in (site.settings, site.sandbox):
        path.write_text(_with_notes(path.read_text("utf-8")), "utf-8")


def offer_spanish(site: Site) -> None:
    """Let patients of a site that is written, and not running yet, choose Spanish; its words say that it is a demo."""
    settings = site.settings.read_text("utf-8")
    reviewed = f'[instruments]\nreviewed_by = {{"visit-check-in-1.0.0.es" = "{_REVIEWER}"}}\n'
    site.settings.write_text(settings.replace("[instruments]\n", reviewed) + _SPANISH, "utf-8")


def _with_notes(scopes: str) -> str:
    """Return scopes that also let notes be read back and superseded, by whoever is signed in."""
    return scopes.replace("user/DocumentReference.c ", "user/DocumentReference.crus ").replace(
        "patient/Observation.crus", "patient/Observation.crus patient/DocumentReference.crus"
    )


def _settings(site: Site, folder: Path) -> str:
    return f"""\
public_url = "{site.app_url}"
database = "sqlite:///{folder / "alliance.db"}"
vault_key_file = "vault.json"

[site]
name = "Harbor Clinic"
crisis_line = "Call or text 988. In an emergency call 911."
someone_else = "Patient relations, 555 0100."
time_zone = "America/New_York"

[instruments]
on_request = ["gad-7", "phq-4"]

[links]
enabled = true

[tablets]
enabled = true

[ehr.harbor]
title = "Harbor EHR (sandbox)"
fhir_base = "{site.fhir_base}"
issuer = "{site.fhir_base}"
authorization_endpoint = "{site.ehr_url}/auth/authorize"
token_endpoint = "{site.token_endpoint}"
jwks_uri = "{site.ehr_url}/auth/jwks"
revocation_endpoint = "{site.ehr_url}/auth/revoke"
frame_ancestors = ["{site.ehr_url}"]
allow_private = true
therapist_overview = true

[ehr.harbor.clinician]
client_id = "alliance-clinician"
key_file = "clinician.jwk"
scopes = "{CLINICIAN_SCOPES}"

[ehr.harbor.patient]
client_id = "alliance-patient"
scopes = "{PATIENT_SCOPES}"

[ehr.harbor.backend]
client_id = "alliance-backend"
key_file = "backend.jwk"
scopes = "{BACKEND_SCOPES}"
"""


def _clients(site: Site, public: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    callback = f"{site.app_url}/callback/harbor"
    by_code = ["authorization_code", "refresh_token"]
    return [
        {
            "client_id": "alliance-clinician",
            "name": "FHIR Alliance",
            "scopes": f"{CLINICIAN_SCOPES} launch/patient",
            "grant_types": by_code,
            "redirect_uris": [callback],
            "launch_url": f"{site.app_url}/launch",
            "jwks": public["clinician"],
        },
        {
            "client_id": "alliance-patient",
            "name": "How was your visit?",
            "scopes": PATIENT_SCOPES,
            "grant_types": by_code,
            "redirect_uris": [callback],
            "start_url": f"{site.app_url}/start/harbor",
        },
        {
            "client_id": "alliance-backend",
            "name": "FHIR Alliance, publishing",
            "scopes": BACKEND_SCOPES,
            "grant_types": ["client_credentials"],
            "jwks": public["backend"],
        },
        {
            "client_id": "health-system",
            "name": "Health system, reporting",
            "scopes": HEALTH_SYSTEM_SCOPES,
            "grant_types": ["client_credentials"],
            "jwks": public["health-system"],
        },
    ]
