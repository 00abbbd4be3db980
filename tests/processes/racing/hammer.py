"""Every function on several Python threads with shared inputs; "planted": also with a shared output, a race."""

import functools
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import leak_calls  # of tests/memory
import lse

CALLERS = 4
TEAM = 3
ROUNDS = 20

Call = Callable[[], object]


def calls() -> list[Call]:
    """Return all calls; the outputs and accumulators among their arguments belong to this list."""
    return [functools.partial(f, *arguments) for part in leak_calls.PARTS for _, f, arguments in part()]


def make(own: list[Call]) -> None:
    """Make each of the calls, and change both thread limits meanwhile."""
    for _ in range(ROUNDS):
        for call in own:
            call()
        lse.set_num_threads(TEAM)
        with lse.num_threads(2):
            lse.softmax(leak_calls.LONG)


def main(planted: bool) -> None:
    """Make the calls on several threads; print their number and that of the elements."""
    into_one = [functools.partial(lse.softmax, leak_calls.LONG, out=np.zeros_like(leak_calls.LONG))]
    lists = [into_one if planted else calls() for _ in range(CALLERS)]
    lse.set_num_threads(TEAM)
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(make, lists))
    print(ROUNDS * sum(map(len, lists)), lse._core.progress())


if __name__ == "__main__":
    main(sys.argv[1:] == ["planted"])
