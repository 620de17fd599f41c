"""What the authorization server remembers about a launch, a grant, a code and a token."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# One item of fhirContext: reference, canonical or identifier, with type and role; a plain text before version 2.1.
FhirReference = Mapping[str, object] | str


@dataclass(frozen=True, kw_only=True)
class Launch:
    """The context of one launch: who is at the screen, and on which patient and encounter."""

    user: str  # "Practitioner/id" or "Patient/id"
    patient: str | None = None
    encounter: str | None = None
    need_patient_banner: bool = True
    intent: str | None = None
    fhir_context: tuple[FhirReference, ...] = ()
    app_context: str | None = None  # what a CDS card gave along with its link


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one client was granted; all tokens with the same `family` fall together when one is misused."""

    client_id: str
    scopes: tuple[str, ...]
    family: str = field(repr=False)
    launch: Launch | None = None  # None: a backend service, no user
    nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class PendingCode:
    """An authorization code that waits for the client, bound to its redirect URI and its PKCE challenge."""

    grant: Grant
    redirect_uri: str
    code_challenge: str


@dataclass(frozen=True, kw_only=True)
class LiveToken:
    """A token in use: its grant, its scopes (a refresh may narrow them), its end in seconds since 1970."""

    grant: Grant
    scopes: tuple[str, ...]
    expires: float


@dataclass(frozen=True, kw_only=True)
class Issued:
    """What the token endpoint hands to the client."""

    grant: Grant
    scopes: tuple[str, ...]
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
