"""What stands around every page: whose page it is, and where help is."""

from dataclasses import dataclass
from datetime import date

from babel import Locale

from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import LANGUAGE, SiteSettings
from fhir_alliance.trajectory.series import Visit
from smart_app.web.pages.words import When, birth_words, local_day, relative_day


@dataclass(frozen=True, kw_only=True)
class Banner:
    """The patient on every clinician page: enough to notice the wrong one."""

    name: str
    first_name: str
    born: str
    mrn_tail: str
    visit_number: int | None
    visit_day: When | None


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Around one page: a clinician's has a banner; every other shows the site's help, which cannot be left out.

    `person` is the first name of the patient who is filling in, empty until they said who they are.
    """

    site: SiteSettings
    person: str = ""
    banner: Banner | None = None
    language: str = LANGUAGE

    @property
    def direction(self) -> str:
        """The direction that the language is written in, as HTML names it."""
        return str(Locale(self.language).text_direction)


def first_name(name: str) -> str:
    """Return the first word of a name."""
    return next(iter(name.split()), "")


def name_and_initial(name: str) -> str:
    """Return "Maria S.", so that a page left open tells little."""
    words = name.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else name


def patient_frame(site: SiteSettings, patient: PatientShown, *, language: str = LANGUAGE) -> Frame:
    """Return the frame of a page the patient uses."""
    return Frame(site=site, person=first_name(patient.name), language=language)


def clinician_frame(
    site: SiteSettings,
    patient: PatientShown,
    *,
    visit: Visit | None,
    today: date,
    full: bool = True,
    language: str = LANGUAGE,
) -> Frame:
    """Return the frame of a clinician's page; `visit` is the one the launch named.

    Name and birth date are always there; unless `full`, the record number is left to the EHR's own banner (S35).
    """
    banner = Banner(
        name=patient.name,
        first_name=first_name(patient.name),
        born=birth_words(patient.birth_date),
        mrn_tail=patient.identifiers[0][1][-4:] if full and patient.identifiers else "",
        visit_number=visit.number if visit else None,
        visit_day=relative_day(local_day(visit.start, site.time_zone), today=today) if visit else None,
    )
    return Frame(site=site, banner=banner, language=language)
