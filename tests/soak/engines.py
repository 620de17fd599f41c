"""The three engines over many more generated answers than `make test` has time for."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from time import perf_counter
from traceback import format_exception_only
from typing import Final, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from tests.scoring.engines import Given, answers_to, assert_columns_agree, assert_published_agree, scored_forms

FORMS: Final = {instrument.name: (instrument, form) for instrument, form in scored_forms()}
BLOCK: Final = 250


class Block(NamedTuple):
    """Some answer sets of one instrument, made from a seed of their own."""

    name: str
    seed: int
    sets: int


class Outcome(NamedTuple):
    """How many sets a block had (an instrument may have fewer than asked for), its seconds, and what did not agree."""

    sets: int
    took: float
    fault: str


def blocks(names: list[str], sets: int, first_seed: int) -> Iterator[Block]:
    """Yield the work in portions that keep every core busy to the end."""
    for name in names:
        for number, start in enumerate(range(0, sets, BLOCK)):
            yield Block(name, first_seed + number, min(BLOCK, sets - start))


def run(block: Block) -> Outcome:
    """Let the three engines score each set of a block; the columns take all of them at once."""
    instrument, form = FORMS[block.name]
    seen: list[Given] = []

    @seed(block.seed)
    @settings(
        max_examples=block.sets,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(answers_to(form))
    def agree(given: Given) -> None:
        seen.append(given)
        assert_published_agree(instrument, form, given)

    began = perf_counter()
    fault = ""
    try:
        agree()
        assert_columns_agree(instrument, form, seen)
    except AssertionError as error:
        fault = "".join(format_exception_only(error))
    return Outcome(len(seen), perf_counter() - began, fault)


def compare(names: list[str], sets: int, first_seed: int, console: Console) -> bool:
    """Compare the three engines, on every core; returns whether they agree."""
    console.print(f"{sets:,} answer sets for each of {len(names)} instruments; seed {first_seed}")
    columns = (BarColumn(), MofNCompleteColumn(), "blocks", TimeElapsedColumn(), "of", TimeRemainingColumn())
    with ProcessPoolExecutor() as pool, Progress(*columns, console=console) as progress:
        work = {pool.submit(run, block): block for block in blocks(names, sets, first_seed)}
        faults = sum(follow(work, progress))
    return not faults


def follow(work: dict[Future[Outcome], Block], progress: Progress) -> Iterator[bool]:
    """Say of each instrument, when its last block is done, what it took; yield of each block whether it failed."""
    task = progress.add_task("", total=len(work))
    waiting = Counter(block.name for block in work.values())
    checked, took = Counter[str](), defaultdict[str, float](float)
    for done in as_completed(work):
        block, outcome = work[done], done.result()
        waiting[block.name] -= 1
        checked[block.name] += outcome.sets
        took[block.name] += outcome.took
        progress.advance(task)
        if outcome.fault:
            progress.console.print(f"{block.name}: seed {block.seed}\n{outcome.fault}", markup=False, highlight=False)
        if not waiting[block.name]:
            scales = len(FORMS[block.name][1].scales)
            said = f"{block.name:<16} {checked[block.name]:>7,} sets, {scales} scales, {took[block.name]:>7,.1f} s"
            progress.console.print(said, highlight=False)
        yield bool(outcome.fault)
