"""`[links]` and `[tablets]`: off unless a site says so, and within limits that make sense."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from marshmallow import ValidationError

from fhir_alliance.settings.links import LinkSchema, LinkSettings, TabletSchema, TabletSettings


def test_what_a_site_gets_without_more() -> None:
    """Enabled and nothing else: two days, five tries, nobody who passes a link on; ten minutes for a tablet."""
    links, tablets = LinkSchema().load({"enabled": True}), TabletSchema().load({"enabled": True})

    assert links == LinkSettings(lasts=timedelta(hours=48), attempts=5)
    assert not links.passed_on
    assert tablets == TabletSettings(idle=timedelta(minutes=10))


def test_off_is_off() -> None:
    """With `enabled = false` there is nothing, whatever else is said."""
    assert LinkSchema().load({"enabled": False, "attempts": 3}) is None
    assert TabletSchema().load({"enabled": False}) is None


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (LinkSchema, {}),
        (LinkSchema, {"enabled": "yes"}),
        (LinkSchema, {"enabled": True, "valid_hours": 0}),
        (LinkSchema, {"enabled": True, "valid_hours": 337}),
        (LinkSchema, {"enabled": True, "attempts": 2}),
        (LinkSchema, {"enabled": True, "attempts": 11}),
        (LinkSchema, {"enabled": True, "command": [""]}),
        (LinkSchema, {"enabled": True, "commands": ["x"]}),
        (TabletSchema, {"enabled": True, "idle_minutes": 1}),
        (TabletSchema, {"enabled": True, "idle_minutes": 11}),
    ],
)
def test_what_makes_no_sense_is_refused(schema: Callable[[], LinkSchema], values: dict[str, object]) -> None:
    """A missing switch, a link for ever, too many tries or an unknown name stop the start with a reason."""
    with pytest.raises(ValidationError):
        schema().load(values)
