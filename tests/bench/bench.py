"""What things cost, as ratios measured in one run: `make bench`. It asserts nothing and always ends with 0."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .accepting import accepting_rows
from .cards import card_rows
from .command import command_rows
from .records import record_rows
from .scoring import scoring_rows
from .site import site_rows
from .tables import table_rows
from .view import view_rows


def main() -> None:
    """Measure everything and print it beside its goal."""
    table = Table(title="FHIR Alliance, one run")
    for name in ("What", "Measured", "Goal"):
        table.add_column(name)
    make = tempfile.TemporaryDirectory
    with (
        make(prefix="fhir-alliance-bench-") as folder,
        make(prefix="fhir-alliance-cards-") as cards,
        make(prefix="fhir-alliance-views-") as views,
    ):
        groups = (
            scoring_rows(),
            record_rows(),
            view_rows(Path(views)),
            site_rows(Path(folder)),
            accepting_rows(Path(folder)),
            card_rows(Path(cards)),
            command_rows(),
            table_rows(Path(folder)),
        )
        for row in (row for rows in groups for row in rows):
            table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
