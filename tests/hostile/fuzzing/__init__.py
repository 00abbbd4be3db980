"""Random calls of the public functions, and checks of their results."""

import itertools
import time
from collections import Counter

import hypothesis
from hypothesis import strategies as st

from fuzzing import calls, objects

CHECKS = {
    "logsumexp": calls.check_reduction,
    "logmeanexp": calls.check_mean,
    "softmax, log_softmax": calls.check_map,
    "logcumsumexp": calls.check_cumulative,
    "segment_logsumexp": calls.check_segments,
    "LogSumExp": objects.lives,
    "any of them, with any objects": objects.anything,
    "set_num_threads": objects.threads,
    "python -m lse": objects.command_line,
}


def explore(name, **options):
    """Let hypothesis search for a call for which a check fails; return how many it has tried."""
    runs = Counter()

    def check(data):
        runs[name] += 1
        CHECKS[name](data)

    settings = hypothesis.settings(
        deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None, print_blob=True, **options
    )
    settings(hypothesis.given(st.data())(check))()
    return runs


def turns(seconds, examples):
    """Run the checks in turn, each time with new examples; return how many each has tried."""
    end, runs = time.monotonic() + seconds, Counter()
    for name in itertools.cycle(CHECKS):
        runs += explore(name, max_examples=examples)
        if time.monotonic() > end:
            return runs
