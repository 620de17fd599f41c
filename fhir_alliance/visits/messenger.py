"""A link handed to a program of the site, which passes it on: what it gets is on its standard input, never in argv."""

import subprocess
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from fhir_alliance.errors import MessengerError

SAYING: Final = "A form is waiting for you. You need your birth date to open it."
"""All that a message says beside the link: nothing about health, the clinic or a visit."""

_SECONDS: Final = 10


def hand_to(command: Sequence[str], *, link: str, ehr: str, patient: str, expires: datetime) -> None:
    """Run a site's program with a link as JSON on its standard input; raises MessengerError unless it ends with 0.

    Others on the machine can read the arguments of a program, and its output may quote what it was given: so nothing is
    in the one, and the other is not kept (T68).
    """
    told = {"link": link, "ehr": ehr, "patient": patient, "expires": expires.isoformat(), "text": SAYING}
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
