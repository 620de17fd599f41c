"""Forms that are reviewed and only have to be sent: what a load on the running app is made of."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests
from flask import Flask
from itsdangerous import URLSafeSerializer

from fhir_alliance.ehr.identity import User
from fhir_alliance.ehr.launches import Granted
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.store import transaction
from fhir_alliance.trajectory.series import Visit
from smart_app.web.app import create_app
from smart_app.web.cookies import SESSION, fingerprint
from smart_app.web.drafts import save_draft
from smart_app.web.forms import open_form
from smart_app.web.launches import Context, Role, open_launch, read_launch
from smart_app.web.services import Services
from smart_app.web.sessions import begin_session

LONG = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """One form that a patient has answered and reviewed; `key` is the one that its submission will have.

    `answers` are the codes that the chart must hold, by linkId.
    """

    handle: str
    key: str
    patient: str
    answers: Mapping[str, str]
    fields: Mapping[str, str] = field(repr=False)
    cookie: str = field(repr=False)

    def send(self, app_url: str, session: requests.Session) -> str:
        """Press Send; returns the key that the receipt's address names, empty when the app did not accept it."""
        reply = self.post("send", app_url, session)
        parts = reply.headers.get("Location", "").rsplit("/receipt/", 1)
        return parts[1] if reply.status_code == 303 and len(parts) > 1 else ""

    def post(self, page: str, app_url: str, session: requests.Session) -> requests.Response:
        """Send the form's fields to a page of its launch."""
        return session.post(
            f"{app_url}/l/{self.handle}/{page}",
            data=self.fields,
            headers={"Cookie": self.cookie, "Origin": app_url},
            allow_redirects=False,
            timeout=30,
        )


def people(count: int, *, visits: int = 1) -> list[dict[str, Any]]:
    """Return patients as an EHR has them, each followed by their visits."""
    found: list[dict[str, Any]] = []
    for number in range(count):
        patient = f"p{number}"
        name = {"use": "official", "given": ["Given"], "family": f"Family{number}"}
        mrn = {"system": "urn:oid:2.999.1", "value": f"MRN-{number}"}
        found.append({"resourceType": "Patient", "id": patient, "active": True, "name": [name], "identifier": [mrn]})
        found[-1]["birthDate"] = "1988-03-04"
        found += (_visit(patient, each) for each in range(1, visits + 1))
    return found


def _visit(patient: str, number: int) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"{patient}-v{number}",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
    }


class Desk:
    """Prepares forms in a site's database before its servers run, and signs patients in again later."""

    def __init__(self, app: Flask, *, seed: int) -> None:
        self._app = app
        self._services: Services = app.extensions["alliance"]
        self._random = random.Random(seed)  # noqa: S311  # test data
        self._signer = URLSafeSerializer(self._services.vault.derive("csrf"), salt="csrf")

    @classmethod
    def of(cls, settings: Any, *, seed: int) -> "Desk":
        """Open a site by its settings."""
        return cls(create_app(settings), seed=seed)

    def close(self) -> None:
        """Leave the database to the servers."""
        self._services.engine.dispose()

    def permission(self, patient: str, tokens: Mapping[str, Any]) -> str:
        """Keep what the EHR's token endpoint answered for a patient; returns the permission's id."""
        granted = Granted(
            access_token=tokens["access_token"],
            refresh_token=tokens.get("refresh_token"),
            expires_at=datetime.now(UTC) + timedelta(seconds=tokens["expires_in"]),
            scopes=frozenset(tokens["scope"].split()),
            patient=patient,
            encounter=f"{patient}-v1",
            user=User(issuer="https://ehr.example.invalid", subject=patient, reference=f"Patient/{patient}"),
            need_patient_banner=False,
            style_url=None,
            intent=None,
            fhir_context=(),
        )
        return self._services.grants.keep("harbor", "patient", granted)

    def sign_in_again(self, patient: str, tokens: Mapping[str, Any]) -> int:
        """Let a patient's new permission take over what waits for one; returns how many forms that were."""
        grant = self.permission(patient, tokens)
        return self._services.outbox.renew(ehr="harbor", patient=patient, grant=grant)

    def prepare(self, patient: Mapping[str, Any], grant: str, count: int) -> Iterator[Reviewed]:
        """Yield forms of a patient, each about a visit and in a session of its own, with answers drawn at random.

        Two about one visit would be one form that is begun on two devices.
        """
        for number in range(1, count + 1):
            with self._app.test_request_context():
                yield self._reviewed(patient, grant, number)

    def chart(self, patient: PatientShown, visit: Visit) -> Callable[[str], str]:
        """Open the view of a patient for the therapist of a visit; returns what asks for the page of some visits."""
        user = str(visit.therapist)
        kinds = " ".join(f"user/{kind}.rs" for kind in ("Encounter", "Observation", "QuestionnaireResponse"))
        grant = self.permission(patient.id, {"access_token": "unused", "expires_in": 3600, "scope": kinds})
        context = Context(patient=patient, visit=visit, practitioner=user)
        with self._app.test_request_context():
            secret, handle = self._launched(Role.CLINICIAN, user, grant, context)
        browser = self._app.test_client()
        browser.set_cookie(SESSION, secret)

        def ask(last: str) -> str:
            reply = browser.get(f"/l/{handle}/chart?last={last}", base_url=self._services.settings.public_url)
            if reply.status_code != HTTPStatus.OK:
                raise RuntimeError(f"the view was answered with {reply.status_code}")
            return reply.text

        return ask

    def _reviewed(self, patient: Mapping[str, Any], grant: str, number: int) -> Reviewed:
        visit = Visit(
            encounter=f"Encounter/{patient['id']}-v{number}",
            number=2,  # one at which the short form is asked
            start=datetime.now(UTC),
            therapist="Practitioner/ada-okafor",
            therapist_name="Dr. Ada Okafor",
        )
        context = Context(patient=read_patient(dict(patient)), visit=visit)
        secret, handle = self._launched(Role.PATIENT, f"Patient/{patient['id']}", grant, context)
        with self._services.engine.connect() as connection:
            launch = read_launch(connection, handle)
        assert launch
        opened = open_form(launch)
        given = {item.link_id: self._random.choice(item.options).code for item in opened.form.items}
        answers = check_answers(opened.form, Answers(given=given))  # without those that a condition leaves out
        draft = save_draft(launch, opened.draft, answers, seen_version=opened.draft.version)
        fields = {"key": draft.key, "version": str(draft.version), "_csrf": self._signer.dumps(["launch", handle])}
        return Reviewed(
            handle=handle,
            key=draft.key,
            patient=patient["id"],
            answers=answers.given,
            fields=fields,
            cookie=f"{SESSION}={secret}",
        )

    def _launched(self, role: Role, user: str, grant: str, context: Context) -> tuple[str, str]:
        """Return the secret of a new session and the handle of its launch."""
        now = datetime.now(UTC)
        with transaction(self._services.engine) as connection:
            secret = begin_session(connection, user_key=user, at=now)
            handle = open_launch(
                connection,
                session=fingerprint(secret),
                ehr="harbor",
                role=role,
                user=user,
                user_key=user,
                grant=grant,
                context=context,
                # A form is left alone for half an hour at most; a load may take longer.
                at=now + LONG,
            )
        return secret, handle
