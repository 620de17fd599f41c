"""An opened launch: who, which patient, which visit, which EHR; found by (session, handle) and by nothing else."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

import orjson
from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from fhir_alliance.errors import HandedOver, NotSignedIn
from fhir_alliance.fixed import Fixed
from fhir_alliance.records.place import Place
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import launches
from fhir_alliance.trajectory.series import Visit
from smart_app.web.cookies import new_secret
from smart_app.web.headers import allow_framing
from smart_app.web.look.showing import show_look
from smart_app.web.look.style import Look
from smart_app.web.services import services
from smart_app.web.sessions import of_live_session, this_browser


class Role(StrEnum):
    """What the person in front of the screen may do.

    A patient who was given a device has it by a code of the clinic (`HANDOVER`), or at home from somebody who signed in
    for them (`BESIDE`).
    """

    CLINICIAN = "clinician"
    PATIENT = "patient"
    PROXY = "proxy"
    HANDOVER = "handover"
    BESIDE = "beside"
    LINK = "link"


# Who may see a form, and what was sent with it; somebody who acts for the patient may not (P8).
ANSWERING: Final = (Role.CLINICIAN, Role.PATIENT, Role.HANDOVER, Role.BESIDE, Role.LINK)
# Who was given a device, and says who they are before anything else (F38).
HANDED: Final = (Role.HANDOVER, Role.BESIDE)
# Who holds a device that may be somebody else's a minute later: what was sent is not shown there (T50).
PASSING: Final = (*HANDED, Role.LINK)

# A screen left alone closes by itself (T42); a form gets longer, because nobody should lose answers by thinking. The
# clinic's devices are by themselves in a room, and what was answered there can be gone on with by the same code.
IDLE: Final = {
    Role.CLINICIAN: timedelta(minutes=15),
    Role.PATIENT: timedelta(minutes=30),
    Role.PROXY: timedelta(minutes=15),
    Role.HANDOVER: timedelta(minutes=10),
    Role.BESIDE: timedelta(minutes=30),
    Role.LINK: timedelta(minutes=30),
}
ABSOLUTE: Final = timedelta(hours=8)
# How long a form that was left alone can be gone on with by whoever proves again that it is theirs.
_LEFT: Final = timedelta(minutes=30)
# How long a page left open may still send what was answered on it.
_LAPSED: Final = timedelta(hours=24)
_SEEN_EVERY: Final = timedelta(minutes=1)
# Every page asks for its launch: made once, a statement costs a fifth of what making it costs.
_BY_HANDLE: Final = select(launches).where(
    launches.c.handle == bindparam("of_handle"), of_live_session(launches.c.session_hash)
)
_MINE: Final = Fixed(_BY_HANDLE)
_OWN: Final = _BY_HANDLE.where(
    launches.c.role.in_([Role.PATIENT, Role.LINK, Role.HANDOVER]),
    launches.c.ended_at.is_(None),
    launches.c.confirmed_at.is_not(None),
)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What stays fixed for a launch; `place` is where the patient lives, `speaks` the clinician's language if known.

    `practitioner` is the clinician who signed in, as a relative reference; `form` is the canonical of the one form that
    the launch is for; `hand_over` that of a form the EHR asked a clinician to give, `to_form` that it asked for the own
    form first; without `full_banner` the EHR shows around us who the patient is; `recorder` is who signed in where the
    patient answers with somebody's help; `look` is how the EHR wants the pages to be; `asked` is the canonical of the
    form that was chosen from what is due.
    """

    patient: PatientShown
    visit: Visit | None
    practitioner: str = ""
    form: str = ""
    asked: str = ""
    hand_over: str = ""
    to_form: bool = False
    full_banner: bool = True
    recorder: str = ""
    look: Look = field(default_factory=Look)
    speaks: str = ""
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One opened launch; `user` is the relative reference of who signed in, `grant` the EHR's permission.

    Left alone from now on, it ends at `ends`.
    """

    handle: str
    ehr: EhrSettings
    role: Role
    user: str
    user_key: str
    grant: str
    confirmed: bool
    context: Context
    ends: datetime

    @property
    def patient(self) -> PatientShown:
        """The patient of this launch, as shown."""
        return self.context.patient

    @property
    def base(self) -> str:
        """The path below which every page of this launch lives."""
        return f"/l/{quote(self.handle)}"


def open_launch(
    connection: Connection,
    *,
    session: str,
    ehr: str,
    role: Role,
    user: str,
    user_key: str,
    grant: str,
    context: Context,
    at: datetime,
    ask_who: bool = False,
) -> str:
    """Store a launch in a session (by its fingerprint) and return its handle.

    One on a device that was given to somebody waits for a yes, and so does one with `ask_who`.
    """
    handle = new_secret()
    connection.execute(
        insert(launches).values(
            handle=handle,
            session_hash=session,
            ehr=ehr,
            role=role.value,
            user_reference=user,
            user_key=user_key,
            patient=context.patient.id,
            encounter=context.visit.encounter if context.visit else None,
            grant_id=grant,
            context=_seal(ehr, handle, context),
            confirmed_at=None if ask_who or role in PASSING else at,
            created_at=at,
            seen_at=at,
        )
    )
    return handle


def find_launch(handle: str) -> Launch:
    """Return the launch of this browser's session; NotSignedIn when it is another's, ended, or was left alone."""
    now = services().clock()
    row = _MINE.read(services().engine, {"of_handle": handle, **this_browser()}).mappings().one_or_none()
    if row is not None and row["role"] == Role.CLINICIAN:
        # Also when it has ended: the page that says so still stands in the EHR's frame.
        allow_framing(services().registry.by_name(row["ehr"]).framed_by)
        if row["ended_at"]:
            raise HandedOver("ended")
    if row is None or row["ended_at"] or not _in_time(row, now):
        raise NotSignedIn("no live launch")
    seen = row["seen_at"]
    if now - seen > _SEEN_EVERY:
        seen = now
        with transaction(services().engine) as writing:
            writing.execute(update(launches).where(launches.c.handle == handle).values(seen_at=now))
    launch = replace(_launch(row), ends=_end(row, seen))
    show_look(launch.context.look)
    return launch


def find_lapsed(handle: str) -> Launch | None:
    """Return a patient's launch of this browser's session that was only left alone, and can be gone on with.

    Nothing may be shown in it; what its open page still sends may be kept (T42). None when there is no such launch.
    """
    now = services().clock()
    with services().engine.connect() as connection:
        row = connection.execute(_OWN, {"of_handle": handle, **this_browser()}).mappings().one_or_none()
    return _launch(row) if row and now <= _LATE[Role(row["role"])](row) else None


def confirm_launch(launch: Launch) -> None:
    """Record that the person said who they are."""
    with transaction(services().engine) as connection:
        note_confirmed(connection, launch.handle, at=services().clock())


def note_confirmed(connection: Connection, handle: str, *, at: datetime | None) -> None:
    """Record when the person of a launch said who they are; with None they have to say it again."""
    connection.execute(update(launches).where(launches.c.handle == handle).values(confirmed_at=at))


def choose_visit(launch: Launch, visit: Visit | None, *, form: str = "") -> Launch:
    """Fix the visit that the form of a launch is about, and the form when one was chosen; returns the launch so."""
    context = replace(launch.context, visit=visit, asked=form)
    sealed = _seal(launch.ehr.name, launch.handle, context)
    values = {"context": sealed, "encounter": visit.encounter if visit else None}
    with transaction(services().engine) as connection:
        connection.execute(update(launches).where(launches.c.handle == launch.handle).values(values))
    return replace(launch, context=context)


def end_launch(connection: Connection, handle: str, *, at: datetime) -> None:
    """Close a launch for good; what it sent goes on its way."""
    connection.execute(update(launches).where(launches.c.handle == handle).values(ended_at=at))


def move_launch(connection: Connection, handle: str, *, session: str, at: datetime) -> None:
    """Let a launch go on in another session (by its fingerprint), from now and there only, with what was answered."""
    begun = {"session_hash": session, "created_at": at, "seen_at": at, "ended_at": None}
    connection.execute(update(launches).where(launches.c.handle == handle).values(begun))


def read_launch(connection: Connection, handle: str, *, even_ended: bool = False) -> Launch | None:
    """Return a launch that has not ended, whoever asks; for parts that hold another proof than the session."""
    row = connection.execute(select(launches).where(launches.c.handle == handle)).mappings().one_or_none()
    return _launch(row) if row and (even_ended or row["ended_at"] is None) else None


def is_left_alone(connection: Connection, handle: str) -> bool:
    """Whether a launch was left without being closed, and not for too long to go on."""
    row = connection.execute(select(launches).where(launches.c.handle == handle)).mappings().one_or_none()
    return row is not None and row["ended_at"] is None and services().clock() <= _left_until(row)


def _left_until(row: RowMapping) -> datetime:
    return _end(row, row["seen_at"], idle=_LEFT)


def _a_day(row: RowMapping) -> datetime:
    created: datetime = row["created_at"]
    return created + _LAPSED


# Until when late answers are kept: as long as there is a way back to them.
_LATE: Final = {Role.PATIENT: _a_day, Role.LINK: _a_day, Role.HANDOVER: _left_until}


def _in_time(row: RowMapping, now: datetime) -> bool:
    return now <= _end(row, row["seen_at"])


def _end(row: RowMapping, seen: datetime, *, idle: timedelta | None = None) -> datetime:
    created: datetime = row["created_at"]
    return min(seen + (idle or IDLE[Role(row["role"])]), created + ABSOLUTE)


def _launch(row: RowMapping) -> Launch:
    return Launch(
        handle=row["handle"],
        ehr=services().registry.by_name(row["ehr"]),
        role=Role(row["role"]),
        user=row["user_reference"],
        user_key=row["user_key"],
        grant=row["grant_id"],
        confirmed=row["confirmed_at"] is not None,
        context=_open(row["ehr"], row["handle"], row["context"]),
        ends=_end(row, row["seen_at"]),
    )


def _seal(ehr: str, handle: str, context: Context) -> bytes:
    return services().vault.seal(orjson.dumps(asdict(context)), place=f"{ehr}/launches/{handle}/context")


def _open(ehr: str, handle: str, sealed: bytes) -> Context:
    values: dict[str, Any] = orjson.loads(services().vault.open(sealed, place=f"{ehr}/launches/{handle}/context"))
    patient, visit, look = values.pop("patient"), values.pop("visit"), values.pop("look", {})
    place = values.pop("place", {})  # one sealed by an earlier version has none
    patient["identifiers"] = tuple((system, value) for system, value in patient["identifiers"])
    if visit:
        visit["start"] = datetime.fromisoformat(visit["start"])
    return Context(
        patient=PatientShown(**patient),
        visit=Visit(**visit) if visit else None,
        look=Look(**look),
        place=Place(**place),
        **values,
    )
