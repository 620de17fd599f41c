"""`[schedule.NAME]`: what a site or one of its clinics asks, and when."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import SITE, AskSettings, ScheduleSettings, read_settings


def read(folder: Path, more: str) -> dict[str, ScheduleSettings]:
    """Return the schedules of a site whose settings say something more."""
    path = folder / "alliance.toml"
    path.write_text(f"{path.read_text()}\n{more}\n")
    return dict(read_settings(path).schedules)


def test_without_a_schedule_the_instruments_advice_holds(folder: Path) -> None:
    """The site's schedule is always there: everything at its default, nothing asked by name."""
    assert read(folder, "") == {SITE: ScheduleSettings()}


def test_a_clinic_has_a_schedule_of_its_own(folder: Path) -> None:
    """Forms, visits, codes and times come out as written, and the site's schedule stays for everybody else."""
    schedules = read(
        folder,
        """
        [schedule.day-clinic]
        clinics = ["Organization/day"]
        not_kinds = ["intake"]
        roles = ["PPRF"]
        asking = "after"
        last_minutes = 10
        window_hours = 24
        [[schedule.day-clinic.ask]]
        form = "visit-check-in/core"
        every = 2
        [[schedule.day-clinic.ask]]
        form = "visit-check-in/core"
        rater = "therapist"
        visits = [3, 4]
        months = 1
        after_flag = true
        """,
    )

    assert schedules == {
        "day-clinic": ScheduleSettings(
            ask=(
                AskSettings(instrument="visit-check-in", form="core", rater="patient", every=2),
                AskSettings(
                    instrument="visit-check-in",
                    form="core",
                    rater="therapist",
                    visits=(3, 4),
                    months=1,
                    after_flag=True,
                ),
            ),
            clinics=frozenset({"Organization/day"}),
            not_kinds=frozenset({"intake"}),
            roles=frozenset({"PPRF"}),
            asking="after",
            last_minutes=timedelta(minutes=10),
            window=timedelta(hours=24),
        ),
        SITE: ScheduleSettings(),
    }


def test_reminders(folder: Path) -> None:
    """The times come out in order, each once, with the quiet hours of the schedule, or else those of most sites."""
    path = folder / "alliance.toml"
    path.write_text(path.read_text().replace("[links]\n", '[links]\ncommand = ["/bin/send"]\n'))
    day = '[schedule.day]\nclinics = ["Location/1"]\nremind_hours = [3]\nquiet = ["18:30", "09:00"]'
    schedules = read(folder, f"[schedule.site]\nremind_hours = [24, 2, 24]\n{day}")

    assert schedules[SITE].remind == (timedelta(hours=2), timedelta(hours=24))
    assert schedules[SITE].quiet == (time(20), time(8))
    assert schedules["day"].quiet == (time(18, 30), time(9))


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('[[schedule.site.ask]]\nform = "core"\nevery = 1', "schedule.site.ask.0.form: is not the name of an"),
        ('[[schedule.site.ask]]\nform = "a/core"', "schedule.site.ask.0.form: needs one of visits, every"),
        ('[[schedule.site.ask]]\nform = "a/core"\nvisits = [0]', "schedule.site.ask.0.visits.0: "),
        ('[schedule.site]\nclinics = ["Organization/day"]', "schedule.site: the site's schedule is for every clinic"),
        ("[schedule.day]", "schedule.day: needs its clinics"),
        ("[schedule.site]\nwindow_hours = 72", "schedule.site.window_hours: "),
        ("[schedule.site]\nremind_hours = [0]", "schedule.site.remind_hours.0: "),
        ("[schedule.site]\nremind_hours = [2]", "schedule.site: remind_hours needs what sends the messages"),
        ('[schedule.site]\nquiet = ["20:00"]', "schedule.site.quiet: needs two times"),
        ('[schedule.site]\nquiet = ["25:00", "08:00"]', "schedule.site.quiet.0: is no time such as 20:00"),
        ('[schedule.day]\nclinics = ["Practitioner/ada"]', "schedule.day.clinics.0: "),
        (
            '[schedule.a]\nclinics = ["Location/1"]\n[schedule.b]\nclinics = ["Location/1"]',
            "schedule.b: Location/1 has the schedule a already",
        ),
    ],
)
def test_a_schedule_that_cannot_work_is_refused(folder: Path, more: str, fault: str) -> None:
    """Each fault names the line of the settings, and what is wrong with it."""
    with pytest.raises(InvalidSettings) as caught:
        read(folder, more)

    assert [each.startswith(f"alliance.toml: {fault}") for each in caught.value.faults] == [True]
