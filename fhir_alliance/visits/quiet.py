"""The hours of a site in which nobody is reminded of anything."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def after_quiet(at: datetime, quiet: tuple[time, time], zone: ZoneInfo) -> datetime:
    """Return a moment as it is outside the quiet hours, and the end of these when it is inside.

    `quiet` goes from its first time to its second by the clock of `zone`, over midnight when the first is later; two
    equal times are no hours at all.
    """
    begins, ends = quiet
    local = at.astimezone(zone)
    clock, over_night = local.time(), begins > ends
    inside = clock >= begins or clock < ends if over_night else begins <= clock < ends
    if not inside:
        return at
    day = local.date() + timedelta(days=1 if over_night and clock >= begins else 0)
    return datetime.combine(day, ends, zone).astimezone(UTC)
