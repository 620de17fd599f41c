"""The authorize endpoint and its pages: who are you, which patient, allow or deny."""

import secrets
from dataclasses import dataclass, replace

from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError, OAuth2Error
from flask import Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from smart_app.sandbox.auth.authorize import (
    AuthorizationRequest,
    UntrustedClientError,
    callback,
    find_client,
    read_request,
)
from smart_app.sandbox.auth.clients import Clients
from smart_app.sandbox.auth.context import Launch
from smart_app.sandbox.auth.endpoints import Endpoints
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.auth.scopes import has_filtered_write, in_words
from smart_app.sandbox.auth.vault import Vault
from smart_app.sandbox.chart.record import Record
from smart_app.sandbox.chart.session import current_user
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.store import ResourceStore

COOKIE = "sandbox_authorize"  # ties the pages of one authorization to one browser
PAGE_SECONDS = 600
PEOPLE = ("Patient/", "Practitioner/", "RelatedPerson/")


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A standalone authorization between two pages: what is known so far, and in whose browser."""

    request: AuthorizationRequest
    browser: str
    user: str | None = None
    patient: str | None = None  # bare id


class AuthorizePages:
    """Views of the authorize endpoint (`authorize`) and of the answers to its pages (`answer`)."""

    def __init__(self, config: SandboxConfig, store: ResourceStore, grants: Grants, clients: Clients) -> None:
        self._endpoints = Endpoints(config)
        self._filtered_writes = config.filtered_writes
        self._record = Record(store, config)
        self._grants = grants
        self._clients = clients
        self._pending: Vault[Pending] = Vault(grants.clock)

    def authorize(self) -> ResponseReturnValue:
        """Take an authorization request, GET or POST: an EHR launch is granted at once, a standalone one asks."""
        values = request.form if request.method == "POST" else request.args
        try:
            client, redirect_uri = find_client(values, self._clients)
        except UntrustedClientError:
            return render_template("sandbox/auth/refused.html", why="unknown_app"), 400
        g.client_id = client.client_id
        try:
            asked = read_request(values, client, redirect_uri, audience=self._endpoints.issuer)
            if not self._filtered_writes and has_filtered_write(asked.scope):
                raise InvalidScopeError("Write scopes with a filter are not supported.")
            return self._ehr_launch(asked, asked.launch) if asked.launch is not None else self._standalone(asked)
        except OAuth2Error as error:
            return self._refuse(redirect_uri, values.get("state"), error)

    def answer(self) -> ResponseReturnValue:
        """Take the answer to one page, once, and from the browser that was asked; then ask the next question."""
        pending = self._pending.take(request.form.get("transaction", ""))
        browser = request.cookies.get(COOKIE, "")
        if pending is None or not secrets.compare_digest(pending.browser.encode(), browser.encode()):
            return render_template("sandbox/auth/refused.html", why="out_of_date"), 400
        try:
            return self._next(pending)
        except OAuth2Error as error:
            return self._refuse(pending.request.redirect_uri, pending.request.state, error)

    def _ehr_launch(self, asked: AuthorizationRequest, value: str) -> ResponseReturnValue:
        launch = self._grants.take_launch(value)
        if launch is None:
            raise InvalidRequestError("launch is unknown, used or older than five minutes.")
        return self._grant(asked, launch)

    def _standalone(self, asked: AuthorizationRequest) -> ResponseReturnValue:
        browser = request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
        pending = Pending(request=asked, browser=browser)
        page = self._ask(self._with_user(pending, current_user()))
        page.set_cookie(COOKIE, browser, httponly=True, samesite="Lax", path="/auth/")
        return page

    def _next(self, pending: Pending) -> ResponseReturnValue:
        """Act on the posted answer: a person, or a decision on the consent page."""
        person = request.form.get("person", "")
        if person.startswith(PEOPLE) and self._record.exists(person):
            return self._ask(self._choose(pending, person))
        decision = request.form.get("decision")
        if decision == "allow" and self._question(pending) == "consent":
            return self._grant(pending.request, self._context(pending))
        if decision == "other":
            return self._ask(self._with_user(pending, None))
        raise AccessDeniedError

    def _choose(self, pending: Pending, reference: str) -> Pending:
        if self._question(pending) == "patient" and reference.startswith("Patient/"):
            return replace(pending, patient=reference.removeprefix("Patient/"))
        if self._question(pending) == "user":
            return self._with_user(pending, reference)
        return pending

    def _with_user(self, pending: Pending, user: str | None) -> Pending:
        """Return this with somebody at the screen; a patient or a relative has one patient in context."""
        return replace(pending, user=user, patient=self._record.patient_of(user) if user else None)

    def _question(self, pending: Pending) -> str:
        if pending.user is None:
            return "user"
        return "patient" if pending.request.wants_patient and pending.patient is None else "consent"

    def _ask(self, pending: Pending) -> Response:
        """Show the page of the next open question; its form carries a new one-time transaction."""
        question = self._question(pending)
        scopes = pending.request.grantable(self._context(pending)) if pending.user else ()
        page = render_template(
            f"sandbox/auth/{question}.html",
            app=pending.request.client.name,
            transaction=self._pending.put(pending, seconds=PAGE_SECONDS),
            patients=self._record.patients() if question != "consent" else [],
            clinicians=self._record.practitioners() if question == "user" else [],
            relatives=self._record.relatives() if question == "user" else [],
            user=self._record.name_of({"reference": pending.user or ""}),
            patient=self._record.patient(pending.patient) if pending.patient else None,
            own=pending.user == f"Patient/{pending.patient}",
            permissions=in_words(scopes),
        )
        return make_response(page)

    def _context(self, pending: Pending) -> Launch:
        return Launch(user=pending.user or "", patient=pending.patient)

    def _grant(self, asked: AuthorizationRequest, launch: Launch) -> ResponseReturnValue:
        """Send the client a code for what this request is granted in this launch."""
        scopes = asked.grantable(launch)
        if not scopes:
            raise InvalidScopeError("None of the requested scopes is registered for this client and launch.")
        code = self._grants.issue_code(
            client_id=asked.client.client_id,
            scopes=scopes,
            launch=launch,
            nonce=asked.nonce,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
        )
        return redirect(callback(asked.redirect_uri, code=code, state=asked.state), 303)

    def _refuse(self, redirect_uri: str, state: str | None, error: OAuth2Error) -> ResponseReturnValue:
        params = dict(error.get_body())
        return redirect(callback(redirect_uri, **params, **({"state": state} if state else {})), 303)
