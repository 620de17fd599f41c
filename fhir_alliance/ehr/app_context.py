"""Our own `appContext`: what a CDS card or an order hands to a launch, so that exactly one form opens (C04)."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final

import orjson

from fhir_alliance.errors import ForeignContext
from fhir_alliance.vault import Vault, VaultError

_PREFIX: Final = "alliance."


def make_app_context(vault: Vault, *, ehr: str, patient: str, form: str, expires_at: datetime) -> str:
    """Return the text that opens a form (its pinned canonical) for one patient of one EHR until then.

    It is sealed, and bound to the patient (a FHIR id) without holding who that is.
    """
    content = orjson.dumps([form, int(expires_at.timestamp())])
    return _PREFIX + urlsafe_b64encode(vault.seal(content, place=_place(ehr, patient))).decode()


def read_app_context(vault: Vault, text: str, *, ehr: str, patient: str, now: datetime) -> str:
    """Return the form that a launch was asked to open.

    Raises ForeignContext when the text is somebody else's, was made for another patient or EHR, or has expired.
    """
    try:
        sealed = urlsafe_b64decode(text.removeprefix(_PREFIX))
        form, expires = orjson.loads(vault.open(sealed, place=_place(ehr, patient)))
    except (binascii.Error, VaultError):
        raise ForeignContext("foreign") from None
    if now.timestamp() >= expires:
        raise ForeignContext("expired")
    return str(form)


def _place(ehr: str, patient: str) -> str:
    return f"{ehr}/app_context/{patient}"
