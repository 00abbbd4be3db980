"""Nothing is held that was not held before, after many calls of everything, errors included.

`--times 100000` makes as many calls of each as one likes; so many take an hour.
"""

import sys

import pytest

import leak_calls
from checks import skip_without
from holdings import leaks

TIMES = 200

pytestmark = pytest.mark.skipif(sys.getallocatedblocks() == 0, reason="PYTHONMALLOC: Python counts no blocks")


def test_a_leak_is_seen():
    """Leaks of an object, of memory and of a reference in each call."""
    kept, one = [], object()
    assert "blocks" in leaks(lambda: kept.append(bytes(100)), (), TIMES)
    assert "references" in leaks(kept.append, (one,), TIMES)
    assert not leaks(lambda x: [x, bytes(10_000)], (one,), TIMES)


def check(part, times):
    found = {name: leaks(function, arguments, times) for name, function, arguments in part()}
    assert found
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.exhausts
@pytest.mark.parametrize("part", leak_calls.PARTS, ids=lambda part: part.__name__)
def test_nothing_is_kept(part, request):
    check(part, request.config.option.times // leak_calls.PARTS[part])


@pytest.mark.exhausts
@pytest.mark.parametrize("part", leak_calls.OPTIONAL, ids=lambda part: part.__name__)
def test_nothing_is_kept_with_other_libraries(part, request):
    library, fewer = leak_calls.OPTIONAL[part]
    skip_without(library)
    for function, arguments in [call[1:] for call in part()]:
        function(*arguments)  # imports and compiles
    check(part, max(request.config.option.times // fewer, 50))  # caches of dask fill during some hundreds of calls
