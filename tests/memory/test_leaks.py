"""Nothing is held that was not held before, after many calls of everything, errors included."""

import sys

import pytest

import leak_calls
from holdings import leaks

TIMES = 200

pytestmark = pytest.mark.skipif(sys.getallocatedblocks() == 0, reason="PYTHONMALLOC: Python counts no blocks")


def test_a_leak_is_seen():
    """An object, some memory, a reference in each call."""
    kept, one = [], object()
    assert "blocks" in leaks(lambda: kept.append(bytes(100)), (), TIMES)
    assert "references" in leaks(kept.append, (one,), TIMES)
    assert not leaks(lambda x: [x, bytes(10_000)], (one,), TIMES)


@pytest.mark.exhausts
@pytest.mark.parametrize("part", leak_calls.PARTS, ids=lambda part: part.__name__)
def test_nothing_is_kept(part):
    times = TIMES // leak_calls.PARTS[part]
    found = {name: leaks(function, arguments, times) for name, function, arguments in part()}
    assert found
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
