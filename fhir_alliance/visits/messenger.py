"""A message to a patient, passed on by a program of the site or by the EHR; it never says what it is about."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson
import structlog

from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.errors import EhrError, MessengerError
from fhir_alliance.records.communication import build_communication_request, key_in, link_in, message_token
from fhir_alliance.records.patient import languages_of
from fhir_alliance.settings import EhrSettings, LinkSettings
from fhir_alliance.visits.message_words import Saying, words_in

_log = structlog.get_logger(__name__)
_SECONDS: Final = 10
_READS_PATIENTS: Final = ("system/Patient.", "system/*.")


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is said to a patient, a relative reference, with an address; `key` is a UUID that makes a repeat harmless.

    `requester` is the reference of the person who asked for it, empty when nobody did.
    """

    key: str
    patient: str
    saying: Saying
    link: str = field(repr=False)
    authored: datetime
    expires: datetime
    requester: str = ""


class Messenger:
    """Passes messages on as a site's settings say; the EHR is asked with the app's own permission."""

    def __init__(self, settings: LinkSettings | None, tokens: BackendTokens) -> None:
        self._settings = settings
        self._tokens = tokens

    def passed_on(self, ehr: EhrSettings, patient: str, keys: Sequence[str]) -> Mapping[str, str] | None:
        """Return the links of those of some messages to a patient, an id, that were passed on already, by their keys.

        An EHR is asked by their identifiers; None where it cannot tell, as no program of a site can.
        """
        if self._settings is None or self._settings.command:
            return None
        params = [("patient", patient), ("identifier", ",".join(map(message_token, keys)))]
        try:
            found = self._tokens.read(ehr, lambda client: client.search("CommunicationRequest", params))
        except EhrError:
            return None
        links = {key: link_in(each) for each in found.resources if (key := key_in(each, keys))}
        return links if found.complete else None

    def send(self, ehr: EhrSettings, message: Message) -> None:
        """Have a message passed on; it was taken when this returns.

        Raises MessengerError, or EhrError where it is the EHR that is asked; then nobody may know whether it was.
        """
        if self._settings is None or not self._settings.passed_on:
            raise MessengerError("nobody passes messages on")
        if self._settings.command:
            hand_to(self._settings.command, ehr=ehr.name, message=message, text=self._text(ehr, message))
            return
        request = build_communication_request(
            key=message.key,
            patient=message.patient,
            requester=message.requester,
            text=self._text(ehr, message),
            link=message.link,
            authored=message.authored,
            expires=message.expires,
        )
        self._tokens.read(ehr, lambda client: client.create(request))

    def _text(self, ehr: EhrSettings, message: Message) -> str:
        """Return what is said in the patient's language where the EHR tells it, else in the first of the EHR's own."""
        return words_in((*self._languages(ehr, message.patient), *ehr.languages), message.saying)

    def _languages(self, ehr: EhrSettings, patient: str) -> tuple[str, ...]:
        if ehr.backend is None or not any(each in ehr.backend.scopes for each in _READS_PATIENTS):
            return ()
        try:
            kind, _, name = patient.partition("/")
            return languages_of(self._tokens.read(ehr, lambda client: client.read(kind, name)))
        except EhrError as error:
            # A message in another language is better than none.
            _log.info("message.language-unknown", ehr=ehr.name, code=error.code)
            return ()


def hand_to(command: Sequence[str], *, ehr: str, message: Message, text: str) -> None:
    """Run a site's program with a message as JSON on its standard input; raises MessengerError unless it ends with 0.

    Others on the machine can read the arguments of a program, and its output may quote what it was given: so nothing is
    in the one, and the other is not kept (T68).
    """
    told = {"link": message.link, "ehr": ehr, "patient": message.patient}
    told |= {"expires": message.expires.isoformat(), "text": text}
    try:
        done = subprocess.run(  # noqa: S603  # the site's own settings name it
            command,
            input=orjson.dumps(told),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MessengerError("took too long") from None
    except OSError as error:
        raise MessengerError(f"could not be run: {type(error).__name__}") from None
    if done.returncode != 0:
        raise MessengerError(f"ended with {done.returncode}")
