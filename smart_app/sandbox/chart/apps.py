"""The Apps tab: SMART EHR launches out of a patient's chart."""

from urllib.parse import urlencode

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.chart.access import clinicians_only
from smart_app.sandbox.chart.record import PatientCard, Record
from smart_app.sandbox.chart.session import current_user, require_form_token
from smart_app.sandbox.config import SandboxClient, SandboxConfig


class AppPages:
    """Pages that offer the registered apps and launch them (SMART App Launch 2.2, EHR launch)."""

    def __init__(self, record: Record, config: SandboxConfig, grants: Grants) -> None:
        self._record = record
        self._config = config
        self._grants = grants

    @clinicians_only
    def apps(self, patient_id: str) -> ResponseReturnValue:
        """Show the apps that can be opened for this patient."""
        offered = [client for client in self._config.clients if client.launch_url]
        return render_template("sandbox/apps.html", patient=self._record.patient(patient_id), apps=offered)

    @clinicians_only
    def open_in_chart(self, patient_id: str, client_id: str) -> ResponseReturnValue:
        """Launch an app in a frame of the chart, under the chart's own patient banner."""
        require_form_token()
        app, patient = self._client(client_id), self._record.patient(patient_id)
        launch = self._launch(app, patient, need_patient_banner=False)
        return render_template("sandbox/app.html", patient=patient, app=app, launch=launch)

    @clinicians_only
    def open_in_window(self, patient_id: str, client_id: str) -> ResponseReturnValue:
        """Launch an app that fills a window of its own, so that it must show who the patient is."""
        require_form_token()
        patient = self._record.patient(patient_id)
        return redirect(self._launch(self._client(client_id), patient, need_patient_banner=True), 303)

    def _client(self, client_id: str) -> SandboxClient:
        """Return the offered app with this id."""
        offered = (one for one in self._config.clients if one.client_id == client_id and one.launch_url)
        client = next(offered, None)
        if client is None:
            abort(404, "This app is not offered here. Go back to the Apps tab and choose another.")
        return client

    def _launch(self, app: SandboxClient, patient: PatientCard, *, need_patient_banner: bool) -> str:
        """Begin a launch for today's visit, if there is one, and return the URL to open; a card may have said more."""
        launch = self._grants.begin_launch(
            user=current_user() or "",
            patient=patient.id,
            encounter=patient.today.id if patient.today else None,
            need_patient_banner=need_patient_banner,
            app_context=request.form.get("app_context") or None,
        )
        separator = "&" if "?" in (app.launch_url or "") else "?"
        return f"{app.launch_url}{separator}{urlencode({'iss': self._config.fhir_base, 'launch': launch})}"
