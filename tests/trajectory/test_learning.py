"""What a site learns of its own first ratings, against numbers worked by hand."""

from decimal import Decimal

import pytest

from fhir_alliance.trajectory.learning import First, levels_of, spread_of

from .cases import near

# Two items of 1 or 3: forty people say 1 and 1, forty 3 and 3, ten 1 and 3, ten 3 and 1.
ITEMS = [(1, 1)] * 40 + [(3, 3)] * 40 + [(1, 3)] * 10 + [(3, 1)] * 10


def people(*items: tuple[int, ...]) -> list[First]:
    """Return people whose first rating is the mean of its items."""
    return [
        First(ratings=(Decimal(sum(each)) / len(each),), items=tuple(map(Decimal, each))) if each else First(ratings=())
        for each in items
    ]


def test_worked_alpha() -> None:
    """Each item has a variance of 1, their sum one of 3.2: alpha is 2 x (1 - 2 / 3.2) = .75, the mean's SD .8989."""
    found = spread_of(people(*ITEMS))

    assert found is not None
    assert found.people == 100
    assert near(found.alpha, Decimal("0.75"))
    # The means vary by 80 / 99.
    assert near(found.sd, (Decimal(80) / 99).sqrt())


def test_worked_alpha_of_three() -> None:
    """Three items have a variance of 1 each, their sum one of 5: alpha is 3 / 2 x (1 - 3 / 5) = .6.

    Who has a rating without its items is not counted, and a later rating changes nothing.
    """
    thirds = [(1, 1, 1), (3, 3, 3)] * 30 + [(1, 1, 3), (3, 3, 1), (1, 3, 1), (3, 1, 3), (3, 1, 1), (1, 3, 3)] * 10
    more = [First(ratings=(Decimal(2),)), First(ratings=(Decimal(9), Decimal(1)))]
    later = [First(ratings=(*each.ratings, Decimal(0)), items=each.items) for each in people(*thirds)]

    found = spread_of([*later, *more])

    assert found == spread_of(people(*thirds))
    assert found is not None
    assert found.people == 120
    assert near(found.alpha, Decimal("0.6"))


def test_items_that_do_not_go_together() -> None:
    """Items of which none says anything of the other have an alpha of 0, which is a figure; one under 0 is none."""
    found = spread_of(people(*[(1, 1), (1, 3), (3, 1), (3, 3)] * 25))

    assert found is not None
    assert found.alpha == 0


@pytest.mark.parametrize(
    "items",
    [
        ITEMS[1:],
        [*ITEMS[1:], ()],
        [(2, 2)] * 120,
        [(1, 2, 3)] * 120,
        [(1,), (3,)] * 60,
        [(1, 3), (3, 1)] * 55 + [(1, 1)] * 4,
    ],
    ids=["99", "one-not-full", "alike", "alike-between-people", "one-item", "alpha-below-0"],
)
def test_nothing_to_learn(items: list[tuple[int, ...]]) -> None:
    """Too few full ratings, people who do not differ, one item and items against each other give no figures."""
    assert spread_of(people(*items)) is None


def rated(*courses: tuple[float, ...]) -> list[First]:
    """Return people by their first ratings."""
    return [First(ratings=tuple(Decimal(str(value)) for value in each)) for each in courses]


def test_worked_levels() -> None:
    """Means of 7 and 3 vary by 4 x 100 / 99; 6 and 8, 2 and 4 by 2 within, of which 2 / 2 is in the means."""
    found = levels_of(rated(*[(6, 8), (2, 4)] * 50))

    assert found is not None
    assert (found.people, found.mean) == (100, Decimal(5))
    assert near(found.within, Decimal(2).sqrt())
    assert near(found.between, (Decimal(400) / 99 - 1).sqrt())


def test_only_the_first_four_of_those_with_two() -> None:
    """A fifth rating changes nothing, and who has one rating is not counted; unequal numbers weigh as they are."""
    pairs = [(6, 8), (2, 4)] * 50
    four = levels_of(rated(*pairs, *[(5, 5, 5, 5)] * 20))

    assert levels_of(rated(*pairs, *[(5, 5, 5, 5, 0)] * 20, (0,))) == four
    assert four is not None
    # 200 squares within over 100 + 60 degrees of freedom; 1 / n is 1/2 a hundred times and 1/4 twenty times.
    assert near(four.within, Decimal("1.25").sqrt())
    shares = Decimal(100 / 2 + 20 / 4) / 120
    assert near(four.between, (Decimal(400) / 119 - Decimal("1.25") * shares).sqrt())


def test_people_who_differ_by_little() -> None:
    """Half of the people at 6 and half at 5 differ by a variance of 25 / 99."""
    found = levels_of(rated(*[(6, 6), (5, 5)] * 50))

    assert found is not None
    assert near(found.between, (Decimal(25) / 99).sqrt())


@pytest.mark.parametrize(
    "courses",
    [[(6, 8), (2, 4)] * 49 + [(6, 8)], [(4, 6)] * 120, [(5, 5)] * 120],
    ids=["99", "people-do-not-differ", "all-alike"],
)
def test_no_levels(courses: list[tuple[float, ...]]) -> None:
    """Fewer than a hundred people, and people who differ by no more than their own ratings do, give none."""
    assert levels_of(rated(*courses)) is None
