"""A form being filled in: the answers so far, sealed, with the key that the submission will have.

At home a draft is the patient's: begun on one device, it is found on another. On a device in other hands it belongs to
that launch alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

import orjson
from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from fhir_alliance.errors import AllianceError
from fhir_alliance.fixed import Fixed
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.store import transaction
from fhir_alliance.tables import drafts
from smart_app.web.launches import Launch, Role
from smart_app.web.services import services

_HELD: Final = select(drafts).where(
    drafts.c.ehr == bindparam("of_ehr"),
    drafts.c.patient == bindparam("of_patient"),
    drafts.c.held_by == bindparam("of"),
)
_OF_VISIT: Final = _HELD.where(drafts.c.encounter == bindparam("of_visit"))
_NEWEST: Final = Fixed(_OF_VISIT.order_by(drafts.c.started_at.desc()))
_OF_FORM: Final = _OF_VISIT.where(drafts.c.form == bindparam("of_form"))
_OWN: Final = _HELD.order_by(drafts.c.updated_at.desc())


class DraftConflict(AllianceError):
    """The form was changed in another tab since this page was loaded."""

    code = "form.changed-elsewhere"
    http_status = 409
    title = "This form is open twice"
    sentence = "The form was changed on another page. Your answers here are still shown: check them and go on."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The answers so far; `version` counts the changes, so that two tabs cannot overwrite each other silently.

    `encounter` is the visit it is about, empty for none.
    """

    key: str
    form: str
    encounter: str
    version: int
    answers: Answers
    audience_digest: str
    started_at: datetime
    updated_at: datetime


def open_draft(
    launch: Launch,
    form: str,
    *,
    audience_digest: str,
    encounter: str | None,
    answers: Answers | None = None,
    expires: datetime | None = None,
) -> Draft:
    """Return the draft of a form about a visit, begun now if there is none, with these answers or without any.

    `form` is the form's canonical, or whatever else tells one draft of a patient from another; `expires` says until
    when the form is asked.
    """
    mine = {**_of(launch, encounter), "of_form": form}
    with services().engine.connect() as reading:
        if found := _find(reading, launch, mine):
            return found
    now = services().clock()
    with transaction(services().engine) as connection:
        if found := _find(connection, launch, mine):  # begun at the same moment in another tab
            return found
        draft = Draft(
            key=str(uuid4()),
            form=form,
            encounter=encounter or "",
            version=0,
            answers=answers or Answers(),
            audience_digest=audience_digest,
            started_at=now,
            updated_at=now,
        )
        connection.execute(
            insert(drafts).values(
                key=draft.key,
                ehr=launch.ehr.name,
                patient=launch.patient.id,
                encounter=draft.encounter,
                form=form,
                held_by=_holder(launch),
                version=0,
                answers=_seal(launch, draft),
                audience_digest=audience_digest,
                started_at=now,
                updated_at=now,
                expires_at=expires,
            )
        )
    return draft


def begun_draft(launch: Launch, url: str, encounter: str | None) -> Draft | None:
    """Return the draft of a form about a visit, in whichever version it was begun; the one begun last if in several."""
    begun = _NEWEST.read(services().engine, _of(launch, encounter)).mappings().all()
    return next((_read(launch, row) for row in begun if row["form"].startswith(f"{url}|")), None)


def own_drafts(launch: Launch) -> list[Draft]:
    """Return every draft that the person of a launch can go on with, the last touched first."""
    with services().engine.connect() as connection:
        return [_read(launch, row) for row in connection.execute(_OWN, _held(launch)).mappings()]


def _holder(launch: Launch) -> str:
    return "" if launch.role is Role.PATIENT else launch.handle


def _held(launch: Launch) -> dict[str, str]:
    return {"of_ehr": launch.ehr.name, "of_patient": launch.patient.id, "of": _holder(launch)}


def _of(launch: Launch, encounter: str | None) -> dict[str, str]:
    return {**_held(launch), "of_visit": encounter or ""}


def _find(connection: Connection, launch: Launch, which: Mapping[str, str]) -> Draft | None:
    row = connection.execute(_OF_FORM, which).mappings().one_or_none()
    return _read(launch, row) if row else None


def _read(launch: Launch, row: RowMapping) -> Draft:
    return Draft(
        key=row["key"],
        form=row["form"],
        encounter=row["encounter"],
        version=row["version"],
        answers=_open(launch, row["key"], row["answers"]),
        audience_digest=row["audience_digest"],
        started_at=row["started_at"],
        updated_at=row["updated_at"],
    )


def save_draft(launch: Launch, draft: Draft, answers: Answers, *, seen_version: int) -> Draft:
    """Keep other answers; DraftConflict when `seen_version` is not the version that is kept."""
    saved = replace(draft, answers=answers, version=seen_version + 1)
    values = {"answers": _seal(launch, saved), "version": saved.version, "updated_at": services().clock()}
    mine = (drafts.c.key == draft.key) & (drafts.c.version == seen_version)
    with transaction(services().engine) as connection:
        if connection.execute(update(drafts).where(mine).values(values)).rowcount == 0:
            raise DraftConflict("version")
    return saved


def note_told(draft: Draft, audience_digest: str) -> None:
    """Keep the digest of what the person is told now."""
    told = update(drafts).where(drafts.c.key == draft.key).values(audience_digest=audience_digest)
    with transaction(services().engine) as connection:
        connection.execute(told)


def drop_draft(key: str) -> None:
    """Forget a draft that was declined."""
    with transaction(services().engine) as connection:
        connection.execute(delete(drafts).where(drafts.c.key == key))


def _place(launch: Launch, key: str) -> str:
    return f"{launch.ehr.name}/drafts/{key}/answers"


def _seal(launch: Launch, draft: Draft) -> bytes:
    plain = {"given": dict(draft.answers.given), "skipped": sorted(draft.answers.skipped)}
    return services().vault.seal(orjson.dumps(plain), place=_place(launch, draft.key))


def _open(launch: Launch, key: str, sealed: bytes) -> Answers:
    plain = orjson.loads(services().vault.open(sealed, place=_place(launch, key)))
    return Answers(given=plain["given"], skipped=frozenset(plain["skipped"]))
