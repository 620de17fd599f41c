"""Launches between the two steps: found through this browser's cookie and the state, and used once."""

from flask import request
from sqlalchemy import insert, update

from fhir_alliance.ehr.launches import PendingLaunch
from fhir_alliance.errors import StateMismatch
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import pending_launches
from smart_app.web.cookies import PRE_LAUNCH, PRE_LAUNCH_SECONDS, fingerprint, read_secret
from smart_app.web.services import services


def keep_pending(ehr: EhrSettings, pending: PendingLaunch, secret: str) -> None:
    """Remember a launch that this browser, by the secret in its cookie, has begun."""
    with transaction(services().engine) as connection:
        connection.execute(
            insert(pending_launches).values(
                state_hash=fingerprint(pending.state),
                pre_hash=fingerprint(secret),
                ehr=ehr.name,
                payload=services().vault.seal(pending.to_json().encode(), place=_place(ehr, pending.state)),
                created_at=services().clock(),
            )
        )


def take_pending(ehr: EhrSettings) -> PendingLaunch:
    """Return the launch that this answer finishes and use it up; StateMismatch when this browser began none such."""
    state = request.args.get("state", "")
    now = services().clock()
    mine = pending_launches.c.pre_hash == fingerprint(read_secret(PRE_LAUNCH) or "")
    unused = pending_launches.c.used_at.is_(None) & (pending_launches.c.ehr == ehr.name)
    use = (
        update(pending_launches)
        .where(pending_launches.c.state_hash == fingerprint(state), mine, unused)
        .values(used_at=now)
        .returning(pending_launches.c.payload, pending_launches.c.created_at)
    )
    with transaction(services().engine) as connection:
        row = connection.execute(use).one_or_none()
    if row is None or (now - row.created_at).total_seconds() > PRE_LAUNCH_SECONDS:
        raise StateMismatch("no such pending launch")
    return PendingLaunch.from_json(services().vault.open(row.payload, place=_place(ehr, state)).decode())


def _place(ehr: EhrSettings, state: str) -> str:
    return f"{ehr.name}/pending_launches/{fingerprint(state)}/payload"
