"""The form of a launch: which one, about which visit, told to whom, and how it becomes a submission."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

import orjson

from fhir_alliance.delivery.ladder import Way, way_into
from fhir_alliance.delivery.receipts import Kind, Receipt
from fhir_alliance.errors import AllianceError, InvalidDefinition, NotReady
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.shapes import check_own_shape
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.settings import Rung
from fhir_alliance.trajectory.series import Visit
from smart_app.web.asked import form_named, instrument_in_use
from smart_app.web.devices import device_here, mode_of
from smart_app.web.drafts import Draft, begun_draft, note_told, open_draft
from smart_app.web.form_languages import form_language
from smart_app.web.frames import today
from smart_app.web.launches import ABSOLUTE, Launch, Role
from smart_app.web.pages.audience import audience_text
from smart_app.web.services import services


class NotAsked(AllianceError):
    """What is being filled in is not asked any more; nothing that was answered is lost by that.

    `at_home` says that the patient can see what else waits.
    """

    code = "form.not-asked"
    http_status = 410
    title = "This form is not asked any more"
    sentence = "It was withdrawn while you filled it in. Nothing was sent. Your answers so far are kept for a day."

    def __init__(self, detail: str, *, at_home: bool = True) -> None:
        super().__init__(detail)
        self.at_home = at_home


class VisitOff(NotAsked):
    """The visit did not take place, says the record."""

    code = "form.visit-off"
    title = "This visit did not take place"
    sentence = (
        "Your record now says so. That is why we do not ask about it. Nothing was sent. "
        "Your answers so far are kept for a day."
    )


class VisitLater(NotAsked):
    """The visit was moved to a time that has not come yet."""

    code = "form.visit-later"
    title = "This visit was moved"
    sentence = "It has not taken place yet. We ask about it afterwards. Your answers so far are kept until then."


@dataclass(frozen=True, kw_only=True)
class OpenForm:
    """What is being filled in, about which visit: the draft is pinned to the form and to the audience text shown."""

    launch: Launch
    visit: Visit | None
    instrument: Instrument
    form: Form
    draft: Draft

    @cached_property
    def audience(self) -> str:
        """What the person is told in the language of the page; who only sends what was answered is not told again."""
        return audience_of(self.launch, self.instrument, self.form, self.visit)


def open_form(launch: Launch) -> OpenForm:
    """Return the form of a launch with its draft, begun now if there is none."""
    instrument, form, draft = _begun(launch)
    visit = launch.context.visit
    draft = draft or open_draft(
        launch,
        form.canonical,
        audience_digest=digest_of(audience_of(launch, instrument, form, visit)),
        encounter=_encounter_of(launch),
        expires=_asked_until(launch, form),
    )
    return OpenForm(launch=launch, visit=visit, instrument=instrument, form=form, draft=draft)


def language_of(launch: Launch, instrument: Instrument) -> str:
    """Return the language in which a launch is asked; what stands around the form is in that of the page."""
    return form_language(launch.ehr, instrument, today=today())


def require_asked(launch: Launch, opened: OpenForm) -> None:
    """Raise NotReady to a clinician, NotAsked to whoever answers, when this form may not be answered any more."""
    try:
        form_named(opened.form.canonical)
    except NotReady as error:
        raise _withdrawn(launch, error) from error
    encounter = _encounter_of(launch)
    if launch.role not in (Role.PATIENT, Role.LINK) or encounter is None:
        return
    if services().assignments.is_cancelled(launch.ehr.name, launch.patient.id, encounter, opened.form.url):
        raise VisitOff("cancelled", at_home=launch.role is Role.PATIENT)


def _withdrawn(launch: Launch, error: AllianceError) -> AllianceError:
    """Return what to raise: a clinician is told what is wrong with the form, whoever answers what became of it."""
    if launch.role is Role.CLINICIAN:
        return error
    return NotAsked(error.code, at_home=launch.role is Role.PATIENT)


def _encounter_of(launch: Launch) -> str | None:
    return launch.context.visit.encounter if launch.context.visit else None


def _asked_until(launch: Launch, form: Form) -> datetime | None:
    """Return until when the patient at home is asked a form; None where nobody has said so."""
    encounter = _encounter_of(launch)
    if encounter is None or launch.role is not Role.PATIENT:
        return None
    assigned = services().assignments.of_visit(launch.ehr.name, launch.patient.id, encounter)
    return next((each.closes for each in assigned if each.form.partition("|")[0] == form.url), None)


def tell_audience(opened: OpenForm) -> None:
    """Keep what the form's page tells now: in another language it is another text (P1)."""
    told = digest_of(opened.audience)
    if told != opened.draft.audience_digest:
        note_told(opened.draft, told)


def audience_of(launch: Launch, instrument: Instrument, form: Form, visit: Visit | None) -> str:
    """Return what a person is told before the first question: who will see the answers."""
    return audience_text(
        form.rater,
        therapist=visit.therapist_name if visit else "",
        passed_on=[
            number for number, item in enumerate(form.scored_items, 1) if item.link_id in instrument.alert_items
        ],
        readers=launch.ehr.readers,
        rung=launch.ehr.write.rung,
    )


def digest_of(audience: str) -> str:
    """Return the digest that a submission keeps of what the person was told."""
    return hashlib.sha256(audience.encode()).hexdigest()


def _begun(launch: Launch) -> tuple[Instrument, Form, Draft | None]:
    """Return the form of a launch, in the version in which it was begun, whatever has been installed since (F39).

    Raises NotAsked where the person answering was asked for one that may not be asked any more.
    """
    try:
        instrument, form = _form_for(launch)
        draft = begun_draft(launch, form.url, _encounter_of(launch))
        if draft and draft.form != form.canonical:
            instrument, form = services().catalogue.of_form(draft.form)
    except (NotReady, InvalidDefinition) as error:
        raise _withdrawn(launch, error) from error
    return instrument, form, draft


def _form_for(launch: Launch) -> tuple[Instrument, Form]:
    """Return the form that was chosen, the therapist's short one, or the one that is advised where none is assigned."""
    if chosen := launch.context.asked or launch.context.form:
        return services().catalogue.of_form(chosen)
    instrument = instrument_in_use()
    if launch.role is Role.CLINICIAN:
        return instrument, instrument.forms_of(Rater.THERAPIST)[0]
    visit = launch.context.visit
    return instrument, instrument.form(Rater.PATIENT, instrument.advised_form(visit.number if visit else None))


def may_rate(launch: Launch) -> bool:
    """Whether the clinician of a launch can rate its visit: there is a form for it, and the visit was theirs."""
    visit = launch.context.visit
    asked = bool(launch.context.form or instrument_in_use().forms_of(Rater.THERAPIST))
    return asked and visit is not None and visit.therapist == launch.context.practitioner


def sent_form(launch: Launch) -> Receipt | None:
    """Return the receipt of this launch's form if it was sent: about one visit it is sent once in a launch.

    One that was taken back may be sent again.
    """
    since = services().clock() - ABSOLUTE
    sent = services().outbox.sent(ehr=launch.ehr.name, patient=launch.patient.id, since=since)
    gone = {each.form_key for each in sent if each.kind is Kind.WITHDRAWAL}
    own = [each for each in sent if each.kind is Kind.ORIGINAL and each.launch == launch.handle]
    if not own:
        return None
    here = (_form_for(launch)[1].url, _encounter_of(launch))
    left = (each for each in own if each.form_key not in gone)
    return next((each for each in left if (each.form.partition("|")[0], each.encounter) == here), None)


def send_form(launch: Launch, opened: OpenForm, *, declined: bool) -> Receipt:
    """Score the draft, build what goes into the chart, and accept it; durable when this returns.

    Raises InvalidResource when it could not be built, StoreError when nothing was saved.
    """
    visit = launch.context.visit
    encounter, therapist = (visit.encounter, visit.therapist) if visit else (None, None)
    submission = make_submission(launch, opened, declined=declined, encounter=encounter, therapist=therapist)
    bundle = write_bundle(submission)
    check_own_shape(bundle)
    return services().outbox.accept(
        submission, orjson.dumps(bundle), grant=launch.grant, way=way_of(launch, submission)
    )


def make_submission(
    launch: Launch, opened: OpenForm, *, declined: bool, encounter: str | None, therapist: str | None
) -> Submission:
    """Score the draft; returns everything that is true now."""
    now = services().clock()
    draft = opened.draft
    return Submission(
        key=draft.key,
        ehr=launch.ehr.name,
        instrument=opened.instrument,
        form=opened.form,
        patient=launch.patient,
        encounter=encounter,
        therapist=therapist,
        source=launch.user,
        author=launch.context.recorder or launch.user,
        launch=launch.handle,
        answers=draft.answers,
        declined=declined,
        scores=_scorer(opened.instrument, opened.form.rater, opened.form.form).score(draft.answers),
        authored=now.astimezone(services().settings.site.time_zone),
        scored=now,
        language=language_of(launch, opened.instrument),
        audience_digest=draft.audience_digest,
        mode=mode_of(launch),
        device=device_here(),
    )


@lru_cache(maxsize=256)
def _scorer(instrument: Instrument, rater: Rater, name: str) -> Scorer:
    return Scorer(instrument.form(rater, name))


def way_of(launch: Launch, submission: Submission) -> Way:
    """Return the way of a submission into the EHR of a launch."""
    noted = launch.ehr.write.rung is Rung.NOTE
    usual = services().keeping.usual_before(submission) if noted else {}
    return way_into(submission, launch.ehr.write, now=submission.scored, usual=usual)
