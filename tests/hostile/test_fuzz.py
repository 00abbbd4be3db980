"""Arbitrary calls: a documented exception or the right result, and no byte changed but those of the output.

`python -m reliability fuzz_python` runs the same for as long as one likes.
"""

import pytest

hypothesis = pytest.importorskip("hypothesis")

from fuzzing import CHECKS, explore  # noqa: E402


@pytest.mark.fuzzes
@pytest.mark.parametrize("name", CHECKS)
def test_fuzz(name):
    explore(name, derandomize=True, max_examples=100)
