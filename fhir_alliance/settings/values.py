"""What a site decides, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fhir_alliance.settings.ages import AgeRule
from fhir_alliance.settings.cds import CdsSettings
from fhir_alliance.settings.embedding import Embedding
from fhir_alliance.settings.links import LinkSettings, TabletSettings
from fhir_alliance.settings.readers import Readers
from fhir_alliance.settings.schedules import SITE, ScheduleSettings
from fhir_alliance.settings.tasks import TaskShape
from fhir_alliance.settings.writing import WriteSettings

ANSWER: Final = timedelta(seconds=30)
"""How long an EHR may take to answer, when the site does not say."""


LANGUAGE: Final = "en"
"""The language the pages are written in."""

TRANSLATED: Final = ("es", "de", "fr", "hi")
"""The languages the patients' pages are translated into; a site offers those whose texts it has confirmed."""


class EhrTokens(StrEnum):
    """How far a clinician's token of an EHR reaches at our FHIR endpoint."""

    LAUNCH_PATIENT = "launch-patient"
    EVERY_PATIENT = "every-patient"


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """One OAuth client registered at the EHR.

    With a `key_file` it signs (private_key_jwt), with a secret in a file or an environment variable it sends HTTP Basic
    (client_secret_basic), with none of them it is a public client.
    """

    client_id: str
    scopes: str
    key_file: Path | None = field(default=None, repr=False)
    secret_file: Path | None = field(default=None, repr=False)
    secret_variable: str = ""

    @property
    def confidential(self) -> bool:
        """Whether it can prove who it is."""
        return bool(self.key_file or self.secret_file or self.secret_variable)


@dataclass(frozen=True, kw_only=True)
class HarvestSettings:
    """How often responses that others wrote are looked for.

    `foreign_visit` says what becomes of one whose visit is another patient's, or is not there: "leave-out", it is
    scored without a visit, or "hold", it is left to a person (F36).
    """

    every: timedelta
    foreign_visit: str = "leave-out"


@dataclass(frozen=True, kw_only=True)
class VisitSettings:
    """How often an EHR's visits are looked through, and how far ahead; `search` is Encounter, or Appointment.

    An Appointment only says that its Encounter may have changed; what is due is always due about an Encounter.
    With a `topic` the EHR is asked to tell of visits as well, as far as the `topic_filters` go.
    """

    every: timedelta
    ahead: timedelta = timedelta(hours=24)
    search: str = "Encounter"
    topic: str = ""
    topic_filters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EhrSettings:
    """One registered FHIR base, with the endpoints pinned when it was registered, and what is written there.

    Without a `revocation_endpoint` what was granted ends here only, and at the EHR in its own time; without `readers`
    nobody has attested who else sees what is written. For `change_window` after a form was sent the patient may change
    it or take it back; zero switches that off. How the EHR wants us to look is read from `style_origins` only. With
    `ehr_tokens` its own tokens are good at our FHIR endpoint, as far as its `introspection_endpoint` says.
    `without_s256` lets launches go on at an EHR that names no PKCE method; S256 is sent all the same. Without
    `harvest` nobody looks for responses of others, and without `visits` only a launch finds out what is due. An answer
    that takes longer than `answer` is not waited for; what was sent may still be written for as long, so it is not sent
    again before. Forms are in the first of the `languages` in which there are words. Where a patient picks a portal its
    brand is read from `brand_bundle` unless the EHR itself names one at its own origin, or that one's. `embedding` says
    whether the `frame_ancestors` may show the app inside their pages.
    With `therapist_overview` a therapist gets a list of own patients out of what is kept here.
    Without `cds` nobody there gets cards. `tasks` are the shapes in which the EHR gets what is asked as Tasks.
    """

    name: str
    title: str
    fhir_base: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    frame_ancestors: tuple[str, ...]
    allow_private: bool
    clinician: ClientSettings | None
    patient: ClientSettings | None
    backend: ClientSettings | None
    revocation_endpoint: str | None = None
    write: WriteSettings = field(default_factory=WriteSettings)
    readers: Readers | None = None
    change_window: timedelta = timedelta(hours=24)
    style_origins: tuple[str, ...] = ()
    introspection_endpoint: str | None = None
    ehr_tokens: EhrTokens | None = None
    without_s256: bool = False
    harvest: HarvestSettings | None = None
    visits: VisitSettings | None = None
    answer: timedelta = ANSWER
    languages: tuple[str, ...] = ("en",)
    embedding: Embedding = Embedding.EITHER
    brand_bundle: str | None = None
    cds: CdsSettings | None = None
    tasks: tuple[TaskShape, ...] = ()
    therapist_overview: bool = False

    @property
    def framed_by(self) -> tuple[str, ...]:
        """The origins whose frames may show the app."""
        return () if self.embedding is Embedding.NEW_WINDOW else self.frame_ancestors

    @property
    def clients(self) -> tuple[ClientSettings, ...]:
        """Those that are registered."""
        return tuple(client for client in (self.clinician, self.patient, self.backend) if client)

    @property
    def asking(self) -> ClientSettings | None:
        """The client that asks about tokens: the first that can prove who it is."""
        known = (client for client in (self.backend, self.clinician, self.patient) if client)
        return next((client for client in known if client.confidential), None)


@dataclass(frozen=True, kw_only=True)
class ReaderSettings:
    """A program that may read what one EHR did not take; its public keys are in a file or at an address."""

    name: str
    client_id: str
    ehr: str
    scopes: frozenset[str]
    jwks_file: Path | None = None
    jwks_uri: str | None = None
    allow_private: bool = False


@dataclass(frozen=True, kw_only=True)
class LanguageSettings:
    """What a site has confirmed in another language: who has read the pages in it, and its own texts about help."""

    reviewed_by: str
    crisis_line: str
    someone_else: str


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """What every patient page says about help: without it no form is published or shown.

    `snomed` says that the site may use SNOMED CT: then its codes go with the scores that have one. `confirm_by` is the
    number of people who have to confirm where an EHR has moved before launches go there.
    With `blind_until_both` a therapist sees what a patient rated about a visit once both have; with `other_therapists`
    clinicians see what a patient rated of visits with others. `language` is the one that patients' pages begin in,
    `languages` has what is confirmed in those other than English.
    """

    name: str
    crisis_line: str
    someone_else: str
    time_zone: ZoneInfo
    snomed: bool = False
    confirm_by: int = 1
    blind_until_both: bool = False
    other_therapists: bool = False
    language: str = LANGUAGE
    languages: Mapping[str, LanguageSettings] = field(default_factory=dict)

    @property
    def offered(self) -> tuple[str, ...]:
        """The languages that a patient can choose from."""
        return LANGUAGE, *(name for name in TRANSLATED if name in self.languages)

    def said_in(self, language: str) -> "SiteSettings":
        """Return the site with its texts about help in a language that it offers."""
        said = self.languages.get(language)
        return replace(self, crisis_line=said.crisis_line, someone_else=said.someone_else) if said else self


@dataclass(frozen=True, kw_only=True)
class AlertSettings:
    """Who is told of an answer that may reveal danger, and by which mail server.

    `escalation` is told when nobody has acknowledged within `acknowledge_within`; `smtp_security` is starttls, tls, or
    on this very machine none.
    """

    recipients: tuple[str, ...]
    escalation: tuple[str, ...]
    acknowledge_within: timedelta
    smtp_host: str
    smtp_port: int
    smtp_security: str
    sender: str
    user: str
    password_file: Path | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class OperationsSettings:
    """Who looks after delivery: who is mailed when forms wait for long, and the secret that lets figures be read.

    The mail goes by the server of the alerts; without a secret there are no figures.
    """

    alarm_recipients: tuple[str, ...] = ()
    metrics_token_file: Path | None = field(default=None, repr=False)
    metrics_token_variable: str = ""


@dataclass(frozen=True, kw_only=True)
class InstrumentSettings:
    """What a site asks, by the names of instruments: one at each visit, which the trend shows, others on request.

    `reviewed_by` names, for a translation such as `visit-check-in-1.0.0.de`, the qualified person who has reviewed it.
    """

    each_visit: str = "visit-check-in"
    on_request: tuple[str, ...] = ()
    reviewed_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FreeTextSettings:
    """Who reads what patients write, and within what time (S3)."""

    reader: str
    within: str

    @property
    def sentence(self) -> str:
        """What a form that asks for free text says above its questions."""
        return f"What you write is read by {self.reader} within {self.within}, not at once."


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a site decides.

    `vault_key_file` holds the key of what is stored encrypted, `wording_folder` the words a site has a licence for,
    `questionnaire_folder` its own forms, which may ask for free text only with `free_text`;
    without `alerts` no instrument with an item on self-harm can be used. `readers` may read at our FHIR endpoint.
    Of the `schedules` the one named SITE is for every visit that no other is for. Without `links` and `tablets` there
    are no links for patients and no clinic tablets. The `age_rules` come before the usual
    ones. `proxies` is how many reverse proxies stand between the app and the browsers, each of which adds the address
    that it was asked from to `X-Forwarded-For`.
    """

    public_url: str
    database: str
    vault_key_file: Path = field(repr=False)
    wording_folder: Path | None = None
    questionnaire_folder: Path | None = None
    talks_file: Path | None = None
    proxies: int = 0
    figures_file: Path | None = None
    free_text: FreeTextSettings | None = None
    alerts: AlertSettings | None = None
    operations: OperationsSettings = OperationsSettings()
    instruments: InstrumentSettings = InstrumentSettings()
    site: SiteSettings
    ehrs: Mapping[str, EhrSettings]
    readers: Mapping[str, ReaderSettings] = field(default_factory=dict)
    schedules: Mapping[str, ScheduleSettings] = field(default_factory=lambda: {SITE: ScheduleSettings()})
    links: LinkSettings | None = None
    tablets: TabletSettings | None = None
    age_rules: tuple[AgeRule, ...] = ()

    @property
    def host(self) -> str:
        """The host, with its port, under which the app is reached."""
        return urlsplit(self.public_url).netloc
