"""The part [alerts] of alliance.toml: who is told, in time, over a connection that nobody else reads."""

from datetime import timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import AlertSettings, read_settings

ALERTS = {
    "recipients": '["on-call@clinic.example.invalid"]',
    "escalation": '["head@clinic.example.invalid"]',
    "acknowledge_within": "30",
    "smtp_host": '"smtp.clinic.example.invalid"',
    "smtp_port": "587",
    "smtp_security": '"starttls"',
    "sender": '"alliance@clinic.example.invalid"',
}


def alerts(folder: Path, **changes: str | None) -> AlertSettings | None:
    """Read the settings of a site with alerts, some of whose values are changed or left out (None)."""
    lines = [f"{name} = {value}" for name, value in {**ALERTS, **changes}.items() if value is not None]
    path = folder / "alliance.toml"
    path.write_text(path.read_text() + "\n".join(["", "[alerts]", *lines, ""]))
    return read_settings(path).alerts


def faults(folder: Path, **changes: str | None) -> list[str]:
    """Return the faults of such settings, without the name of the file."""
    with pytest.raises(InvalidSettings) as caught:
        alerts(folder, **changes)
    return [fault.removeprefix("alliance.toml: ") for fault in caught.value.faults]


def test_a_site_without_alerts(folder: Path) -> None:
    """Alerts are a site's own decision: nothing is assumed."""
    assert read_settings(folder / "alliance.toml").alerts is None


def test_alerts_are_read_whole(folder: Path) -> None:
    """Addresses, time limit, server and sign-in come out as written; the password's file is not printed."""
    (folder / "smtp.password").touch(mode=0o600)

    found = alerts(folder, user='"alliance"', password_file='"smtp.password"')

    assert found == AlertSettings(
        recipients=("on-call@clinic.example.invalid",),
        escalation=("head@clinic.example.invalid",),
        acknowledge_within=timedelta(minutes=30),
        smtp_host="smtp.clinic.example.invalid",
        smtp_port=587,
        smtp_security="starttls",
        sender="alliance@clinic.example.invalid",
        user="alliance",
        password_file=folder / "smtp.password",
    )
    assert "smtp.password" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("recipients", "[]", "alerts.recipients: needs 1 to 20 addresses"),
        ("recipients", None, "alerts.recipients: Missing data for required field."),
        ("recipients", '["nobody"]', "alerts.recipients.0: Not a valid email address."),
        ("recipients", '["a@b.example\\r\\nBcc: c@d.example"]', "alerts.recipients.0: Not a valid email address."),
        ("sender", '"a@b.example\\n"', "alerts.sender: Not a valid email address."),
        (
            "escalation",
            '["On-Call@clinic.example.invalid"]',
            "alerts.escalation: must be somebody else than the recipients",
        ),
        ("acknowledge_within", "4", "alerts.acknowledge_within: Must be greater than or equal to 5"),
        ("acknowledge_within", "1441", "alerts.acknowledge_within: Must be greater than or equal to 5"),
        ("acknowledge_within", "7.5", "alerts.acknowledge_within: Not a valid integer."),
        ("smtp_host", '"smtp example"', "alerts.smtp_host: is not the name of a server"),
        ("smtp_port", "0", "alerts.smtp_port: Must be greater than or equal to 1"),
        ("smtp_security", '"ssl"', "alerts.smtp_security: Must be one of: starttls, tls, none."),
        ("smtp_security", '"none"', "alerts.smtp_security: none is for a mail server on this machine only"),
        ("user", '"alliance"', "alerts.user: a user needs a password_file, and a password_file a user"),
        ("password_file", '"smtp.password"', "alerts.user: a user needs a password_file, and a password_file a user"),
        ("colour", '"red"', "alerts.colour: Unknown field."),
    ],
)
def test_a_fault_names_its_place(folder: Path, name: str, value: str | None, fault: str) -> None:
    """Whatever could leave an alert unread, or read by others, is refused with its place and the reason."""
    (found,) = faults(folder, **{name: value})

    assert found.startswith(fault)


def test_every_fault_is_reported_together(folder: Path) -> None:
    """A fault in one value does not hide one in how the values fit each other."""
    found = faults(folder, smtp_port="0", smtp_security='"none"', user='"alliance"')

    assert [fault.split(":")[0] for fault in found] == ["alerts.smtp_port", "alerts.smtp_security", "alerts.user"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_mail_in_the_clear_on_this_machine(folder: Path, host: str) -> None:
    """A mail server on this very machine may be spoken to without encryption."""
    found = alerts(folder, smtp_host=f'"{host}"', smtp_security='"none"')

    assert found
    assert found.smtp_security == "none"


def test_an_open_password_file_is_refused(folder: Path) -> None:
    """The password of the mail server is kept like the keys: others cannot read it."""
    (folder / "smtp.password").touch(mode=0o644)

    found = faults(folder, user='"alliance"', password_file='"smtp.password"')

    assert found == ["smtp.password: others can read this key file; make it private with chmod 600"]
