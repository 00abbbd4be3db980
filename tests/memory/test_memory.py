"""Peak memory: nothing proportional to the input. For the largest arrays: test_scale.py."""

import sys

import pytest

from checks import fresh

resource = pytest.importorskip("resource")

# The peak of a new process above its memory before the call, in KiB. The stacks of threads are touched before.
PEAK = """
import resource, sys, numpy as np, lse
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shape, dtype, axis, view = eval(sys.argv[1])
a = np.full(shape, 0.5, dtype)
a = eval(view)
lse.set_num_threads(2)
lse.logsumexp(np.zeros(1 << 18, a.dtype.type if a.dtype.kind == "f" else float))
out = np.full(a.sum(axis=axis).shape, 1.0, np.float32 if a.dtype == np.float32 else np.float64)
before = peak()
lse.logsumexp(a, axis=axis, out=out)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="ru_maxrss is in bytes there, and counts otherwise")
@pytest.mark.parametrize(
    "case",
    [
        ((20_000_000,), "f4", None, "a"),
        ((20_000_000,), "f8", None, "a[::-1]"),
        ((20_000_000,), "f8", None, "a[::2]"),
        ((20_000_000,), ">f8", None, "a"),
        ((20_000_000,), "i4", None, "a"),
        ((4000, 5000), "f8", 0, "a"),
        ((4000, 5000), "f4", 1, "a"),
        ((4000, 5000), "f8", None, "a.T"),
        ((200_000, 100), "f8", None, "a.T"),
        ((50_000, 400), "f8", None, "a.T"),
        ((2_000_000, 10), "f4", None, "a.T"),
        ((100, 200, 1000), "f8", (0, 2), "a"),
        ((20, 1000, 1000), "f8", 1, "a[:, ::2, ::-1]"),
    ],
    ids=str,
)
def test_no_temporary_is_proportional_to_the_input(case):
    assert int(fresh(PEAK, repr(case))) <= 2 * 1024  # 1 MiB for each of two threads


# The same of groups, beside the bytes of the labels.
GROUPS = """
import resource, sys, numpy as np, lse
n, groups, function, skewed = 4_000_000, int(sys.argv[1]), getattr(lse, sys.argv[2]), float(sys.argv[3])
a, index = np.full(n, 0.5), np.arange(n)
index *= 7919
index %= groups
index[: int(skewed * n)] = 3
out = np.full(n if function is lse.scatter_softmax else groups, 1.0)
lse.set_num_threads(2)
function(a[:1000], index[:1000], size=groups)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
function(a, index, size=groups, out=out)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / index.nbytes)
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="ru_maxrss is in bytes there, and counts otherwise")
@pytest.mark.parametrize("function", ["scatter_logsumexp", "scatter_softmax"])
@pytest.mark.parametrize(("groups", "skewed"), [(10, 0), (50_000, 0), (1_000_000, 0), (50_000, 0.49), (50_000, 0.95)])
def test_groups_take_no_more_than_twice_the_labels(groups, skewed, function):
    assert float(fresh(GROUPS, str(groups), function, str(skewed))) <= 2


def test_import_brings_nothing_but_numpy():
    code = "import numpy, sys; before = set(sys.modules); import lse; print(*sorted(set(sys.modules) - before))"
    names = {name.split(".")[0] for name in fresh(code).split()}
    assert {name for name in names if not name.startswith(("lse", "_cython", "cython"))} <= {"numpy"}
