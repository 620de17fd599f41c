"""What the backend client must be granted before it delivers in place of a person who has left."""

import pytest

from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.delivery.senders import _needed, _require
from fhir_alliance.errors import SignInNeeded
from fhir_alliance.settings import Rung

WHOLE = "system/Patient.r system/QuestionnaireResponse.crs system/Observation.cs"


def item(rung: Rung, kind: Kind) -> Item:
    """Return a leased submission."""
    return Item(
        key="k",
        sequence=1,
        ehr="harbor",
        patient="maria-lopez",
        encounter=None,
        launch="l",
        grant="g",
        tries=1,
        response_id=None,
        lease="x",
        rung=rung,
        fhir_base=None,
        payload=b"",
        shown=b"",
        sealed_pieces=None,
        kind=kind,
    )


@pytest.mark.parametrize(
    ("rung", "kind", "scopes"),
    [
        (Rung.OBSERVATIONS, Kind.ORIGINAL, WHOLE),
        (Rung.OBSERVATIONS, Kind.AMENDMENT, WHOLE.replace("crs", "crus").replace(".cs", ".cus")),
        (Rung.FLOWSHEET, Kind.ORIGINAL, "system/Patient.r system/Observation.cs"),
        (Rung.FLOWSHEET, Kind.WITHDRAWAL, "system/Patient.r system/Observation.cus"),
        (Rung.NOTE, Kind.ORIGINAL, "system/Patient.r system/DocumentReference.crs"),
        (Rung.NOTE, Kind.AMENDMENT, "system/Patient.r system/DocumentReference.crus"),
    ],
)
def test_every_letter_is_needed(rung: Rung, kind: Kind, scopes: str) -> None:
    """With just these scopes it delivers; with any letter of any of them less the form waits for its person."""
    parts = scopes.split()
    _require(_needed(item(rung, kind)), frozenset(parts))

    less = [
        frozenset([*parts[:place], f"{kind_of}.{letters.replace(letter, '')}", *parts[place + 1 :]])
        for place, (kind_of, _, letters) in enumerate(part.partition(".") for part in parts)
        for letter in letters
    ]

    for granted in less:
        with pytest.raises(SignInNeeded):
            _require(_needed(item(rung, kind)), granted)
