"""Times and ratios, as rows of one table."""

from collections.abc import Callable
from time import perf_counter

Row = tuple[str, str, str]
ROUNDS = 20


def seconds(*works: Callable[[], object], times: int) -> list[float]:
    """Return each work's shortest time of one call, in seconds: taken by turns, so that noise hits all alike."""
    shortest = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            began = perf_counter()
            for _ in range(times):
                work()
            shortest[index] = min(shortest[index], (perf_counter() - began) / times)
    return shortest


def ratio(work: float, base: float) -> str:
    """Return a ratio with both times in microseconds."""
    return f"{work / base:.1f}  ({work * 1e6:,.0f} µs to {base * 1e6:,.0f} µs)"


def fraction(work: float, base: float) -> str:
    """Return a ratio far below one, with both times in microseconds."""
    return f"1/{base / work:,.0f}  ({work * 1e6:,.0f} µs to {base * 1e6:,.0f} µs)"
