"""What a patient has sent, with the corrections since, and whether it may still be changed."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

import orjson

from fhir_alliance.delivery.correcting import Cause, Correction
from fhir_alliance.delivery.receipts import Kind, Receipt, UnknownReceipt
from fhir_alliance.errors import CorrectionRefused, CorrectionTooLate, EhrError
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.corrections import at_first_time
from fhir_alliance.records.shapes import check_own_shape
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.settings import Rung
from fhir_alliance.trajectory.series import Visit, read_visits
from smart_app.web.asked import form_named
from smart_app.web.drafts import open_draft
from smart_app.web.forms import OpenForm, audience_of, digest_of, make_submission, way_of
from smart_app.web.launches import Launch, Role
from smart_app.web.reading import with_ehr
from smart_app.web.services import services


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One form that was sent about the patient of a launch: its first version, the newest, and the time to change it.

    `until` is None when it is not for the patient to change; `theirs` says that the patient signed in for this launch.
    """

    first: Receipt
    newest: Receipt
    until: datetime | None
    theirs: bool

    @property
    def open(self) -> bool:
        """Whether it may be changed or taken back here and now."""
        taken_back = self.newest.kind is Kind.WITHDRAWAL
        return self.theirs and self.until is not None and not taken_back and services().clock() < self.until


def sent_in(launch: Launch, key: str, *, filed: bool = False) -> Sent:
    """Return a form by the key of any of its versions; UnknownReceipt when it is not about this patient.

    A page that was `filed` in the chart is none, and is returned only to who asks for such, too.

    A patient's own form may be changed by the patient, in a launch of their own: not on a handed-over device, which
    somebody else may hold by now, and not by anybody who acts for the patient.
    """
    about = {"ehr": launch.ehr.name, "patient": launch.patient.id}
    asked = services().outbox.receipt(key, **about)
    if asked.rung is Rung.DOCUMENT and not filed:
        raise UnknownReceipt
    first = asked if asked.key == asked.form_key else services().outbox.receipt(asked.form_key, **about)
    newest = services().corrections.newest(asked.form_key, **about)
    own = launch.role is not Role.CLINICIAN and first.rater == Rater.PATIENT and launch.ehr.change_window
    until = first.accepted_at + launch.ehr.change_window if own else None
    return Sent(first=first, newest=newest, until=until, theirs=launch.role is Role.PATIENT)


def newest_sent(launch: Launch, *, since: datetime) -> list[Receipt]:
    """Return the newest version of each form that was sent about the patient of a launch since then, newest first."""
    sent = services().outbox.sent(ehr=launch.ehr.name, patient=launch.patient.id, since=since)
    last: dict[str, Receipt] = {}
    for each in sent:
        last.setdefault(each.form_key, each)
    return list(last.values())


def open_to_change(launch: Launch, key: str) -> Sent:
    """Return a form that may be changed or taken back now, by the key of its newest version.

    Raises CorrectionRefused when there is a newer one, CorrectionTooLate when its time is over.
    """
    sent = sent_in(launch, key)
    if sent.newest.key != key or sent.newest.kind is Kind.WITHDRAWAL:
        raise CorrectionRefused("there is a newer version")
    if not sent.open:
        raise CorrectionTooLate("the window has closed")
    return sent


def is_of_launch(launch: Launch, found: Receipt) -> bool:
    """Whether a clinician's launch is about a form: of a visit with them, or of no visit in particular."""
    return found.therapist in (None, launch.context.practitioner)


def open_change(launch: Launch, sent: Sent) -> tuple[OpenForm, Visit | None]:
    """Return the form as it was asked, with the answers as they were sent, and the visit it is about."""
    instrument, form = form_named(sent.first.form)
    visit = _visit(launch, sent.first.encounter)
    response = services().outbox.response(sent.newest.key, ehr=launch.ehr.name, patient=launch.patient.id)
    answers = read_answers(response, form) if response else Answers()
    name = f"{sent.first.key} {sent.newest.version}"
    draft = open_draft(
        launch,
        name,
        audience_digest=digest_of(audience_of(launch, instrument, form, visit)),
        encounter=sent.first.encounter,
        answers=answers,
        expires=sent.until,
    )
    return OpenForm(launch=launch, visit=visit, instrument=instrument, form=form, draft=draft), visit


def send_change(launch: Launch, sent: Sent, opened: OpenForm, *, declined: bool) -> Receipt:
    """Accept other answers in place of those that were sent; durable when this returns.

    Raises CorrectionRefused when another version came first, CorrectionTooLate when what was sent is not kept any more.
    """
    about = {"ehr": launch.ehr.name, "patient": launch.patient.id}
    first = services().outbox.bundle(sent.first.key, **about)
    if first is None:
        raise CorrectionTooLate("what was sent is not kept any more")
    encounter, therapist = sent.first.encounter, sent.first.therapist
    submission = make_submission(launch, opened, declined=declined, encounter=encounter, therapist=therapist)
    filed = replace(submission, key=sent.first.key)
    bundle = at_first_time(write_bundle(filed), first)
    check_own_shape(bundle)
    # A row of a flowsheet stands at the time that was rated first; a note is a new one.
    rated = datetime.fromisoformat(first["entry"][0]["resource"]["authored"])
    way = way_of(launch, submission if launch.ehr.write.rung is Rung.NOTE else replace(filed, authored=rated))
    return services().corrections.amend(
        submission, orjson.dumps(bundle), _asked(launch, sent, Cause.CHANGED_MIND), grant=launch.grant, way=way
    )


def take_back(launch: Launch, sent: Sent, cause: Cause) -> Receipt:
    """Accept that a form is taken back; a repeat is the same again."""
    key = str(uuid5(UUID(sent.first.key), f"withdrawal {sent.newest.version}"))
    return services().corrections.withdraw(
        key,
        _asked(launch, sent, cause),
        ehr=launch.ehr.name,
        patient=launch.patient.id,
        launch=launch.handle,
        grant=launch.grant,
    )


def _asked(launch: Launch, sent: Sent, cause: Cause) -> Correction:
    return Correction(form_key=sent.first.key, seen=sent.newest.version, cause=cause, asked_by=launch.user)


def _visit(launch: Launch, encounter: str | None) -> Visit | None:
    """Return the visit that a form is about; None where there is none, or the EHR does not say just now."""
    visit = launch.context.visit
    if encounter is None or (visit and visit.encounter == encounter):
        return visit if encounter else None
    try:
        found = with_ehr(launch, lambda client: client.read("Encounter", encounter.partition("/")[2]))
    except EhrError:
        return None
    return next(iter(read_visits([found], patient=launch.patient.id)), None)
