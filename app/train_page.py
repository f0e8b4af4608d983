"""What ``vetset train`` prints for people: a line a step on stderr, and what it came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..curate.wording import counted, shell
from .lines import progress_line, say, tell

if TYPE_CHECKING:
    from ..train.recipe import Recipe
    from ..train.training import Trained
    from ..train.watching import Step


@contextmanager
def rate() -> Iterator[Callable[[Step], None]]:
    """Give what says on stderr where a run stands, how fast it is, and what is left."""
    with progress_line(keep=True) as write:

        def progress(at: Step) -> None:
            speed = "" if at.tokens_per_second is None else f", {at.tokens_per_second:,.0f} tokens/s"
            reward = "" if at.reward is None else f", reward {at.reward:.3f}"
            line = f"step {at.step:,}/{at.total:,}, loss {at.loss:.4f}{reward}{speed}, {duration(at.seconds_left)} left"
            write(line, at.step in (1, at.total))

        yield progress


def print_trained(trained: Trained, recipe: Recipe) -> None:
    """Print what a run came to, and the next step."""
    again = "" if trained.resumed_at is None else f" (went on from step {trained.resumed_at:,})"
    tell(
        f"{trained.folder}: {recipe.method} of {counted(trained.rows, 'row')} in {counted(trained.steps, 'step')}{again}, "
        f"{trained.tokens:,} tokens, {duration(trained.seconds)}"
    )
    if trained.loss is not None:
        looked = (
            ""
            if trained.valid_loss is None
            else f"; best valid loss {trained.valid_loss:.4f} at step {trained.best_step:,}"
        )
        early = ", where it stopped early" if trained.stopped_early else ""
        tell(
            f"last loss {trained.loss:.4f}{looked}{early}. curves.csv has each step, lineage.json all that it was made of"
        )
    option = shell(trained.folder) if recipe.full else f"{shell(recipe.base)} --adapter {shell(trained.folder)}"
    say(f"next: vetset eval {option} --on EVALSET --forgetting")


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(42), duration(3_900)
    ('42 s', '1 h 5 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
