"""Simulated courses, steady and fallen, through the real rules: how often a reason is raised, and how often rightly."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from math import sqrt
from typing import Final

from rich.console import Console
from rich.table import Table

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.precision import Origin, Precision, ReliabilityKind
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.trajectory.agreement import Differing, gap
from fhir_alliance.trajectory.reasons import reasons_of
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.seen import Name, Seen, SiteFigures
from fhir_alliance.trajectory.series import Rating

VISITS: Final = 20
TURN: Final = 9
SOON: Final = 4
MEAN: Final = 7.5
SPREADS: Final = (0.5, 0.8, 1.2)
CORRELATIONS: Final = (0.0, 0.3)
DROPS: Final = (1.5, 2.0)
STEADY_VISITS: Final = 0.02
STEADY_PATIENTS: Final = 0.10
# What a site may learn of its own check-in: the planning value of reference 8.
PRECISION: Final = Precision(
    sd=Decimal("1.5"),
    reliability=Decimal("0.9"),
    kind=ReliabilityKind.ALPHA,
    population="simulated",
    source="planning value",
    origin=Origin.SITE,
    people=100,
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of course: SD from visit to visit, correlation of neighbours, drop in SDs at visit 9."""

    spread: float
    correlation: float
    drop: float = 0.0
    figures: bool = False

    @property
    def site(self) -> SiteFigures:
        """What a site knows whose patients all are of this kind, at levels that differ."""
        return SiteFigures(
            mean=Decimal(str(MEAN)),
            between=Decimal("1.5"),
            within=Decimal(str(self.spread)),
            people=100,
            source="simulated",
        )

    def ratings(self, chance: random.Random, mean: float) -> Iterator[Decimal]:
        """Yield the ratings of one course on 0 to 10, in sixths, as the core score has them."""
        error = chance.gauss(0, 1)
        for visit in range(1, VISITS + 1):
            level = mean - (self.drop * self.spread if visit >= TURN else 0)
            sixths = round(6 * min(10.0, max(0.0, level + self.spread * error)))
            yield (Decimal(sixths) / 6).quantize(Decimal("0.0001"))
            error = self.correlation * error + sqrt(1 - self.correlation**2) * chance.gauss(0, 1)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Shares of visits and of courses with a reason, of courses with one soon after the turn and later, and by name."""

    visits: float
    courses: float
    soon: float
    later: float
    by_name: dict[Name, float]


def follow(kind: Kind, chance: random.Random, scale: Scale) -> list[frozenset[Name]]:
    """Return the reasons that one course gives at each visit, as somebody would have seen them then."""
    seen = Seen(
        name="Alex",
        scale=scale,
        validated=True,
        ratings=(),
        course=RULES.start(scale),
        visit=0,
        precision=PRECISION if kind.figures else None,
        of_therapist=PRECISION if kind.figures else None,
        differing=Differing() if kind.figures else None,
        site=kind.site if kind.figures else None,
    )
    # The therapist's guess varies as much as the patient, around what a therapist is expected to say.
    guesses = kind.ratings(chance, MEAN - 0.46 * float(PRECISION.sd))
    found, least = [], seen.share(RULES.differing_share)
    for visit, (value, guess) in enumerate(zip(kind.ratings(chance, MEAN), guesses, strict=True), 1):
        differing = seen.differing and seen.differing.after(
            visit, gap(value, guess, of_patient=PRECISION, of_therapist=PRECISION, least=least)
        )
        ratings = (*seen.ratings, Rating(visit=visit, day="", value=value))
        seen = replace(seen, ratings=ratings, course=seen.course.after(value), visit=visit, differing=differing)
        found.append(frozenset(reason.name for reason in reasons_of(seen)))
    return found


def rates(kind: Kind, courses: int, seed: int) -> Rates:
    """Simulate a number of courses of one kind."""
    chance = random.Random(f"{seed} {kind}")  # noqa: S311  # test data
    scale = shipped().instrument("visit-check-in").scales[0]
    found = [follow(kind, chance, scale) for _ in range(courses)]
    names = Counter(name for course in found for name in frozenset().union(*course))
    return Rates(
        visits=sum(_raised(course) for course in found) / (VISITS * courses),
        courses=_share(found),
        soon=_share([course[TURN - 1 : TURN - 1 + SOON] for course in found]),
        later=_share([course[TURN - 1 :] for course in found]),
        by_name={name: count / courses for name, count in names.items()},
    )


def simulate(courses: int, seed: int, console: Console) -> bool:
    """Print the rates of every kind; return whether the steady ones keep the budget."""
    good = True
    for figures in (False, True):
        told = "with the site's own figures" if figures else "without figures"
        table = Table("SD", "rho", "visits", "patients", *Name, "1.5 SD: 4 visits", "by 20", "2 SD: 4 visits", "by 20")
        table.title = f"{courses} courses of each kind, rule set v{RULES.version}, {told}"
        for spread, correlation in product(SPREADS, CORRELATIONS):
            kind = Kind(spread=spread, correlation=correlation, figures=figures)
            steady = rates(kind, courses, seed)
            fallen = [rates(replace(kind, drop=drop), courses, seed) for drop in DROPS]
            good = good and keeps_budget(steady)
            table.add_row(*_row(kind, steady, fallen))
        console.print(table)
    return good


def keeps_budget(steady: Rates) -> bool:
    """Whether steady courses raise few enough reasons."""
    return steady.visits <= STEADY_VISITS and steady.courses <= STEADY_PATIENTS


def _row(kind: Kind, steady: Rates, fallen: Iterable[Rates]) -> list[str]:
    shares = [steady.visits, steady.courses, *(steady.by_name.get(name, 0.0) for name in Name)]
    shares += [share for each in fallen for share in (each.soon, each.later)]
    return [str(kind.spread), str(kind.correlation), *(f"{100 * share:.1f}" for share in shares)]


def _raised(course: Iterable[frozenset[Name]]) -> int:
    return sum(bool(names) for names in course)


def _share(courses: list[list[frozenset[Name]]]) -> float:
    return sum(_raised(course) > 0 for course in courses) / len(courses)
