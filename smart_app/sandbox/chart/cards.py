"""CDS Hooks 2.0, the EHR's side: a service is asked when a chart is opened, and its cards are shown there."""

import uuid
from dataclasses import dataclass
from typing import Any

import requests

from smart_app.sandbox.auth.cds_key import CdsKey
from smart_app.sandbox.config import SandboxConfig

# A chart does not wait for long; without an answer there are no cards.
_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class CardLink:
    """A link of a card that launches a registered app, with what the app is to be told."""

    label: str
    client_id: str
    app_context: str


@dataclass(frozen=True, kw_only=True)
class HookCard:
    """One card as the chart shows it: plain text, whatever it holds."""

    summary: str
    detail: str
    source: str
    links: tuple[CardLink, ...]


class CardService:
    """The one CDS service that this EHR knows, if it knows one."""

    def __init__(self, config: SandboxConfig, key: CdsKey) -> None:
        self._config = config
        self._key = key

    def on_chart_opened(self, *, user: str, patient: str, encounter: str | None) -> list[HookCard]:
        """Return the cards for a chart; none when the service does not answer in time, or not as it should."""
        if self._config.cds_services is None:
            return []
        context = {"userId": user, "patientId": patient} | ({"encounterId": encounter} if encounter else {})
        try:
            cards = self._ask("patient-view", context)
            return [self._card(each) for each in cards]
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return []

    def _ask(self, hook: str, context: dict[str, str]) -> list[dict[str, Any]]:
        address = f"{self._config.cds_services}/{hook}"
        body = {
            "hook": hook,
            "hookInstance": str(uuid.uuid4()),
            "fhirServer": self._config.fhir_base,
            "context": context,
        }
        proof = {"Authorization": f"Bearer {self._key.token(address)}"}
        reply = requests.post(address, json=body, headers=proof, timeout=_SECONDS, allow_redirects=False)
        reply.raise_for_status()
        return list(reply.json()["cards"])

    def _card(self, card: dict[str, Any]) -> HookCard:
        # Only a registered launch address becomes a button; every other link of a card is left out.
        apps = {client.launch_url: client.client_id for client in self._config.clients if client.launch_url}
        links = [each for each in card.get("links", ()) if each["type"] == "smart" and each["url"] in apps]
        return HookCard(
            summary=card["summary"],
            detail=_without_markup(card.get("detail", "")),
            source=card["source"]["label"],
            links=tuple(
                CardLink(label=each["label"], client_id=apps[each["url"]], app_context=each.get("appContext", ""))
                for each in links
            ),
        )


def _without_markup(markdown: str) -> str:
    """Return Markdown as plain text, as far as it is only escaped text."""
    plain = markdown.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")
    return plain.replace("&lt;", "<").replace("&amp;", "&")
