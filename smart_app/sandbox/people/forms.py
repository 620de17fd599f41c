"""One completed form of a synthetic visit, as it lies between the answers and the resources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_app.sandbox.people.answers import Answers
from smart_app.sandbox.people.coding import Resource, reference, submission_uuid
from smart_app.sandbox.people.scores import CORE_SCALES, FULL_SCALES, Scale
from smart_app.sandbox.people.visits import Visit
from smart_app.sandbox.people.wording import PATIENT, THERAPIST


@dataclass(frozen=True, kw_only=True)
class Rater:
    """Who fills a form in: the ends of its ids, the start of its codes, the words of its items."""

    id_part: str
    code: str
    name: str
    suffix: str
    items: Mapping[int, str]
    after_visit: timedelta

    def score_code(self, scale: Scale) -> str:
        """Return the code of one score of this rater's form."""
        return f"{self.code}-{scale.code}"

    def score_name(self, scale: Scale) -> str:
        """Return the display name of one score of this rater's form."""
        return f"{self.name} {scale.name}{self.suffix}"


BY_PATIENT = Rater(
    id_part="checkin",
    code="visit-check-in",
    name="Visit check-in",
    suffix="",
    items=PATIENT,
    after_visit=timedelta(minutes=-2),
)
BY_THERAPIST = Rater(
    id_part="guess",
    code="visit-check-in-therapist",
    name="Visit check-in",
    suffix=", therapist's guess",
    items=THERAPIST,
    after_visit=timedelta(minutes=7),
)


@dataclass(frozen=True, kw_only=True)
class CompletedForm:
    """The answers of one rater at one visit."""

    visit: Visit
    rater: Rater
    answers: Answers
    full: bool

    @property
    def id(self) -> str:
        """The id of the QuestionnaireResponse and the start of the ids of its scores."""
        return f"{self.visit.id}-{self.rater.id_part}"

    @property
    def uuid(self) -> str:
        """The submission's uuid."""
        return submission_uuid(self.id)

    @property
    def authored(self) -> datetime:
        """When it was answered."""
        return self.visit.end + self.rater.after_visit

    @property
    def from_patient(self) -> bool:
        """Whether the patient answered."""
        return self.rater is BY_PATIENT

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The scales this form scores."""
        return FULL_SCALES if self.full else CORE_SCALES

    @property
    def questionnaire(self) -> str:
        """The canonical of the form, without its version."""
        kind = "full" if self.full else "core"
        return f"visit-check-in-{'patient' if self.from_patient else 'therapist'}-{kind}"

    @property
    def title(self) -> str:
        """The title of the form."""
        rater = "patient" if self.from_patient else "therapist's guess"
        return f"Visit check-in ({rater}, {'long' if self.full else 'short'} form)"

    def subject(self) -> Resource:
        """Return the reference to the patient."""
        return reference("Patient", self.visit.person.id, self.visit.person.name)

    def answered_by(self) -> Resource:
        """Return the reference to whoever answered."""
        if self.from_patient:
            return self.subject()
        return reference("Practitioner", self.visit.therapist.id, self.visit.therapist.name)


def completed_forms(visit: Visit) -> Iterator[CompletedForm]:
    """Yield the forms that were answered at `visit`, the patient's first."""
    if visit.patient_answers is not None:
        yield CompletedForm(visit=visit, rater=BY_PATIENT, answers=visit.patient_answers, full=visit.full)
    if visit.therapist_answers is not None:
        yield CompletedForm(visit=visit, rater=BY_THERAPIST, answers=visit.therapist_answers, full=False)
