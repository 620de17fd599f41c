"""Our own token for a launch: it opens one form for one patient, for a while, and tells nobody anything."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fhir_alliance.ehr.app_context import make_app_context, read_app_context
from fhir_alliance.errors import ForeignContext
from fhir_alliance.key_file import create_key_file
from fhir_alliance.vault import Vault

FORM = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-full|1.0.0"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Return a vault with a new key."""
    create_key_file(tmp_path / "vault.json")
    return Vault.from_file(tmp_path / "vault.json")


@pytest.fixture
def text(vault: Vault) -> str:
    """Return a token for Maria, good for a day."""
    return make_app_context(vault, ehr="harbor", patient="maria", form=FORM, expires_at=NOW + timedelta(days=1))


def test_it_opens_its_form_for_its_patient(vault: Vault, text: str) -> None:
    """Within its time, at its EHR and for its patient a token names its form."""
    assert read_app_context(vault, text, ehr="harbor", patient="maria", now=NOW) == FORM


def test_it_says_nothing_to_anybody_else(text: str) -> None:
    """Neither the patient nor the form can be read from it, and it is short enough for a card."""
    sealed = base64.urlsafe_b64decode(text.removeprefix("alliance."))

    assert b"maria" not in sealed
    assert b"visit-check-in" not in sealed
    assert len(text) < 255


@pytest.mark.parametrize(
    ("ehr", "patient", "days", "why"),
    [("harbor", "thomas", 0, "foreign"), ("other", "maria", 0, "foreign"), ("harbor", "maria", 1, "expired")],
)
def test_it_is_good_for_nothing_else(vault: Vault, text: str, ehr: str, patient: str, days: int, why: str) -> None:
    """Another patient, another EHR and another day are refused."""
    with pytest.raises(ForeignContext) as refused:
        read_app_context(vault, text, ehr=ehr, patient=patient, now=NOW + timedelta(days=days))

    assert refused.value.detail == why


@pytest.mark.parametrize("change", ["", "alliance.", "alliance.a", "alliance.abcd", "{}", "k1:", "alliance.azE6"])
def test_what_we_did_not_make_is_refused(vault: Vault, change: str) -> None:
    """Another app's text, a truncated one and an empty one are foreign."""
    with pytest.raises(ForeignContext):
        read_app_context(vault, change, ehr="harbor", patient="maria", now=NOW)


def test_a_changed_one_is_refused(vault: Vault, text: str) -> None:
    """One other letter, and it is foreign."""
    changed = text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]

    with pytest.raises(ForeignContext):
        read_app_context(vault, changed, ehr="harbor", patient="maria", now=NOW)
