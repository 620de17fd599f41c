"""Everything that takes long, from one seed: `make soak`. It ends with 1 when anything was not as it must be."""

import secrets
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import click
from rich.console import Console

from tests.soak.courses import simulate
from tests.soak.delivery import Load, soak
from tests.soak.engines import FORMS, compare
from tests.soak.machine import wander
from tests.soak.memory import remember

PARTS: Final = ("engines", "courses", "machine", "memory", "delivery")
DATABASES: Final = ("sqlite", "postgresql")
# Six digits are easy to type again.
SEEDS: Final = 10**6
QUICK_FORMS: Final = 300
# A form that has failed seven times would wait for minutes, and with it the whole run.
QUICK_WAIT: Final = 3
# The widest table, also where what is printed goes into a file.
WIDTH: Final = 160


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part.  [default: all]")
@click.option("--database", "kinds", multiple=True, type=click.Choice(DATABASES), help="Only on this.  [default: both]")
@click.option(
    "--quick", is_flag=True, help=f"Only the delivery, of {QUICK_FORMS} forms, tried again within {QUICK_WAIT} s."
)
@click.option("--sets", type=click.IntRange(min=1), default=10_000, show_default=True, help="Sets per instrument.")
@click.option("--only", multiple=True, type=click.Choice(list(FORMS)), metavar="NAME", help="Only this instrument.")
@click.option("--courses", type=click.IntRange(min=1), default=10_000, show_default=True, help="Courses of each kind.")
@click.option("--steps", default=5_000, show_default=True, help="Steps of the state machine.")
@click.option("--forms", default=10_000, show_default=True, help="Forms to accept and deliver.")
@click.option("--faults", default=0.3, show_default=True, help="Share of the writes that an EHR spoils.")
@click.option("--kill-every", default=5.0, show_default=True, help="Seconds between two kills of a process.")
@click.option("--seed", type=int, help="Repeat a run: the seed it printed.")
def main(
    parts: tuple[str, ...],
    kinds: tuple[str, ...],
    quick: bool,
    sets: int,
    only: tuple[str, ...],
    courses: int,
    steps: int,
    forms: int,
    faults: float,
    kill_every: float,
    seed: int | None,
) -> None:
    """Score, follow courses, wander and deliver for long; print the figures."""
    console, first = Console(width=WIDTH), secrets.randbelow(SEEDS) if seed is None else seed
    console.print(f"seed {first}", highlight=False)
    chosen = parts or (("delivery",) if quick else PARTS)
    load = Load(QUICK_FORMS if quick else forms, faults, kill_every, first, longest=QUICK_WAIT if quick else None)
    runs: dict[str, list[Callable[[], bool]]] = {
        "engines": [partial(compare, list(only or FORMS), sets, first, console)],
        "courses": [partial(simulate, courses, first, console)],
        "machine": [partial(wander, kind, steps, first, console) for kind in kinds or DATABASES],
        "memory": [partial(remember, forms, first, console)],
        "delivery": [partial(soak, kind, load, console) for kind in kinds or DATABASES],
    }
    good = [run() for part in chosen for run in runs[part]]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
