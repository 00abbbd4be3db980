"""What several test modules share."""

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """A generator whose seed is the same in every run, and another for every test."""
    return np.random.default_rng([ord(c) for c in request.node.nodeid.split("::", 1)[1]])
