"""The command `fhir-alliance harvest`: responses that others wrote, looked for now."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from smart_app.commands.ehr import chosen
from smart_app.commands.options import SETTINGS, fail, read

_MOST: Final = 200


@click.command()
@SETTINGS
@click.option("--ehr", "name", required=True, help="The EHR, by its name in the settings.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on.  [default: the last round]")
@click.option("--dry-run", is_flag=True, help="Say what would become of each response, and change nothing.")
def harvest(settings: Path, name: str, since: datetime | None, *, dry_run: bool) -> None:
    """Find responses to our forms that other programs wrote into an EHR, check them, and score each once.

    The scores are delivered by `serve` or `worker`, which also look by themselves where the settings say how often.
    """
    from fhir_alliance.delivery.receipts import SCORED_ELSEWHERE
    from fhir_alliance.errors import AllianceError, EhrError, InvalidSettings
    from fhir_alliance.harvest.book import Book
    from fhir_alliance.settings import Rung
    from smart_app.web.app import create_app
    from smart_app.web.log import only_warnings

    site = read(settings)
    if chosen(site, name, settings).write.rung is not Rung.OBSERVATIONS:
        fail([f"[ehr.{name}] does not take whole Observations, so nothing is scored for it."])
    try:
        services = create_app(site).extensions["alliance"]
        start = since and since.replace(tzinfo=UTC)
        with only_warnings():
            found = services.harvester.harvest(name, since=start, write=not dry_run, again=True)
        book = Book(services.engine)
        refused, standing = book.refused(name, limit=_MOST), book.count_refused(name)
    except InvalidSettings as error:
        fail(error.faults)
    except EhrError as error:
        fail([f"{error}. The EHR, or its backend client, does not let responses be looked for."])
    except AllianceError as error:
        fail([f"{error} {error.sentence}"])
    listed = [each for each in found if each.outcome != SCORED_ELSEWHERE]
    for each in listed:
        remarks = ["its own score differs from ours"] if each.claim_differs else []
        _tell(each.outcome, each.response, [*each.words, *each.faults, *remarks])
    became = Counter(each.outcome for each in listed)
    summary = _summary(became, already=len(found) - len(listed))
    click.echo(f"{summary}{', nothing was changed' if dry_run else ''}.")
    looked_at = {each.response for each in found}
    if before := [each for each in refused if each.response not in looked_at]:
        cut = f", among the newest {len(refused)} of {standing}" if standing > len(refused) else ""
        click.echo(f"Not scored before, and still not{cut}:")
        for earlier in before:
            _tell(earlier.code, earlier.response, [earlier.reason.words])


def _summary(became: Counter[str], *, already: int) -> str:
    """Say how many responses became what; `already` were scored by another program, so that nobody has to act."""
    number = became.total() + already
    parts = [f"{count} {outcome}" for outcome, count in became.most_common()]
    parts += [f"already scored: {already}"] if already else []
    return f"{number} response{'' if number == 1 else 's'}{': ' if parts else ''}{', '.join(parts)}"


def _tell(outcome: str, response: str, lines: list[str]) -> None:
    click.echo(f"{outcome:<18} QuestionnaireResponse/{response}")
    for line in lines:
        click.echo(f"  {line}")
