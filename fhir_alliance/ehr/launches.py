"""A launch before and after the EHR agreed to it."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from fhir_alliance.ehr.identity import User
from fhir_alliance.errors import LaunchError
from fhir_alliance.settings import ClientSettings, EhrSettings

Role = Literal["clinician", "patient"]
Kind = Literal["ehr", "standalone"]


@dataclass(frozen=True, kw_only=True)
class PendingLaunch:
    """What has to be remembered, encrypted, between the two steps; it is good for one answer.

    `widened` says that it already is the second try, with write scopes that have no filter; with `names_itself` an
    answer without `iss` is not the EHR's.
    """

    ehr: str
    role: Role
    kind: Kind
    state: str
    nonce: str
    verifier: str = field(repr=False)
    redirect_uri: str
    scopes: str
    aud: str
    launch: str | None
    widened: bool
    names_itself: bool = False

    def to_json(self) -> str:
        """Return the launch as JSON text; it holds the PKCE verifier, so it is kept encrypted."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "PendingLaunch":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What a launch brought: tokens, what they allow, who is signed in and whose chart is open.

    `scopes` are the granted ones: act on them, not on those asked for. The id_token is not kept.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime
    scopes: frozenset[str]
    patient: str | None
    encounter: str | None
    user: User
    need_patient_banner: bool
    style_url: str | None
    intent: str | None
    fhir_context: tuple[dict[str, Any], ...]
    app_context: str | None = None


def client_of(ehr: EhrSettings, role: Role) -> ClientSettings:
    """Return the client that is registered for a role; raises LaunchError when there is none."""
    client = {"clinician": ehr.clinician, "patient": ehr.patient}[role]
    if client is None:
        raise LaunchError(f"no {role} client is registered")
    return client
