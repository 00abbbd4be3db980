"""Every test runs on every kernel that the processor can execute: the suite is run once for each.

The kernel is chosen at import, so the parent run starts the others itself, one subprocess for each
(tests/test_every_kernel.py), with the modules that are about numbers.
"""

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """A generator whose seed is the same in every run, and different for every test."""
    return np.random.default_rng([ord(c) for c in request.node.nodeid])
