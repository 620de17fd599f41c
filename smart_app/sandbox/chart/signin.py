"""The pages where somebody says who they are, and leaves again."""

from flask import abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from smart_app.sandbox.chart.record import Record
from smart_app.sandbox.chart.session import require_form_token, sign_in, sign_out

_LANDING = {"Practitioner": "chart.patients", "Patient": "chart.portal", "RelatedPerson": "chart.portal"}


class SignInPages:
    """Sign-in chooser, sign in, sign out."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def home(self) -> ResponseReturnValue:
        """Show the clinicians to sign in as, and the way to the patient portal."""
        return render_template("sandbox/home.html", practitioners=self._record.practitioners())

    def sign_in(self) -> ResponseReturnValue:
        """Sign in the chosen person and show their first page."""
        require_form_token()
        reference = request.form.get("user", "")
        landing = _LANDING.get(reference.partition("/")[0])
        if landing is None or not self._record.exists(reference):
            abort(400, "Nobody of that name is in this record. Go back and choose again.")
        return sign_in(make_response(redirect(url_for(landing), 303)), reference)

    def sign_out(self) -> ResponseReturnValue:
        """Sign out and show the sign-in chooser."""
        require_form_token()
        return sign_out(make_response(redirect(url_for("chart.home"), 303)))
