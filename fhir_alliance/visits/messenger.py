"""A message to a patient, passed on by a program of the site or by the EHR; it never says what it is about."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.errors import MessengerError
from fhir_alliance.records.communication import build_communication_request
from fhir_alliance.settings import EhrSettings, LinkSettings

SAYING: Final = "A form is waiting for you. You need your birth date to open it."
"""All that a message says beside a link: nothing about health, the clinic or a visit."""

SAYING_SIGN_IN: Final = "A form is waiting for you. Sign in to open it."
"""The same beside the address of the portal."""

_SECONDS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is said to a patient, a relative reference, with an address; `key` is a UUID that makes a repeat harmless.

    `requester` is the reference of the person who asked for it, empty when nobody did.
    """

    key: str
    patient: str
    text: str
    link: str = field(repr=False)
    authored: datetime
    expires: datetime
    requester: str = ""


class Messenger:
    """Passes messages on as a site's settings say; the EHR is asked with the app's own permission."""

    def __init__(self, settings: LinkSettings | None, tokens: BackendTokens) -> None:
        self._settings = settings
        self._tokens = tokens

    def send(self, ehr: EhrSettings, message: Message) -> None:
        """Have a message passed on; it was taken when this returns.

        Raises MessengerError, or EhrError where it is the EHR that is asked; then nobody may know whether it was.
        """
        if self._settings is None or not self._settings.passed_on:
            raise MessengerError("nobody passes messages on")
        if self._settings.command:
            hand_to(self._settings.command, ehr=ehr.name, message=message)
            return
        request = build_communication_request(
            key=message.key,
            patient=message.patient,
            requester=message.requester,
            text=message.text,
            link=message.link,
            authored=message.authored,
            expires=message.expires,
        )
        self._tokens.read(ehr, lambda client: client.create(request))


def hand_to(command: Sequence[str], *, ehr: str, message: Message) -> None:
    """Run a site's program with a message as JSON on its standard input; raises MessengerError unless it ends with 0.

    Others on the machine can read the arguments of a program, and its output may quote what it was given: so nothing is
    in the one, and the other is not kept (T68).
    """
    told = {"link": message.link, "ehr": ehr, "patient": message.patient}
    told |= {"expires": message.expires.isoformat(), "text": message.text}
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
