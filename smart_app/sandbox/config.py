"""Settings of the sandbox EHR, read once from a JSON file."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from smart_app.sandbox.fhir.profiles import PROFILES, Profile


class SandboxConfigError(ValueError):
    """The settings file cannot be used; the message names the setting to mend."""

    code = "sandbox-config"


@dataclass(frozen=True, kw_only=True)
class SandboxClient:
    """One registered app: what it is called, how it proves itself and the most it may be granted.

    With `jwks` it signs (private_key_jwt), with `secret` it sends HTTP Basic (client_secret_basic), with neither it is
    public; both together, or an empty secret, raise SandboxConfigError.
    """

    client_id: str
    name: str
    scopes: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()
    launch_url: str | None = None
    start_url: str | None = None
    jwks: Mapping[str, object] | None = None
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check that there is one proof at most."""
        if self.secret == "" or (self.secret is not None and self.jwks is not None):
            raise SandboxConfigError("a client: give jwks, or a secret that is not empty, or neither")

    @property
    def confidential(self) -> bool:
        """Return whether the app can prove who it is."""
        return self.jwks is not None or self.secret is not None


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """Where the sandbox answers, what it stores and which apps it knows; `today` None is the real today.

    Without `filtered_writes` an app that asks for a write scope with a filter is refused, as some EHRs do. `profile` is
    the kind of EHR it plays; where writes are reviewed, that takes `review_seconds`. A bulk export is ready
    after `bulk_seconds`.
    A chart that is opened shows the cards of the service at `cds_services`.
    """

    base_url: str
    database: Path
    clients: tuple[SandboxClient, ...]
    token_seconds: int = 300
    today: date | None = None
    populate: bool = True
    filtered_writes: bool = True
    profile: str = "generous"
    review_seconds: float = 3
    bulk_seconds: float = 3
    cds_services: str | None = None

    def __post_init__(self) -> None:
        """Check that the profile is a known one."""
        if self.profile not in PROFILES:
            raise SandboxConfigError(f"profile: choose one of {', '.join(PROFILES)}")

    @property
    def allowed(self) -> Profile:
        """Return what this kind of EHR lets apps write."""
        return PROFILES[self.profile]

    @property
    def fhir_base(self) -> str:
        """Return the FHIR base URL, without a trailing slash."""
        return f"{self.base_url}/fhir"


def read_config(path: Path) -> SandboxConfig:
    """Read the settings from a JSON file that uses the same names; raise SandboxConfigError when it cannot be used."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SandboxConfigError(f"{path.name} is not a readable JSON file") from error
    _check_names(settings, SandboxConfig, "the settings")
    try:
        return SandboxConfig(**{**settings, **_converted(settings)})
    except SandboxConfigError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise SandboxConfigError(f"{path.name}: {error}") from error


def _converted(settings: dict[str, Any]) -> dict[str, Any]:
    today = settings.get("today")
    return {
        "base_url": settings["base_url"].rstrip("/"),
        "database": Path(settings["database"]),
        "clients": tuple(_client(client) for client in settings["clients"]),
        "today": date.fromisoformat(today) if today else None,
    }


def _client(settings: dict[str, Any]) -> SandboxClient:
    _check_names(settings, SandboxClient, "a client")
    lists = {name: tuple(settings.get(name, ())) for name in ("grant_types", "redirect_uris")}
    return SandboxClient(**{**settings, **lists})


def _check_names(settings: object, shape: type[SandboxClient | SandboxConfig], what: str) -> None:
    if not isinstance(settings, dict):
        raise SandboxConfigError(f"{what} must be a JSON object")
    if unknown := sorted(set(settings) - {each.name for each in fields(shape)}):
        raise SandboxConfigError(f"{what}: unknown setting {', '.join(unknown)}")
    if missing := sorted({each.name for each in fields(shape) if each.default is MISSING} - set(settings)):
        raise SandboxConfigError(f"{what}: missing setting {', '.join(missing)}")
