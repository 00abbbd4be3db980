"""Arbitrary calls: a documented exception or the right result, and no byte changed but those of the output.

`python -m reliability fuzz_python` runs the same for as long as one likes.
"""

import numpy as np
import pytest

import lse

hypothesis = pytest.importorskip("hypothesis")

from fuzzing import CHECKS, explore, reference  # noqa: E402


@pytest.mark.fuzzes
@pytest.mark.parametrize("name", CHECKS)
def test_fuzz(name):
    explore(name, derandomize=True, max_examples=100)


def test_the_reference_knows_what_it_loses():
    """2 e^a - e^a is e^a, but next to 2^64 the log of 2 is lost."""
    a, b, dtype = np.full(2, 2.0**64), np.array([2.0, -1.0]), np.dtype(np.float64)
    value = lse.logsumexp(a, b=b)
    assert value == 2.0**64
    reference.check_logs(value, None, reference.Sums(a, b, None, (0,), dtype), dtype, (a, b))
