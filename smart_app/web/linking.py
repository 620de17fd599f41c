"""A link for a patient: made with a launch that waits for its person, and opened by whoever knows the birth date."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fhir_alliance.audit import Event
from fhir_alliance.errors import AllianceError, LinkRefused
from fhir_alliance.instruments.definition import Form
from fhir_alliance.settings import LinkSettings, Where
from fhir_alliance.store import transaction
from fhir_alliance.visits.links import Links, PatientLink
from fhir_alliance.visits.message_words import Saying
from fhir_alliance.visits.messenger import Message
from smart_app.web.cookies import fingerprint, new_secret
from smart_app.web.launches import (
    Context,
    Launch,
    Role,
    end_launch,
    move_launch,
    note_confirmed,
    open_launch,
    read_launch,
)
from smart_app.web.services import services
from smart_app.web.sessions import begin_own_session, nobodys_session
from smart_app.web.young import answering_of_launch

_WHOLE_DATE: Final = len("1988-03-04")


class NoLinks(AllianceError):
    """This site has no links, or this patient's record no whole birth date to open one with."""

    code = "link.none"
    http_status = 404
    title = "There is no link to be made"
    sentence = (
        "This clinic has no links for patients, or the record has no whole birth date. Hand the form over instead."
    )


class NoLinksAtThisAge(NoLinks):
    """The patient answers in the room only, by the site's rules about ages."""

    code = "link.room-only"
    http_status = 403
    sentence = (
        "By the rules of this clinic, a patient of this age fills in forms here only. Hand the form over instead."
    )


@dataclass(frozen=True, kw_only=True)
class NewLink:
    """A link that was just made; the secret in it is nowhere else."""

    secret: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where patients answer, for messages that are sent outside a request."""

    public_url: str

    def link(self) -> tuple[str, str]:
        """Return what recognises a new address of a link, and the address."""
        secret = new_secret()
        return fingerprint(secret), f"{self.public_url}/link/{secret}"

    def mark_of(self, address: str) -> str | None:
        """Return what recognises an address of a link, None when it is no such address."""
        place, _, secret = address.rpartition("/")
        return fingerprint(secret) if place == f"{self.public_url}/link" else None

    def portal(self, ehr: str) -> str:
        """Return where patients of an EHR sign in."""
        return f"{self.public_url}/start/{ehr}"


def links_for(launch: Launch) -> LinkSettings | None:
    """Return how links are made here; None where there are none, nor for whom answers in the room only.

    Nor are there any where the patient's birth date is not whole.
    """
    whole = len(launch.patient.birth_date) == _WHOLE_DATE
    return services().settings.links if whole and not _in_room_only(launch) else None


def required_links(launch: Launch) -> LinkSettings:
    """Return how links are made here; raises NoLinks."""
    settings = links_for(launch)
    if settings is None:
        if services().settings.links and _in_room_only(launch):
            raise NoLinksAtThisAge("age")
        raise NoLinks("not enabled, or no whole birth date")
    return settings


def _in_room_only(launch: Launch) -> bool:
    return answering_of_launch(launch).where is Where.ROOM_ONLY


def store() -> Links:
    """Return where links are kept."""
    return Links(services().engine, services().clock)


def make_link(launch: Launch, form: Form) -> NewLink:
    """Return a new link for one form (its pinned version) about the visit of a clinician's launch.

    What comes by it is written with the app's own permission, or waits for the next sign-in: the clinician's may have
    ended by then, and never was for somebody without a sign-in.
    """
    settings = required_links(launch)
    now, secret = services().clock(), new_secret()
    grant = services().grants.of_nobody(launch.ehr.name)
    with transaction(services().engine) as connection:
        handle = open_launch(
            connection,
            session=nobodys_session(connection, at=now),
            ehr=launch.ehr.name,
            role=Role.LINK,
            user=launch.patient.reference,
            user_key=f"link:{launch.handle}",
            grant=grant,
            context=Context(
                patient=launch.patient,
                visit=launch.context.visit,
                form=form.canonical,
                look=launch.context.look,
                place=launch.context.place,
            ),
            at=now,
        )
        expires = store().make(
            connection,
            mark=fingerprint(secret),
            launch=handle,
            ehr=launch.ehr.name,
            patient=launch.patient.id,
            form=form.canonical,
            by=launch.user,
            lasts=settings.lasts,
            tries=settings.attempts,
        )
    return NewLink(secret=secret, expires_at=expires)


def pass_on(launch: Launch, made: NewLink, url: str) -> bool:
    """Give a link to the site's program, or ask the EHR to send it; returns whether it was taken."""
    required_links(launch)
    link = store().find(fingerprint(made.secret))
    if link is None:
        return False
    message = Message(
        key=link.id,
        patient=launch.patient.reference,
        requester=launch.context.practitioner or launch.user,
        saying=Saying.LINK,
        link=url,
        authored=link.made_at,
        expires=made.expires_at,
    )
    try:
        services().messenger.send(launch.ehr, message)
    except AllianceError as error:
        store().note(Event.LINK_SENT, link, actor=launch.user, outcome=error.code)
        return False
    store().note(Event.LINK_SENT, link, actor=launch.user)
    return True


def find_link(secret: str) -> PatientLink:
    """Return a link that can be opened; LinkRefused for every other, whatever the reason (T51)."""
    link = store().find(fingerprint(secret)) if services().settings.links else None
    if link is None:
        raise LinkRefused("not live")
    return link


def open_link(secret: str, birth_date: str) -> tuple[str, str] | None:
    """Return (session secret, launch handle) when the birth date (as FHIR writes it) is right, None when it is not.

    The form goes on where it was left, and on this device only; a young patient's waits for a yes, as parents know the
    birth date too (P8). Raises LinkRefused like `find_link`; the last wrong birth date closes the link.
    """
    now, links = services().clock(), store()
    find_link(secret)
    with transaction(services().engine) as connection:
        link = links.take_try(connection, fingerprint(secret))
        launch = read_launch(connection, link.launch, even_ended=True) if link else None
        if link is None or launch is None:
            raise LinkRefused("not live")
        if not hmac.compare_digest(launch.patient.birth_date.encode(), birth_date.encode()):
            links.mismatch(connection, link)
            return None
        links.open(connection, link)
        session = begin_own_session(connection, at=now)
        move_launch(connection, link.launch, session=fingerprint(session), at=now)
        asked = answering_of_launch(launch).ask_who
        note_confirmed(connection, link.launch, at=None if asked else now)
    return session, link.launch


def revoke_link(launch: Launch, link: str) -> bool:
    """Let a link of this launch's patient, by its id, work no more, also where it is open; returns whether it did."""
    about = {"ehr": launch.ehr.name, "patient": launch.patient.id}
    closed = store().revoke(link, by=launch.user, **about)
    if closed is not None:
        with transaction(services().engine) as connection:
            end_launch(connection, closed, at=services().clock())
    return closed is not None
